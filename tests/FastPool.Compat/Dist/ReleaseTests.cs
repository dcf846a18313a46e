using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Dist;

/// <summary>The files that a release consists of.</summary>
public sealed partial class ReleaseTests
{
    private static async Task<string> ReleaseAsync()
    {
        var folder = Machine.NewFolder("release");
        await Checkout.MustRunAsync(
            Checkout.Tool("bash"), Checkout.PathOf("dist", "release.sh"), "-b", Binary.Path, "-o", folder);
        return folder;
    }

    [PoolerFact(FastPoolOnly = "has a release of its own")]
    public async Task A_release_has_package_binary_list_of_parts_and_checksums_that_fit()
    {
        var folder = await ReleaseAsync();
        var text = await Checkout.MustRunAsync(Checkout.Tool("bash"), "-c", $"cd {folder} && sha256sum --strict -c SHA256SUMS");
        Assert.Equal(5, Regex.Count(text, "(?m): OK$"));
        Assert.Equal(6, Directory.GetFiles(folder).Length);
        using var parts = JsonDocument.Parse(File.ReadAllText(Assert.Single(Directory.GetFiles(folder, "*.cdx.json"))));
        Assert.Equal("CycloneDX", parts.RootElement.GetProperty("bomFormat").GetString());
        var names = parts.RootElement.GetProperty("components").EnumerateArray()
            .Select(static part => part.GetProperty("name").GetString()).ToArray();
        Assert.Contains("DnsClient", names);
        Assert.Contains("Microsoft.DotNet.ILCompiler", names);
        Assert.DoesNotContain("Microsoft.CodeAnalysis.BannedApiAnalyzers", names);
        var locked = Locked().Matches(Checkout.Read("src", "FastPool.Net", "packages.lock.json"))
            .Select(static match => match.Groups[1].Value).ToArray();
        Assert.Contains("DnsClient", locked);
        Assert.Empty(locked.Where(static name => !name.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal)
            && name != "Microsoft.NET.ILLink.Tasks").Except(names));
    }

    [PoolerFact(FastPoolOnly = "has a release of its own")]
    public async Task Two_releases_of_one_binary_are_equal() =>
        Assert.Equal(File.ReadAllText(Path.Combine(await ReleaseAsync(), "SHA256SUMS")),
            File.ReadAllText(Path.Combine(await ReleaseAsync(), "SHA256SUMS")));

    [PoolerFact(FastPoolOnly = "has a package of its own")]
    public async Task Lintian_has_nothing_to_say_of_the_package()
    {
        var package = Assert.Single(Directory.GetFiles(await ReleaseAsync(), "*.deb"));
        var (exit, text) =
            await Checkout.RunAsync(Checkout.Tool("lintian"), "--fail-on", "error,warning", "--allow-root", package);
        Assert.True(exit == 0 && !Regex.IsMatch(text, "(?m)^[EW]: "), text);
    }

    /// <summary>Of RHEL 8, as docs/install.md says. No package is made of a binary that asks for more.</summary>
    [PoolerFact(FastPoolOnly = "is built against an old library")]
    public async Task The_binary_asks_for_no_newer_C_library_than_the_manual_says()
    {
        var oldest = Regex.Match(
            Checkout.Read("src", "FastPool", "Link", "OldLibc.targets"), "<OldestLibc>(.*)</OldestLibc>").Groups[1].Value;
        Assert.Contains($"glibc {oldest} or newer", Checkout.Read("docs", "install.md"), StringComparison.Ordinal);
        var newest = SymbolVersion().Matches(Encoding.Latin1.GetString(File.ReadAllBytes(Binary.Path)))
            .Select(static match => Version.Parse(match.Groups[1].Value)).Max()!;
        Assert.True(newest <= Version.Parse(oldest), $"it asks for {newest}");
        Assert.Equal((0, $"{newest}\n"), await CheckLibcAsync(Binary.Path));
        Assert.Equal((0, ""), await CheckLibcAsync(Binary.Path, oldest));
        var (exit, text) = await CheckLibcAsync(Binary.Path, $"2.{newest.Minor - 1}");
        Assert.True(exit == 1 && text.Contains($"@GLIBC_{newest}\n", StringComparison.Ordinal), text);
    }

    private static Task<(int ExitCode, string Text)> CheckLibcAsync(params string[] arguments) =>
        Checkout.RunAsync(Checkout.Tool("sh"), [Checkout.PathOf("src", "FastPool", "Link", "check-libc.sh"), .. arguments]);

    [Fact]
    public void The_change_log_has_a_part_for_the_version_and_nothing_names_another_one()
    {
        var version = Regex.Match(Checkout.Read("Directory.Build.props"), "<Version>(.*)</Version>").Groups[1].Value;
        Assert.Contains($"\n## {version}\n", Checkout.Read("CHANGELOG.md"), StringComparison.Ordinal);
        Assert.Contains($"image: fastpool:{version}\n", Checkout.Read("dist", "recipes", "kubernetes.yaml"),
            StringComparison.Ordinal);
    }

    [GeneratedRegex("\"([\\w.]+)\": \\{\\s*\"type\": \"(?:Direct|Transitive|CentralTransitive)\"")]
    private static partial Regex Locked();

    [GeneratedRegex(@"GLIBC_(2\.\d+)")]
    private static partial Regex SymbolVersion();
}
