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
    [InlineData("pgbouncer_version_info{version=\"PgBouncer 1.25.2\"}", 1)]
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
        var text = Encoding.UTF8.GetString(_world.Plane.Figures.Metrics(isOpenMetrics: true));
        Assert.Contains("# TYPE pgbouncer_stats_totals_queries_pooled counter\npgbouncer_stats_totals_queries_pooled_total{",
            text, StringComparison.Ordinal);
        Assert.EndsWith("\n# EOF\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("# EOF", Metrics(), StringComparison.Ordinal);
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

    private string Metrics() => Encoding.UTF8.GetString(_world.Plane.Figures.Metrics(isOpenMetrics: false));

    private void Work()
    {
        var client = _world.Client("p0");
        foreach (var us in new[] { 1000, 2000 })
        {
            client.Judge((byte)'Q', 10);
            _world.Clock.Pass(us);
            _world.Loops[0].Context.NowUs = _world.Clock.NowUs;
            client.EndQuery(isTransactionOver: true);
        }
        _world.HoldsLogins = true;
        _world.Acquire(_world.Client("p1", "bob"));
    }
}
