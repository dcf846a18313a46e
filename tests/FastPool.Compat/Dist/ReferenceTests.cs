using System.Text.RegularExpressions;

namespace FastPool.Compat.Dist;

/// <summary>dist/pgbouncer.ini and pgbouncer(5) say of each setting what the pooler itself says in SHOW CONFIG.</summary>
public partial class ReferenceTests
{
    private sealed record Setting(string Key, string? Default, bool IsChangeable);

    [PoolerFact(FastPoolOnly = "other versions have other settings")]
    public async Task Every_setting_stands_in_the_ini_with_its_default()
    {
        var lines = PgbouncerSection().Select(line => CommentedSetting().Match(line)).Where(match => match.Success)
            .Select(match => (Key: match.Groups[1].Value, Value: match.Groups[2].Value)).ToList();
        var settings = await SettingsAsync();
        Assert.Equal(100, settings.Count);
        Assert.Equal(settings.Select(s => s.Key), lines.Select(line => line.Key).Order(StringComparer.Ordinal));
        // One without a default has an example, and the text above it says so.
        foreach (var (key, value) in lines)
        {
            var setting = settings.Single(s => s.Key == key);
            if (setting.Default is not null) Assert.Equal((key, setting.Default), (key, value));
            Assert.Equal((key, setting.Default is null),
                (key, CommentAbove(key).Contains("No default.", StringComparison.Ordinal)));
        }
    }

    [PoolerFact(FastPoolOnly = "other versions have other settings")]
    public async Task Every_setting_stands_in_the_manual_with_its_default_and_whether_a_reload_is_enough()
    {
        var entries = ManualEntry().Matches(Checkout.Read("dist", "man", "pgbouncer.5"))
            .ToDictionary(m => m.Groups[1].Value, m =>
                (Default: m.Groups[2].Value, IsChangeable: m.Groups[3].Value == "RELOAD suffices."));
        foreach (var setting in await SettingsAsync())
        {
            Assert.True(entries.TryGetValue(setting.Key, out var entry), $"{setting.Key} is missing");
            var expected = setting.Default switch { null => "none", "" => "empty", _ => setting.Default };
            Assert.Equal((setting.Key, expected), (setting.Key, entry.Default));
            // SHOW CONFIG says of stats_period what PgBouncer says of it; the manual says what is so.
            if (setting.Key != "stats_period")
                Assert.Equal((setting.Key, setting.IsChangeable), (setting.Key, entry.IsChangeable));
        }
    }

    [PoolerFact(FastPoolOnly = "other versions have other settings")]
    public async Task The_ini_loads_as_it_is_installed() => await LoadsAsync(Checkout.Read("dist", "pgbouncer.ini"));

    [PoolerFact(FastPoolOnly = "it refuses the section fastpool")]
    public async Task The_ini_loads_with_every_setting_and_every_example_uncommented()
    {
        var ini = Regex.Replace(Checkout.Read("dist", "pgbouncer.ini"), "(?m)^;", "");
        Assert.Contains("\n[fastpool]\n", ini, StringComparison.Ordinal);
        await LoadsAsync(ini);
    }

    [PoolerFact]
    public async Task The_minimal_ini_and_the_userlist_load() => await LoadsAsync(Checkout.Read("dist", "pgbouncer-minimal.ini"));

    private static async Task LoadsAsync(string ini)
    {
        var folder = Machine.NewFolder("ref");
        foreach (var (key, value) in new[]
        {
            ("listen_port", $"{Machine.FreePort()}"),
            ("unix_socket_dir", folder),
            ("auth_file", $"{folder}/userlist.txt"),
            ("pidfile", $"{folder}/pid"),
            ("logfile", $"{folder}/log"),
            ("conffile", $"{folder}/f.ini"),
            ("user", Checkout.UserName),
        })
        {
            // The port also where it is a comment: other tests and other programs may have the default one.
            var first = key == "listen_port" ? ";?" : "";
            ini = Regex.Replace(ini, $"(?m)^{first}{key} =.*$", $"{key} = {value}");
        }

        await File.WriteAllTextAsync($"{folder}/f.ini", ini);
        await File.WriteAllTextAsync($"{folder}/userlist.txt", Checkout.Read("dist", "userlist.txt"));
        var lines = await Checkout.ListensAsync($"{folder}/f.ini", folder);
        Assert.DoesNotContain(lines, line =>
            line.Contains(" ERROR ", StringComparison.Ordinal) || line.Contains(" WARNING ", StringComparison.Ordinal));
    }

    private static async Task<List<Setting>> SettingsAsync()
    {
        await using var pooler = await Pooler.StartAsync(Machine.FreePort(), loops: 1);
        var config = await pooler.ConsoleAsync("SHOW CONFIG");
        return [.. config.Rows.Select(row => new Setting(row[0]!, row[2], row[3] == "yes"))];
    }

    private static IEnumerable<string> PgbouncerSection() =>
        File.ReadLines(Checkout.PathOf("dist", "pgbouncer.ini")).SkipWhile(line => line != "[pgbouncer]")
            .TakeWhile(line => line != ";[fastpool]");

    private static string CommentAbove(string key)
    {
        var lines = PgbouncerSection().TakeWhile(line => !line.StartsWith($";{key} =", StringComparison.Ordinal)).ToList();
        return string.Join(' ', lines.AsEnumerable().Reverse().TakeWhile(line => line.StartsWith("# ", StringComparison.Ordinal))
            .Reverse().Select(line => line[2..]));
    }

    [GeneratedRegex(@"^;([a-z_0-9]+) = ?(.*)$")]
    private static partial Regex CommentedSetting();

    [GeneratedRegex(@"^\.It Va ([a-z_0-9]+)\nType: [^\n]+\.\nDefault: ([^\n]*)\.\n(RELOAD suffices\.|Needs a restart\.)\n",
        RegexOptions.Multiline)]
    private static partial Regex ManualEntry();
}
