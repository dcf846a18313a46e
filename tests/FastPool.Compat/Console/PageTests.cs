using System.Globalization;
using System.Text.RegularExpressions;
using FastPool.Compat.Dist;

namespace FastPool.Compat.Console;

/// <summary>The page for people, in a browser without a screen. Its picture is kept under out/artefacts.</summary>
public sealed class PageTests
{
    [PoolerTheory(FastPoolOnly = "has no page"), Loops]
    public async Task The_page_shows_the_consoles_figures(int loops)
    {
        var (pooler, address) = await MetricsTests.StartAsync(loops, file => file["default_pool_size"] = "2");
        await using var _ = pooler;
        var clients = new List<RawClient>();
        for (var i = 0; i < 5; i++) clients.Add(await pooler.RawAsync());
        await clients[0].QueryAsync("begin");
        await clients[1].QueryAsync("begin");
        await clients[2].SendAsync(Wire.Query("select 1"));
        await pooler.PoolIsAsync("cl_waiting", 1);

        var page = await BrowseAsync(address, "--dump-dom");
        foreach (var column in new[] { "cl_active", "cl_waiting", "sv_active", "sv_idle" })
        {
            var shown = Cell(page, "app/user_trust", column);
            Assert.Equal(await pooler.PoolAsync(column), int.Parse(shown, CultureInfo.InvariantCulture));
        }
        var latency = await pooler.ConsoleAsync("SHOW LATENCY");
        var query = latency.Rows.Single(row => row[1] == "query" && row[2] == "total");
        Assert.Equal(query[latency.Columns.IndexOf("count")], Cell(page, "app/query", "count"));
        Assert.Equal(query[latency.Columns.IndexOf("p99_ms")], Cell(page, "app/query", "p99_us"));
        Assert.Contains(">pool full</td>", page, StringComparison.Ordinal);
        Assert.Matches("id=\"lost\"[^>]*></span>", page);
        foreach (var client in clients) await client.DisposeAsync();
    }

    [PoolerFact(FastPoolOnly = "has no page")]
    public async Task The_page_loads_nothing_from_elsewhere_and_is_drawn()
    {
        var (pooler, address) = await MetricsTests.StartAsync(2);
        await using var _ = pooler;
        await using var load = Child.Start(
            Machine.Program("pgbench"),
                ["-n", "-c", "8", "-T", "8", "-f", await ScriptAsync(pooler), "-h", "127.0.0.1", "-p", $"{pooler.Port}", "-U",
                "user_trust", Postgres.Database], Machine.Folder);
        var artefacts = Directory.CreateDirectory(Checkout.PathOf("out", "artefacts")).FullName;
        var picture = Path.Combine(artefacts, "page.png");
        File.Delete(picture);
        await BrowseAsync(address, $"--screenshot={picture}");
        Assert.True(new FileInfo(picture).Length > 50_000, "the picture is empty");
        using var http = new HttpClient();
        var html = await http.GetStringAsync(address);
        Assert.Empty(Regex.Matches(html, "(?:src|href|url)\\s*[=(]\\s*[\"']?(?:https?:)?//").Select(match => match.Value));
    }

    private static async Task<string> ScriptAsync(Pooler pooler)
    {
        var script = Path.Combine(pooler.Folder, "page.sql");
        await File.WriteAllTextAsync(script, "begin;\nselect pg_sleep(0.002);\ncommit;\n");
        return script;
    }

    private static async Task<string> BrowseAsync(string address, string what)
    {
        var profile = Directory.CreateDirectory(Path.Combine(Machine.Folder, $"browser{Guid.NewGuid():N}")).FullName;
        var browser = File.Exists("/usr/bin/chromium-browser") ? "chromium-browser" : "chromium";
        return await Checkout.MustRunAsync(
            Checkout.Tool(browser), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--no-first-run", $"--user-data-dir={profile}", "--window-size=1280,1500", "--virtual-time-budget=6000", what,
                address);
    }

    private static string Cell(string page, string row, string field)
    {
        var line = Regex.Match(page, $"<tr data-row=\"{Regex.Escape(row)}\">.*?</tr>", RegexOptions.Singleline);
        Assert.True(line.Success, $"no row {row}");
        return Regex.Match(line.Value, $"data-field=\"{field}\"[^>]*>([^<]*)<").Groups[1].Value.Replace(",", "",
            StringComparison.Ordinal);
    }
}
