using System.Globalization;
using System.Text;
using System.Text.Json;
using FastPool.Control;
using FastPool.Control.Figures;
using FastPool.Control.Listings;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Control.Figures;

/// <summary>Metrics and the page's figures say what the console says.</summary>
public sealed class FigureTests
{
    private readonly ConsoleWorld _world = new(loops: 2);

    [Fact]
    public void Every_line_is_a_comment_or_a_sample_of_the_family_above_it()
    {
        Work();
        var family = "";
        foreach (var line in Metrics().Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal)) family = line.Split(' ')[2];
            if (line[0] == '#') continue;
            Assert.Matches("^[a-z_]+(\\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*\\})? [0-9.E+-]+$", line);
            Assert.StartsWith(family, line, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("pgbouncer_stats_totals_queries_pooled_total{database=\"p0\"}", 2)]
    [InlineData("pgbouncer_stats_totals_queries_duration_seconds_total{database=\"p0\"}", 0.003)]
    [InlineData("pgbouncer_pools_client_active_connections{database=\"p0\",user=\"alice\"}", 1)]
    [InlineData("pgbouncer_pools_client_waiting_connections{database=\"p1\",user=\"bob\"}", 1)]
    [InlineData(
        "pgbouncer_databases_pool_size{name=\"p0\",host=\"127.0.0.1\",port=\"7501\",database=\"p0\",force_user=\"\",pool_mode=\"\"}", 20)]
    [InlineData("pgbouncer_databases", 3)]
    [InlineData("pgbouncer_version_info{version=\"PgBouncer 1.26.1\"}", 1)]
    [InlineData("pgbouncer_config_max_client_connections", 100)]
    [InlineData("fastpool_transaction_duration_seconds_bucket{database=\"p0\",le=\"0.000512\"}", 0)]
    [InlineData("fastpool_transaction_duration_seconds_bucket{database=\"p0\",le=\"0.001024\"}", 1)]
    [InlineData("fastpool_transaction_duration_seconds_bucket{database=\"p0\",le=\"+Inf\"}", 2)]
    [InlineData("fastpool_transaction_duration_seconds_sum{database=\"p0\"}", 0.003)]
    [InlineData("fastpool_waiting_clients{database=\"p1\",cause=\"connecting\"}", 1)]
    [InlineData("fastpool_loop_client_connections{loop=\"1\"}", 0)]
    public void A_figure_has_its_sample(string series, double value)
    {
        Work();
        var line = Assert.Single(Metrics().Split('\n'), line => line.StartsWith(series + " ", StringComparison.Ordinal));
        Assert.Equal(value, double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture), 9);
    }

    [Fact]
    public void OpenMetrics_names_a_counters_family_without_its_end_and_says_where_it_ends()
    {
        Work();
        var text = Metrics(isOpenMetrics: true);
        Assert.Contains("# TYPE pgbouncer_stats_totals_queries_pooled counter\npgbouncer_stats_totals_queries_pooled_total{",
            text, StringComparison.Ordinal);
        Assert.EndsWith("\n# EOF\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("# EOF", Metrics(), StringComparison.Ordinal);
    }

    /// <summary>As the exporter of the Prometheus community names what it reads from the console.</summary>
    [Theory]
    [InlineData("pgbouncer_stats_totals_server_assignments_total{database=\"p0\"}", 0)]
    [InlineData(
        "pgbouncer_client_connections{database=\"p0\",user=\"alice\",application_name=\"\",state=\"idle\"}", 1)]
    [InlineData(
        "pgbouncer_client_connections{database=\"p1\",user=\"bob\",application_name=\"\",state=\"waiting\"}", 1)]
    [InlineData("process_open_fds", 17)]
    [InlineData("fastpool_reloads_total{result=\"failed\"}", 3)]
    [InlineData("fastpool_last_reload_successful", 0)]
    [InlineData("fastpool_logins_total{database=\"p0\",user=\"alice\"}", 1)]
    [InlineData("fastpool_login_failures_total{user=\"ann\",reason=\"no such database\"}", 2)]
    [InlineData("fastpool_client_errors_total{reason=\"query_wait_timeout\"}", 1)]
    public void Faults_are_counted(string series, double value)
    {
        Work();
        _world.Registry.GetPool(_world.Registry.FindDatabase("p0", out _)!, "alice").Stats[0].Logins = 1;
        var endings = _world.Loops[1].Context.Endings;
        endings.Add("no such database: x", "ann", isLogin: true);
        _world.Loops[0].Context.Endings.Add("no such database: y", "ann", isLogin: true);
        endings.Add("query_wait_timeout", "", isLogin: false);
        var line = Assert.Single(Metrics().Split('\n'), line => line.StartsWith(series + " ", StringComparison.Ordinal));
        Assert.Equal(value, double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture), 9);
    }

    [Theory]
    [InlineData("no such database: x", "no such database")]
    [InlineData("database \"x y\" is disabled", "database is disabled")]
    [InlineData("a \"b\" c \"d\": e", "a c")]
    [InlineData("a \"b", "a \"b")]
    public void Parts_that_differ_each_time_are_cut_from_a_reason(string message, string kind) =>
        Assert.Equal(kind, EndingTable.Kind(message));

    [Fact]
    public void Reasons_that_are_too_many_are_one()
    {
        var table = new EndingTable();
        for (var i = 0; i < 1000; i++) table.Add($"reason {i}", "", isLogin: false);
        Assert.Equal(1000, table.Rows.Sum(static row => row.Count));
        Assert.Equal(513, table.Rows.Count());
        Assert.Equal(488, table.Rows.Single(static row => row.Reason == EndingTable.Others).Count);
    }

    [Fact]
    public void Names_of_applications_that_are_too_many_are_one()
    {
        for (var i = 0; i < 1100; i++)
        {
            var client = _world.Client("p0");
            client.Parameters = _world.Loops[0].Context.ValuesOf([("application_name", $"a{i}")]);
        }
        var lines = Metrics().Split('\n')
            .Where(static line => line.StartsWith("pgbouncer_client_connections{", StringComparison.Ordinal)).ToArray();
        Assert.Equal(1001, lines.Length);
        Assert.Single(lines, static line =>
            line.EndsWith("application_name=\"(others)\",state=\"idle\"} 100", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("off", 0, 0)]
    [InlineData("pool", 0, 1)]
    [InlineData("database", 1, 0)]
    public void Histograms_are_of_databases_of_pools_or_not_at_all(string word, int ofDatabase, int ofPool)
    {
        var world = new ConsoleWorld(ConsoleWorld.Ini + $"[fastpool]\nmetrics_histograms = {word}\n");
        Work(world);
        var text = TextOf(world.Plane.Figures.Metrics(isOpenMetrics: false), out _);
        int Count(string labels) => text.Split('\n').Count(line =>
            line.StartsWith($"fastpool_query_duration_seconds_count{{{labels}}} ", StringComparison.Ordinal));
        Assert.Equal(ofDatabase, Count("database=\"p0\""));
        Assert.Equal(ofPool, Count("database=\"p0\",user=\"alice\""));
    }

    [Fact]
    public void Metrics_of_many_databases_leave_in_small_parts()
    {
        var names = Enumerable.Range(0, 200).Select(static i => $"d{i}").ToArray();
        var world = new ConsoleWorld("[pgbouncer]\npool_mode=transaction\n[databases]\n"
            + string.Concat(names.Select(static name => $"{name}=host=127.0.0.1\n")));
        foreach (var name in names) Work(world, name);
        var text = TextOf(world.Plane.Figures.Metrics(isOpenMetrics: true), out var longest);
        Assert.True(text.Length > 1_000_000, "it is a long text");
        Assert.True(longest < 20_000, $"{longest} bytes in one part");
        Assert.EndsWith("# EOF\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Buckets_only_grow()
    {
        Work();
        var counts = Metrics().Split('\n')
            .Where(static line => line.StartsWith("fastpool_query_duration_seconds_bucket", StringComparison.Ordinal))
            .Select(static line => int.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(22, counts.Length);
        Assert.Equal(counts.Order(), counts);
    }

    [Fact]
    public void A_name_of_any_bytes_is_a_label_of_sound_text()
    {
        Assert.Equal("a=\"b\\\\c\\\"d\\ne\"", MetricText.Labels("a", "b\\c\"d\ne"));
        Assert.Equal("a=\"\u00C3\u00A4\"", MetricText.Labels("a", "\u00C3\u00A4")); // UTF-8, one char a byte: as it is.
        Assert.Equal("a=\"\u00EF\u00BF\u00BD\"", MetricText.Labels("a", "\u00E4")); // Latin-1: replaced.
        Assert.Equal("a=\"\"", MetricText.Labels("a", null));
    }

    [Fact]
    public void A_family_comes_once()
    {
        var text = new MetricText(isOpenMetrics: false);
        text.Family("a", "gauge", "b");
        Assert.Throws<InvalidOperationException>(() => text.Family("a", "gauge", "b"));
    }

    [Fact]
    public void The_page_has_what_SHOW_POOLS_and_SHOW_LATENCY_have()
    {
        Work();
        using var json = JsonDocument.Parse(_world.Plane.Figures.Json());
        var pools = json.RootElement.GetProperty("pools").EnumerateArray()
            .Select(static pool =>
            string.Join('|', new[] { "database", "user", "cl_active", "cl_waiting" }.Select(name => pool.GetProperty(name))));
        Assert.Equal(_world.Query("show pools").Rows.Where(static row => !row.StartsWith("pgbouncer", StringComparison.Ordinal))
            .Select(static row => string.Join('|', row.Split('|')[..4])), pools);
        Assert.Equal(_world.Query("show latency").Rows.Length, json.RootElement.GetProperty("latency").GetArrayLength());
        Assert.Equal("connecting", json.RootElement.GetProperty("waiting")[0].GetProperty("cause").GetString());
        Assert.Equal("starting", json.RootElement.GetProperty("state").GetString());
    }

    [Fact]
    public void The_page_has_who_holds_the_servers_and_what_goes_wrong()
    {
        var client = _world.Client("p0");
        client.Judge((byte)'Q', 10);
        _world.Acquire(client);
        _world.Pass(2_000_000);
        _world.Loops[0].Context.Endings.Add("no such user", "ann", isLogin: true);
        _world.Loops[1].Context.Endings.Add("no such user", "bob", isLogin: true);
        using var json = JsonDocument.Parse(_world.Plane.Figures.Json());
        var holder = Assert.Single(json.RootElement.GetProperty("holders").EnumerateArray());
        Assert.Equal("p0|alice|127.0.0.1:50000|running|2000000", string.Join('|',
            new[] { "database", "user", "client", "state", "xact_us" }.Select(name => holder.GetProperty(name).ToString())));
        var pool = Assert.Single(json.RootElement.GetProperty("pools").EnumerateArray());
        Assert.Equal(2_000_000, pool.GetProperty("oldest_us").GetInt64());
        var failure = Assert.Single(json.RootElement.GetProperty("failures").EnumerateArray());
        Assert.Equal("no such user|2", $"{failure.GetProperty("reason")}|{failure.GetProperty("count")}");
        Assert.Equal(17, json.RootElement.GetProperty("open_fds").GetInt32());
        Assert.True(json.RootElement.GetProperty("is_reload_bad").GetBoolean());
    }

    [Fact]
    public void The_last_hour_is_kept_and_no_more()
    {
        var world = new ConsoleWorld(ConsoleWorld.Ini + "[fastpool]\nmetrics_listen = 127.0.0.1:9127\n");
        Work(world);
        for (var i = 0; i < 1000; i++) world.Pass(5_000_000);
        using var json = JsonDocument.Parse(world.Plane.Figures.HistoryJson());
        var fields = json.RootElement.GetProperty("fields").EnumerateArray().Select(static field => field.GetString()).ToList();
        var points = json.RootElement.GetProperty("points").EnumerateArray().ToArray();
        Assert.Equal(720, points.Length);
        var times = points.Select(point => point[fields.IndexOf("at_us")].GetInt64()).ToArray();
        Assert.Equal(times.Order(), times);
        Assert.Equal(719 * 5_000_000L, times[^1] - times[0]);
        Assert.Equal(2, points[^1][fields.IndexOf("queries")].GetInt32());
    }

    [Fact]
    public void Without_an_endpoint_nothing_is_kept()
    {
        _world.Pass(60_000_000);
        using var json = JsonDocument.Parse(_world.Plane.Figures.HistoryJson());
        Assert.Equal(0, json.RootElement.GetProperty("points").GetArrayLength());
    }

    /// <summary>
    /// Each number of SHOW POOLS, SHOW STATS and SHOW LOOPS that has a metric is that metric, and the page's number of that name.
    /// </summary>
    [Fact]
    public void SHOW_metrics_and_page_have_each_figure_from_one_place()
    {
        Work();
        var client = _world.Client("p0", "carl");
        _world.Loops[0].Cancels.Add(
            new CancelView(client, client.Pool, 0, new CancelCarrier(99, default, default, 7510, 0, true)));
        var columns = "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active sv_active_cancel "
            + "sv_being_canceled sv_idle sv_used sv_tested sv_login";
        var names = columns.Split(' ');
        using var json = JsonDocument.Parse(_world.Plane.Figures.Json());
        var page = json.RootElement.GetProperty("pools").EnumerateArray()
            .ToDictionary(static pool => $"{pool.GetProperty("database")}|{pool.GetProperty("user")}");
        var metrics = Metrics();
        var login = 0;
        foreach (var row in _world.Query("show pools").Rows.Select(static row => row.Split('|'))
            .Where(static row => row[0] != "pgbouncer"))
        {
            for (var i = 2; i < names.Length; i++)
            {
                var metric = PoolListing.Listing.Measured.Single(column => column.Name == names[i]).Metric!.Name;
                Assert.Contains($"\n{metric}{{database=\"{row[0]}\",user=\"{row[1]}\"}} {row[i]}\n", metrics,
                    StringComparison.Ordinal);
                if (page.TryGetValue($"{row[0]}|{row[1]}", out var pool) && pool.TryGetProperty(names[i], out var figure))
                    Assert.Equal(row[i], figure.ToString());
            }
            login += int.Parse(row[12], CultureInfo.InvariantCulture);
        }
        Assert.True(login > 0, "a connection that carries a cancel request is in login");
        var moved = Assert.Single(LoopListing.Listing.Measured, static column => column.Name == "moves");
        Assert.Equal("fastpool_loop_moves_total", moved.Metric!.Name);
    }

    [Fact]
    public void Ready_is_who_serves_and_is_not_about_to_end()
    {
        var readiness = _world.Plane.Readiness;
        Assert.Equal((false, "starting"), (readiness.IsReady, readiness.Word));
        readiness.IsServing = true;
        Assert.True(readiness.IsReady);
        _world.Registry.State.Mode = PoolerMode.Paused;
        Assert.True(readiness.IsReady); // Its clients are to wait here.
        _world.Registry.State.Mode = PoolerMode.Suspended;
        Assert.Equal("suspended", readiness.Word);
        _world.Registry.IsShuttingDown = true;
        Assert.Equal((false, "draining"), (readiness.IsReady, readiness.Word));
    }

    [Fact]
    public void Asking_waits_for_the_control_thread_and_gives_up()
    {
        Assert.Null(_world.Plane.Ask(static () => "never", TimeSpan.Zero)); // Nobody runs it.
        _world.Run();
        _world.Plane.Thread.Start();
        Assert.Equal("x", _world.Plane.Ask(static () => "x", TimeSpan.FromSeconds(30)));
        Assert.Null(
            _world.Plane.Ask<string>(static () => throw new InvalidOperationException("mistake"), TimeSpan.FromSeconds(30)));
        _world.Plane.Thread.Dispose();
    }

    private string Metrics(bool isOpenMetrics = false) => TextOf(_world.Plane.Figures.Metrics(isOpenMetrics), out _);

    /// <param name="longest">Bytes of the longest part.</param>
    private static string TextOf(MetricsReading reading, out int longest)
    {
        longest = 0;
        using var text = new MemoryStream();
        for (var part = reading.Next(); !part.IsEmpty; part = reading.Next())
        {
            longest = Math.Max(longest, part.Length);
            text.Write(part.Span);
        }
        return Encoding.UTF8.GetString(text.ToArray());
    }

    private void Work()
    {
        Work(_world);
        _world.HoldsLogins = true;
        _world.Acquire(_world.Client("p1", "bob"));
    }

    private static void Work(ConsoleWorld world, string database = "p0")
    {
        var client = world.Client(database);
        foreach (var us in new[] { 1000, 2000 })
        {
            client.Judge((byte)'Q', 10);
            world.Clock.Pass(us);
            world.Loops[0].Context.NowUs = world.Clock.NowUs;
            client.EndQuery(isTransactionOver: true);
        }
    }
}
