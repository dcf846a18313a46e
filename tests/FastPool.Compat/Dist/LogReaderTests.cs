using System.Text.Json;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Dist;

/// <summary>Programs that read or rotate the log.</summary>
public sealed class LogReaderTests
{
    private const int Logins = 7;

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task PgBadger_finds_connections_sessions_and_statistics(int loops)
    {
        var folder = Machine.NewFolder("badger");
        var log = Path.Combine(folder, "pgbouncer.log");
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["logfile"] = log;
            f["stats_period"] = "1";
        });
        for (var i = 0; i < Logins; i++)
            await pooler.ScalarAsync("select 1");
        await Until.TrueAsync(() => File.ReadAllText(log).Contains("stats: ", StringComparison.Ordinal), "a line of statistics");
        await Until.TrueAsync(() =>
            Regex.Count(File.ReadAllText(log), @"closing because: client close request") >= Logins, "the sessions' ends");
        pooler.Process.Signal(Child.SigQuit);
        await pooler.Process.ExitAsync();

        var text = File.ReadAllText(log);
        var logins = Regex.Count(text, "login attempt: db=");
        var ends = Regex.Count(text, @"C-0x.*closing because: .* \(age=\d+s\)");
        var queries = Regex.Matches(text, @"stats: \d+ xacts/s, (\d+) queries/s, ")
            .Sum(match => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
        Assert.True(queries > 0, text);

        // Written as this pgBadger expects it: older ones read the seconds and the statistics of older PgBouncers only.
        var tool = Checkout.Tool("pgbadger");
        var script = File.ReadAllText(tool);
        if (!script.Contains("[a-z]*\\)$", StringComparison.Ordinal)) text = Regex.Replace(text, @"\(age=(\d+)s\)", "(age=$1)");
        if (!script.Contains(" client logins", StringComparison.Ordinal))
            text = Regex.Replace(text, @"\d+ client logins/s, ", "");
        if (!script.Contains(" parses", StringComparison.Ordinal))
            text = Regex.Replace(text, @"\d+ client parses/s, \d+ server parses/s, \d+ binds/s, ", "");
        var input = Path.Combine(folder, "input.log");
        await File.WriteAllTextAsync(input, text);
        await Checkout.MustRunAsync(tool, "-q", "-f", "pgbouncer3", input, "-o", $"{folder}/out.json");
        using var report = JsonDocument.Parse(File.ReadAllText($"{folder}/out.json"));
        Assert.Equal(logins, report.RootElement.GetProperty("pgb_connection_info").GetProperty("count").GetInt32());
        Assert.True(report.RootElement.GetProperty("pgb_connection_info").GetProperty("database_user")
            .GetProperty(Postgres.Database).GetProperty("user_trust").GetInt32() >= Logins);
        Assert.Equal(ends, SessionsOfClients(report.RootElement, text));
        Assert.Equal(queries, report.RootElement.GetProperty("pgb_overall_stat").GetProperty("peak").EnumerateObject()
            .Sum(second => Number(second.Value, "t_req")));
    }

    [PoolerFact(Since = "1.25")]
    public async Task Logrotate_renames_the_log_and_the_pooler_goes_on_in_a_new_one()
    {
        var folder = Machine.NewFolder("rotate");
        var log = Path.Combine(folder, "pgbouncer.log");
        var pid = Path.Combine(folder, "pgbouncer.pid");
        await using var pooler = await StartWithLogAsync(log, pid);
        // The file as it is installed, for this log and this process, and without the change of user that only root may make.
        var rules = Checkout.Read("dist", "pgbouncer.logrotate")
            .Replace("/var/log/pgbouncer/*.log", log, StringComparison.Ordinal)
            .Replace("/run/postgresql/pgbouncer.pid", pid, StringComparison.Ordinal);
        await RotateAsync(folder, Regex.Replace(rules, @"(?m)^\s*su .*\n", ""));
        await pooler.LineAsync("got SIGHUP, re-reading config");
        await pooler.ConsoleAsync("SHOW VERSION");
        await Until.TrueAsync(() => File.Exists(log)
            && File.ReadAllText(log).Contains("login attempt: db=pgbouncer", StringComparison.Ordinal), "the new log is written");
        Assert.Contains("process up", File.ReadAllText(log + ".1"), StringComparison.Ordinal);
        Assert.DoesNotContain("process up", File.ReadAllText(log), StringComparison.Ordinal);
    }

    [PoolerFact]
    public async Task Logrotate_copies_and_cuts_the_log_and_leaves_no_hole()
    {
        var folder = Machine.NewFolder("rotate");
        var log = Path.Combine(folder, "pgbouncer.log");
        await using var pooler = await StartWithLogAsync(log, Path.Combine(folder, "pid"));
        await RotateAsync(folder, $"{log} {{\n  weekly\n  rotate 10\n  copytruncate\n  missingok\n}}\n");
        await pooler.ConsoleAsync("SHOW VERSION");
        await Until.TrueAsync(() =>
            File.ReadAllText(log).Contains("login attempt: db=pgbouncer", StringComparison.Ordinal), "the log is written");
        Assert.Contains("process up", File.ReadAllText(log + ".1"), StringComparison.Ordinal);
        Assert.Matches(@"^\d{4}-", File.ReadAllText(log));
        Assert.DoesNotContain('\0', File.ReadAllText(log));
    }

    private static async Task<Pooler> StartWithLogAsync(string log, string pid)
    {
        var pooler = await Pooler.StartAsync(Machine.FreePort(), loops: 1, f =>
        {
            f["logfile"] = log;
            f["pidfile"] = pid;
        });
        await Until.TrueAsync(() =>
            File.Exists(pid) && File.ReadAllText(log).Contains("process up", StringComparison.Ordinal), "the log is written");
        return pooler;
    }

    private static async Task RotateAsync(string folder, string rules)
    {
        var path = Path.Combine(folder, "rules");
        await File.WriteAllTextAsync(path, rules);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_100_100);
        var (exitCode, text) = await Child.RunAsync(Checkout.Tool("logrotate"), ["-f", "-s", $"{folder}/state", path]);
        Assert.True(exitCode == 0, text);
    }

    /// <summary>It counts the ends of server connections too when they have the same form: those are subtracted.</summary>
    private static int SessionsOfClients(JsonElement report, string text) =>
        report.GetProperty("pgb_session_info").GetProperty("count")
            .GetInt32() - Regex.Count(text, @"S-0x.*closing because: .*\(age=\d+s?\)");

    private static int Number(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) ? value.ValueKind == JsonValueKind.Number ? value.GetInt32()
            : int.Parse(value.GetString()!, System.Globalization.CultureInfo.InvariantCulture) : 0;
}
