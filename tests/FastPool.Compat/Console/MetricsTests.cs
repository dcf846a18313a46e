using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using FastPool.Compat.Dist;

namespace FastPool.Compat.Console;

/// <summary>The endpoint for monitoring: what it answers, and that nothing sent to it does any harm.</summary>
public sealed class MetricsTests
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(20) };

    [PoolerTheory(FastPoolOnly = "has no endpoint"), Loops]
    public async Task Metrics_say_what_the_console_says(int loops)
    {
        var (pooler, address) = await StartAsync(loops);
        await using var _ = pooler;
        await using var client = await pooler.RawAsync();
        for (var i = 0; i < 7; i++) await client.QueryAsync("select 1");
        var metrics = await Http.GetStringAsync(address + "metrics");
        Assert.Contains("\npgbouncer_stats_totals_queries_pooled_total{database=\"app\"} 7\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\npgbouncer_pools_client_active_connections{database=\"app\",user=\"user_trust\"} 1\n", metrics,
            StringComparison.Ordinal);
        Assert.Contains("\nfastpool_query_duration_seconds_count{database=\"app\"} 7\n", metrics, StringComparison.Ordinal);
        Assert.Contains($"\nfastpool_loop_client_connections{{loop=\"{loops - 1}\"}} ", metrics, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "has no endpoint"), Loops]
    public async Task An_address_may_be_a_name(int loops)
    {
        var port = Machine.FreePort();
        await using var pooler = await Pooler.StartAsync(loops, file => file.Own["metrics_listen"] = $"localhost:{port}");
        Assert.Equal("ok\n", await Http.GetStringAsync($"http://localhost:{port}/healthz"));
    }

    /// <summary>After a load on several connections: the three places say the same, to the last byte.</summary>
    [PoolerTheory(FastPoolOnly = "has no endpoint"), Loops]
    public async Task SHOW_metrics_and_page_agree_after_a_load(int loops)
    {
        var (pooler, address) = await StartAsync(loops);
        await using var _ = pooler;
        var clients = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => pooler.RawAsync()));
        await Task.WhenAll(clients.Select(static async client =>
        {
            for (var i = 0; i < 100; i++) await client.QueryAsync("select repeat('x', 1000)");
        }));
        var metrics = await Http.GetStringAsync(address + "metrics");
        using var page = System.Text.Json.JsonDocument.Parse(await Http.GetStringAsync(address + "figures"));
        var stats = await pooler.ConsoleAsync("SHOW STATS");
        var row = stats.Rows.Single(static row => row[0] == Postgres.Database);
        var figures = page.RootElement.GetProperty("stats").EnumerateArray()
            .Single(static entry => entry.GetProperty("database").GetString() == Postgres.Database);
        foreach (var (column, metric, name) in new[]
        {
            ("total_xact_count", "pgbouncer_stats_totals_sql_transactions_pooled_total", "xacts"),
            ("total_query_count", "pgbouncer_stats_totals_queries_pooled_total", "queries"),
            ("total_received", "pgbouncer_stats_totals_received_bytes_total", "received"),
            ("total_sent", "pgbouncer_stats_totals_sent_bytes_total", "sent"),
        })
        {
            var value = row[stats.Columns.IndexOf(column)];
            Assert.Contains($"\n{metric}{{database=\"app\"}} {value}\n", metrics, StringComparison.Ordinal);
            Assert.Equal(value, figures.GetProperty(name).ToString());
        }
        Assert.Equal("800", row[stats.Columns.IndexOf("total_query_count")]);
        foreach (var client in clients) await client.DisposeAsync();
    }

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task Promtool_finds_nothing_to_say()
    {
        var (pooler, address) = await StartAsync(1);
        await using var _ = pooler;
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("listen somewhere");
        var promtool = Checkout.Tool("promtool");
        var start =
            new ProcessStartInfo(promtool, ["check", "metrics"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            };
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(await Http.GetStringAsync(address + "metrics"));
        process.StandardInput.Close();
        Assert.Equal("", await process.StandardOutput.ReadToEndAsync() + await process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task The_form_follows_what_is_asked_for()
    {
        var (pooler, address) = await StartAsync(1);
        await using var _ = pooler;
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", await TypeAsync("text/plain"));
        Assert.Equal("application/openmetrics-text; version=1.0.0; charset=utf-8",
            await TypeAsync("application/openmetrics-text; version=1.0.0"));

        async Task<string> TypeAsync(string accept)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address + "metrics");
            request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(accept));
            using var response = await Http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            Assert.Equal(accept.StartsWith("application", StringComparison.Ordinal),
                text.EndsWith("# EOF\n", StringComparison.Ordinal));
            return response.Content.Headers.GetValues("Content-Type").Single();
        }
    }

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task Every_metric_that_rules_and_dashboard_name_is_there()
    {
        var (pooler, address) = await StartAsync(1);
        await using var _ = pooler;
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        await client.QueryAsync("commit");
        var known =
            Regex.Matches(await Http.GetStringAsync(address + "metrics"), "^(?:# TYPE )?([a-z_]+)", RegexOptions.Multiline)
            .Select(match => match.Groups[1].Value).ToHashSet();
        foreach (var file in new[] { "fastpool.rules.yml", "fastpool-dashboard.json" })
        {
            var text = Checkout.Read("dist", "monitoring", file);
            var named = Regex.Matches(text, "(?<![:a-z_])(?:pgbouncer|fastpool)_[a-z_]+(?![a-z_]*:)").Select(match => match.Value)
                .Distinct().ToList();
            Assert.True(named.Count > 5);
            Assert.Empty(named.Except(known));
        }
        await Checkout.MustRunAsync(Checkout.Tool("promtool"), "check", "rules",
            Checkout.PathOf("dist", "monitoring", "fastpool.rules.yml"));
    }

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task Ready_ends_when_a_shutdown_begins_and_health_goes_on()
    {
        var (pooler, address) = await StartAsync(1);
        await using var _ = pooler;
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await GetAsync(address + "readyz"));
        await using var client = await pooler.RawAsync();
        await pooler.ConsoleAsync("SHUTDOWN WAIT_FOR_CLIENTS");
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "draining\n"), await GetAsync(address + "readyz"));
        Assert.Equal((HttpStatusCode.OK, "ok\n"), await GetAsync(address + "healthz"));
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
    }

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task Missing_paths_and_wrong_methods_have_their_HTTP_codes()
    {
        var (pooler, address) = await StartAsync(1);
        await using var _ = pooler;
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(address + "nothing")).Status);
        using var post = await Http.PostAsync(new Uri(address + "metrics"), new StringContent("x"));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
        using var head = await Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, address + "metrics"));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
    }

    [PoolerTheory(FastPoolOnly = "has no endpoint")]
    [InlineData("\u0016\u0003\u0001\u0002", "HTTP/1.1 400 ")]
    [InlineData("nonsense", "HTTP/1.1 400 ")]
    [InlineData("GET /\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("GET / SPDY/9\r\n\r\n", "HTTP/1.1 400 ")]
    public async Task Garbage_gets_an_error_and_is_let_go(string garbage, string answer)
    {
        var (pooler, address) = await StartAsync(1);
        await using var _ = pooler;
        Assert.StartsWith(answer, await TalkAsync(new Uri(address).Port, Encoding.Latin1.GetBytes(garbage)),
            StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(address + "healthz")).Status);
    }

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task Megabytes_of_headers_are_cut_off()
    {
        var (pooler, address) = await StartAsync(1);
        await using var _ = pooler;
        var talk = TalkAsync(new Uri(address).Port, Encoding.Latin1.GetBytes("GET / HTTP/1.1\r\n" + new string('a', 2_000_000)));
        var answer = await Until.DoneAsync(talk, "an end");
        // A reset may overtake the answer.
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 431 ", StringComparison.Ordinal), answer);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(address + "healthz")).Status);
    }

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task A_silent_HTTP_client_keeps_nobody_out()
    {
        var (pooler, address) = await StartAsync(1);
        await using var _ = pooler;
        var silent = new List<TcpClient>();
        for (var i = 0; i < 100; i++)
        {
            var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, new Uri(address).Port);
            silent.Add(client);
        }
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(address + "metrics")).Status);
        await using var data = await pooler.RawAsync();
        Assert.Equal("TDCZ", (await data.QueryAsync("select 1")).Types);
        foreach (var client in silent) client.Dispose();
    }

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task Errors_failed_logins_failed_reloads_and_the_process_are_told()
    {
        var (pooler, address) = await StartAsync(1);
        await using var _ = pooler;
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1/0");
        await using (var stranger = await RawClient.ConnectAsync(pooler.Port))
        {
            await stranger.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "nowhere")));
            await stranger.ReplyAsync();
        }
        await File.AppendAllTextAsync(pooler.IniPath, "\n[pgbouncer]\nno_such_setting = 1\n");
        pooler.Process.Signal(Child.SigHup);
        await pooler.LineAsync("config file loading failed");
        await client.QueryAsync("begin");
        var metrics = await Http.GetStringAsync(address + "metrics");
        foreach (var line in new[]
        {
            "fastpool_server_errors_total{database=\"app\"} 1",
            "fastpool_login_failures_total{user=\"user_trust\",reason=\"no such database\"} 1",
            "fastpool_reloads_total{result=\"failed\"} 1",
            "fastpool_last_reload_successful 0",
            "fastpool_logins_total{database=\"app\",user=\"user_trust\"} 1",
            "fastpool_open_transactions{database=\"app\",user=\"user_trust\",state=\"idle in transaction\"} 1",
        })
            Assert.Contains($"\n{line}\n", metrics, StringComparison.Ordinal);
        Assert.InRange(Value(metrics, "process_open_fds"), 8, 200);
        Assert.InRange(Value(metrics, "process_resident_memory_bytes"), 1e6, 1e9);
        Assert.InRange(Value(metrics, "process_start_time_seconds"), 1e9, 1e10);
        Assert.InRange(Value(metrics, "process_threads"), 2, 100);
        var transactions = await pooler.ConsoleAsync("SHOW TRANSACTIONS");
        Assert.Equal("idle in transaction", Assert.Single(transactions.Rows)[transactions.Columns.IndexOf("state")]);
    }

    private static double Value(string metrics, string name) => double.Parse(
        Regex.Match(metrics, $"(?m)^{name} (.*)$").Groups[1].Value, CultureInfo.InvariantCulture);

    [PoolerFact(FastPoolOnly = "has no endpoint")]
    public async Task An_address_in_use_is_taken_when_it_is_free()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;
        await using var pooler = await Pooler.StartAsync(1, file => file.Own["metrics_listen"] = $"127.0.0.1:{port}");
        await pooler.LineAsync($"WARNING cannot listen on 127.0.0.1:{port} for metrics: bind(): Address already in use");
        holder.Stop();
        await pooler.LineAsync($"metrics on http://127.0.0.1:{port}/");
        Assert.Equal(HttpStatusCode.OK, (await GetAsync($"http://127.0.0.1:{port}/healthz")).Status);
    }

    /// <summary>A pooler with its endpoint, and the endpoint's address.</summary>
    internal static async Task<(Pooler Pooler, string Address)> StartAsync(int loops, Action<PoolerFile>? change = null)
    {
        var port = Machine.FreePort();
        var pooler = await Pooler.StartAsync(loops, file =>
        {
            file.Own["metrics_listen"] = $"127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}";
            change?.Invoke(file);
        });
        return (pooler, $"http://127.0.0.1:{port}/");
    }

    private static async Task<(HttpStatusCode Status, string Text)> GetAsync(string address)
    {
        using var response = await Http.GetAsync(new Uri(address));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private static async Task<string> TalkAsync(int port, byte[] bytes)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        try
        {
            await client.GetStream().WriteAsync(bytes);
            using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
            return await reader.ReadToEndAsync();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
