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
        // The page has three digits behind the point below 100 ms, fewer above.
        var p99 = double.Parse(query[latency.Columns.IndexOf("p99_ms")]!, CultureInfo.InvariantCulture);
        Assert.Equal(p99, double.Parse(Cell(page, "app/query", "p99_us"), CultureInfo.InvariantCulture), tolerance: p99 / 500);
        Assert.Contains(">pool full</td>", page, StringComparison.Ordinal);
        Assert.Matches("id=\"lost\"[^>]*></span>", page);
        foreach (var client in clients) await client.DisposeAsync();
    }

    [PoolerFact(FastPoolOnly = "has no page")]
    public async Task The_page_tells_of_servers_that_stay_with_their_clients_and_of_logins()
    {
        var (pooler, address) = await MetricsTests.StartAsync(1, file => file.Own["session_state"] = "keep");
        await using var _ = pooler;
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("create temp table mine(v int)");
        await client.QueryAsync("select 1");
        var page = await BrowseAsync(address, "--dump-dom");
        Assert.Equal("1", Cell(page, "app/user_trust", "pinned"));
        Assert.Contains("pinned: temporary table", page, StringComparison.Ordinal);
        Assert.Contains("logins of clients per second", page, StringComparison.Ordinal);
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

    /// <summary>The page and some figures of a pooler that then goes away.</summary>
    [PoolerFact(FastPoolOnly = "has no page")]
    public async Task The_page_does_not_stay_green_when_the_pooler_is_gone_and_puts_trouble_first()
    {
        var (pooler, address) = await MetricsTests.StartAsync(1);
        await using var _ = pooler;
        using var http = new HttpClient();
        var html = await http.GetByteArrayAsync(address);
        var figures = System.Text.Json.Nodes.JsonNode.Parse(await http.GetStringAsync(address + "figures"))!;
        var pools = figures["pools"]!.AsArray();
        for (var i = 0; i < 300; i++)
        {
            pools.Add(System.Text.Json.Nodes.JsonNode.Parse($$"""
                {"database":"d{{i:000}}","user":"u","cl_active":1,"cl_waiting":0,"sv_active":0,"sv_idle":0,
                "sv_used":0,"sv_tested":0,"sv_login":0,"maxwait_us":{{(i == 217 ? 5_000_000 : 0)}},
                "pool_size":5,"pool_mode":"transaction","paused":false,"idle_in_transaction":0,"oldest_us":0}
                """));
        }
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var answers = AnswerAsync(listener, html, System.Text.Encoding.UTF8.GetBytes(figures.ToJsonString()));
        var page = await BrowseAsync($"http://{listener.LocalEndpoint}/", "--dump-dom");
        listener.Stop();
        await answers;
        Assert.Matches("<span id=\"state\" class=\"state bad\">gone</span>", page);
        Assert.Contains("<body class=\"gone\">", page, StringComparison.Ordinal);
        var rows = Regex.Matches(page, "<tr data-row=\"(d[0-9]+)/u\">").Select(static match => match.Groups[1].Value).ToArray();
        Assert.Equal(20, rows.Length);
        Assert.Equal(["d217", "d000", "d001"], rows[..3]);
        Assert.Contains("the first 20 of 300, show all", page, StringComparison.Ordinal);
    }

    /// <summary>The page as often as it is asked for, the figures once.</summary>
    private static async Task AnswerAsync(System.Net.Sockets.TcpListener listener, byte[] html, byte[] figures)
    {
        var hasTold = false;
        while (true)
        {
            try
            {
                using var client = await listener.AcceptTcpClientAsync();
                var buffer = new byte[8192];
                var count = await client.GetStream().ReadAsync(buffer);
                var head = System.Text.Encoding.Latin1.GetString(buffer, 0, count);
                var isFigures = head.StartsWith("GET /figures ", StringComparison.Ordinal);
                if (isFigures && hasTold) continue;
                hasTold |= isFigures;
                var body = isFigures ? figures : html;
                var type = isFigures ? "application/json" : "text/html; charset=utf-8";
                var answer = $"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nContent-Length: {body.Length}\r\n";
                await client.GetStream().WriteAsync(System.Text.Encoding.Latin1.GetBytes(answer + "Connection: close\r\n\r\n"));
                await client.GetStream().WriteAsync(body);
            }
            catch (IOException) // The browser has had enough of this one.
            {
            }
            catch (Exception end) when (end is System.Net.Sockets.SocketException or ObjectDisposedException)
            {
                return;
            }
        }
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
