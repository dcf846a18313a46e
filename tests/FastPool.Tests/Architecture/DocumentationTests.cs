using System.Text;
using System.Text.RegularExpressions;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Architecture;

/// <summary>
/// docs and the other texts: links lead somewhere, and the reference is what manual pages and code say. With
/// FASTPOOL_WRITE_REFERENCE=1 the test writes the reference.
/// </summary>
public sealed partial class DocumentationTests
{
    private static readonly string Root = Path.GetDirectoryName(SourceTree.Folder)!;

    private static string Docs => Path.Combine(Root, "docs");

    public static TheoryData<string> Texts =>
    [
        .. Directory.EnumerateFiles(Root, "*.md", SearchOption.AllDirectories)
            .Where(static path => !path.Contains("/node_modules/", StringComparison.Ordinal))
            .Select(static path => Path.GetRelativePath(Root, path))
            .Where(static path => !path.Split('/').Any(static part => part is "obj" or "bin" or "out" || part.StartsWith('.')))
            .Order(StringComparer.Ordinal),
    ];

    [Theory, MemberData(nameof(Texts))]
    public void Every_link_leads_somewhere(string name)
    {
        var path = Path.Combine(Root, name);
        var text = Fence().Replace(File.ReadAllText(path), "");
        foreach (var link in Link().Matches(text).Select(static match => match.Groups[1].Value))
        {
            if (link.Contains("://", StringComparison.Ordinal)) continue;
            var (file, anchor) = link.Split('#') is [var front, var back] ? (front, back) : (link, "");
            var target = file.Length == 0 ? path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, file));
            Assert.True(File.Exists(target) || Directory.Exists(target), $"{name}: {link} is nowhere");
            if (anchor.Length > 0) Assert.Contains(anchor, AnchorsOf(File.ReadAllText(target)));
        }
    }

    [Fact]
    public void Every_page_is_in_the_index() =>
        Assert.Empty(Directory.EnumerateFiles(Docs, "*.md").Select(static path => Path.GetFileName(path))
            .Where(static file => file != "README.md")
            .Except(Link().Matches(File.ReadAllText(Path.Combine(Docs, "README.md")))
                .Select(static match => match.Groups[1].Value)));

    [Theory]
    [InlineData("settings.md")]
    [InlineData("console.md")]
    [InlineData("metrics.md")]
    public void The_reference_is_up_to_date(string name)
    {
        var path = Path.Combine(Docs, name);
        var expected = name switch
        {
            "settings.md" => SettingsPage(),
            "console.md" => ConsolePage(),
            _ => MetricsPage(),
        };
        if (Environment.GetEnvironmentVariable("FASTPOOL_WRITE_REFERENCE") == "1") File.WriteAllText(path, expected);
        Assert.DoesNotMatch(@"`\( |[^|] \)`", expected); // A bracket that stands alone in a line of the manual page.
        Assert.True(File.Exists(path) && File.ReadAllText(path) == expected,
            $"docs/{name} is not what manual page and code say: run this test with FASTPOOL_WRITE_REFERENCE=1");
    }

    [Fact]
    public void Every_setting_of_the_table_has_its_place_in_the_reference()
    {
        var text = SettingsPage();
        var keys = FastPool.Core.Settings.SettingsTable.Rows.Select(static row => row.Key)
            .Concat(FastPool.Core.Settings.FastPoolSettings.Default.Values.Select(static pair => pair.Key));
        Assert.All(keys, key => Assert.Matches($"(?m)^### .*`{key}`", text));
    }

    private static string SettingsPage()
    {
        var page = Manual("pgbouncer.5");
        var text = new StringBuilder("# Settings\n\nMade from [pgbouncer(5)](../dist/man/pgbouncer.5). ")
            .Append("An ini file with all of them: [dist/pgbouncer.ini](../dist/pgbouncer.ini).\n");
        text.Append("\n# The file\n\n").Append(ManualPage.Section(page, "DESCRIPTION"));
        foreach (var section in (string[])["PGBOUNCER", "DATABASES", "USERS", "PEERS", "FASTPOOL"])
        {
            text.Append($"\n# \\[{section.ToLowerInvariant()}\\]\n\n");
            text.Append(ManualPage.Section(page, $"THE {section} SECTION"));
        }
        return Regex.Replace(text.ToString(), "`THE ([A-Z]+) SECTION`", static match =>
            $"[{match.Groups[1].Value.ToLowerInvariant()}](#{match.Groups[1].Value.ToLowerInvariant()})");
    }

    private static string ConsolePage()
    {
        var page = Manual("pgbouncer.1");
        return "# Console\n\nMade from [pgbouncer(1)](../dist/man/pgbouncer.1).\n\n" + ManualPage.Section(page, "THE CONSOLE")
            + "\n# Columns of the listings\n\n" + ManualPage.Section(page, "COLUMNS");
    }

    private static string Manual(string name) => File.ReadAllText(Path.Combine(Root, "dist", "man", name));

    /// <summary>The metrics of a pooler that has some of everything, so that each shows its labels.</summary>
    private static string MetricsPage()
    {
        var world = new ConsoleWorld(loops: 2);
        var working = world.Client("p0");
        world.Acquire(working);
        var latency = working.Pool!.Stats[0].OpenLatency(new HistogramBlocks());
        foreach (var measure in Enum.GetValues<LatencyMeasure>()) latency[measure].Record(1);
        world.Registry.Hosts.Get("localhost", "127.0.0.1", 5432);
        var context = world.Loops[0].Context;
        context.Safety.Add(SafetyUse.Set, "", "p0", "alice", "", world.Clock.WallUs);
        context.Endings.Add("no such database: x", "alice", isLogin: true);
        context.Endings.Add("query_wait_timeout", "", isLogin: false);
        world.HoldsLogins = true;
        world.Acquire(world.Client("p1", "bob"));
        var bytes = new MemoryStream();
        var reading = world.Plane.Figures.Metrics(isOpenMetrics: false);
        for (var part = reading.Next(); !part.IsEmpty; part = reading.Next()) bytes.Write(part.Span);
        var metrics = Encoding.UTF8.GetString(bytes.ToArray());
        var text = new StringBuilder("# Metrics\n\nTold at `/metrics` of `metrics_listen` (see [settings](settings.md)), ")
            .Append("as text or, if asked for, in the OpenMetrics form.\n")
            .Append("Names that begin with `pgbouncer_` are those of the exporter of the Prometheus community.\n")
            .Append("With `metrics_histograms = pool` histograms have the label `user` too.\n")
            .Append("The role of a host is a label, so its series is another one after a failover.\n\n")
            .Append("| metric | kind | labels | what |\n|---|---|---|---|\n");
        foreach (Match family in Family().Matches(metrics))
        {
            var name = family.Groups[1].Value;
            var sample = Regex.Match(metrics, $"(?m)^{name}(?:_bucket)?\\{{([^}}]*)\\}}");
            Assert.True(sample.Success || Regex.IsMatch(metrics, $"(?m)^{name} "), $"{name} has no sample to show its labels");
            var labels = Regex.Matches(sample.Groups[1].Value, "([a-z_]+)=\"")
                .Select(static match => $"`{match.Groups[1].Value}`")
                .Where(static label => label != "`le`");
            text.Append($"| `{name}` | {family.Groups[3].Value} | {string.Join(", ", labels)} | {family.Groups[2].Value} |\n");
        }
        return text.ToString();
    }

    private static IEnumerable<string> AnchorsOf(string text) =>
        Heading().Matches(Fence().Replace(text, "")).Select(static match =>
            Regex.Replace(match.Groups[1].Value.ToLowerInvariant(), "[^a-z0-9 _-]", "").Replace(' ', '-'));

    [GeneratedRegex("^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("^# HELP ([a-z_]+) (.*)\n# TYPE [a-z_]+ ([a-z]+)$", RegexOptions.Multiline)]
    private static partial Regex Family();
}
