using FastPool.Control.Commands;
using FastPool.Control.Listings;
using FastPool.Control.Operations;
using FastPool.Control.Statistics;
using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Control.Figures;

/// <summary>All figures at one moment, for machines and for the page. Control thread.</summary>
public sealed class FigureBook
{
    private const string Counter = "counter";
    private const string Gauge = "gauge";

    /// <summary>Upper bounds of the histograms: 64 µs to 67 s in powers of two, where buckets end anyway.</summary>
    private const int FirstExponent = 6;
    private const int LastExponent = 26;

    private static readonly string[] Bounds =
        [.. Enumerable.Range(FirstExponent, LastExponent - FirstExponent + 1)
        .Select(static exponent => MetricText.Bound((1L << exponent) / 1e6))];

    private readonly Sources _sources;
    private readonly PoolerReadiness _readiness;

    internal FigureBook(Sources sources, PoolerReadiness readiness)
    {
        _sources = sources;
        _readiness = readiness;
    }

    /// <summary>Everything, as text for Prometheus or in the OpenMetrics form.</summary>
    public byte[] Metrics(bool isOpenMetrics)
    {
        var text = new MetricText(isOpenMetrics);
        WriteProcess(text);
        WriteLists(text);
        WriteRows(text, DatabaseListing.Listing, [.. DatabaseListing.Rows(_sources.Registry)], DatabaseLabels);
        WriteRows(text, PoolListing.Listing, [.. PoolListing.Rows(_sources)], static row =>
            MetricText.Labels("database", row.Pool.Database.Name, "user", row.Pool.User.Name));
        WriteRows(text, StatsListing.Stats, [.. _sources.Stats.OfDatabases(_sources.Clock.NowUs)], static row =>
            MetricText.Labels("database", row.Name));
        WriteLatencies(text);
        WriteRows(text, LoopListing.Listing, LoopRow.All(_sources.Walk), static row => MetricText.Labels("loop", $"{row.Loop}"));
        WriteWaiting(text);
        WriteSafety(text);
        return text.ToBytes();
    }

    /// <summary>The figures of the page.</summary>
    public byte[] Json() => PageFigures.Write(_sources, _readiness);

    private void WriteProcess(MetricText text)
    {
        text.Single("pgbouncer_up", Gauge, "The pooler has told its figures", 1);
        text.Family("pgbouncer_version_info", Gauge, "The version of the pooler that this one stands in for");
        text.Sample("pgbouncer_version_info", MetricText.Labels("version", ShowCommand.VersionText), 1);
        text.Family("fastpool_build_info", Gauge, "What really does the work");
        text.Sample("fastpool_build_info",
            MetricText.Labels("version", _sources.Product.Version, "engine", _sources.Product.Engine), 1);
        text.Single("fastpool_ready", Gauge, "1 if new clients should be sent here, else 0", _readiness.IsReady ? 1 : 0);
        text.Single("fastpool_uptime_seconds", Gauge, "Time since the start",
            (_sources.Clock.NowUs - _sources.Latency.StartUs) / 1e6);
        text.Single("fastpool_paused", Gauge, "1 during a PAUSE of everything, else 0",
            _sources.Registry.State.Mode == PoolerMode.Paused ? 1 : 0);
    }

    private void WriteLists(MetricText text)
    {
        foreach (var row in PairListings.ListsRows(_sources))
        {
            if (ListMetric(row.Name) is var (name, help)) text.Single(name, Gauge, help, row.Value);
        }
        var settings = _sources.Registry.Settings;
        text.Single("pgbouncer_config_max_client_connections", Gauge, "Config maximum number of client connections",
            settings.MaxClientConn);
        text.Single("pgbouncer_config_max_user_connections", Gauge, "Config maximum number of server connections per user",
            settings.MaxUserConnections(null));
    }

    private static (string Name, string Help)? ListMetric(string list) => list switch
    {
        "databases" or "users" or "pools" => ("pgbouncer_" + list, "Count of " + list),
        "free_clients" => ("pgbouncer_free_clients", "Count of free clients"),
        "used_clients" => ("pgbouncer_used_clients", "Count of used clients"),
        "login_clients" => ("pgbouncer_login_clients", "Count of clients in login state"),
        "free_servers" => ("pgbouncer_free_servers", "Count of free servers"),
        "used_servers" => ("pgbouncer_used_servers", "Count of used servers"),
        "dns_names" => ("pgbouncer_cached_dns_names", "Count of DNS names in the cache"),
        "dns_zones" => ("pgbouncer_cached_dns_zones", "Count of DNS zones in the cache"),
        "dns_queries" => ("pgbouncer_in_flight_dns_queries", "Count of in-flight DNS queries"),
        _ => null,
    };

    private static string DatabaseLabels(DatabaseRow row) => MetricText.Labels(
        "name", row.Entry.Name,
        "host", row.Entry.HostText,
        "port", $"{(row.IsConsole ? row.Settings.ListenPort : row.Entry.Port)}",
        "database", row.Entry.DbName,
        "force_user", row.Entry.ForcedUser,
        "pool_mode", row.Entry.PoolMode is { } mode ? PoolModes.Words.WordOf(mode) : "");

    private static void WriteRows<T>(MetricText text, Listing<T> listing, List<T> rows, Func<T, string> labels)
    {
        var labelTexts = rows.Select(labels).ToArray();
        foreach (var column in listing.Measured)
        {
            var metric = column.Metric!;
            text.Family(metric.Name, metric.Type, metric.Help);
            for (var i = 0; i < rows.Count; i++) text.Sample(metric.Name, labelTexts[i], column.Value!(rows[i]) / metric.Divisor);
        }
    }

    /// <summary>Databases that nothing was measured for are left out: their buckets would be the most of the text.</summary>
    private void WriteLatencies(MetricText text)
    {
        foreach (var (measure, name, help) in MetricFamilies.Latencies)
        {
            text.Family(name, "histogram", help);
            foreach (
                var database in _sources.Registry.Databases.Where(database =>
                database != _sources.Registry.Admin && database.Pools.Count > 0))
            {
                var sum = LatencyWindows.Total(database.Pools, measure);
                if (sum.Count > 0) WriteHistogram(text, name, MetricText.Labels("database", database.Name), sum);
            }
        }
    }

    private static void WriteHistogram(MetricText text, string name, string labels, HistogramSum sum)
    {
        // Times are cut to whole microseconds: below a bound counted is below it in truth.
        var below = sum.CountsBelowPowersOf2();
        for (var i = 0; i < Bounds.Length; i++)
            text.Sample(name + "_bucket", $"{labels},le=\"{Bounds[i]}\"", below[FirstExponent + i]);
        text.Sample(name + "_bucket", labels + ",le=\"+Inf\"", sum.Count);
        text.Sample(name + "_sum", labels, sum.SumUs / 1e6);
        text.Sample(name + "_count", labels, sum.Count);
    }

    private void WriteWaiting(MetricText text)
    {
        text.Family("fastpool_waiting_clients", Gauge, "Clients that wait, by what they wait for");
        foreach (var group in WaitingListing.Rows(_sources).GroupBy(static row => (row.Database, row.Cause)))
            text.Sample("fastpool_waiting_clients", MetricText.Labels("database", group.Key.Database, "cause", group.Key.Cause),
                group.Count());
    }

    private void WriteSafety(MetricText text)
    {
        text.Family("fastpool_session_state_uses_total", Counter, "Commands that leave something behind in a server's session");
        foreach (var group in SafetyListing.Rows(_sources.Walk).GroupBy(static row => (row.Database, row.User, row.Use)))
        {
            var labels =
                MetricText.Labels("database", group.Key.Database, "user", group.Key.User, "usage",
                SafetyListing.UseWord(group.Key.Use));
            text.Sample("fastpool_session_state_uses_total", labels, group.Sum(static row => row.Count));
        }
    }
}
