using FastPool.Control.Commands;
using FastPool.Control.Listings;
using FastPool.Control.Statistics;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;

namespace FastPool.Control.Figures;

/// <summary>
/// The metrics of one moment on their way out, as text for Prometheus or in the OpenMetrics form. They are written part by
/// part into one buffer, so that only the part being sent is in memory. Belongs to the thread that sends it.
/// </summary>
public sealed class MetricsReading
{
    private const string Counter = "counter";
    private const string Gauge = "gauge";
    private const double UsPerSecond = 1e6;

    /// <summary>Upper bounds of the histograms: 64 µs to 67 s in powers of two, where buckets end anyway.</summary>
    private const int FirstExponent = 6;
    private const int LastExponent = 26;

    private static readonly string[] Bounds =
        [.. Enumerable.Range(FirstExponent, LastExponent - FirstExponent + 1)
        .Select(static exponent => MetricText.Bound((1L << exponent) / UsPerSecond))];

    private readonly MetricsRows _rows;
    private readonly MetricText _text;
    private readonly IEnumerator<bool> _steps;

    internal MetricsReading(MetricsRows rows, bool isOpenMetrics)
    {
        _rows = rows;
        _text = new MetricText(isOpenMetrics);
        _steps = Steps().GetEnumerator();
    }

    /// <summary>The next part, until the next call; empty: there is no more.</summary>
    public ReadOnlyMemory<byte> Next()
    {
        _text.Clear();
        while (!_text.IsLong && _steps.MoveNext())
        {
        }
        return _text.Written;
    }

    /// <summary>Each step writes a little.</summary>
    private IEnumerable<bool> Steps()
    {
        WriteProduct();
        WriteProcess();
        WriteLists();
        yield return true;
        foreach (var step in Rows(DatabaseListing.Listing, _rows.Databases, DatabaseLabels)) yield return step;
        foreach (var step in Rows(PoolListing.Listing, _rows.Pools, static row => PoolLabels(row.Pool))) yield return step;
        foreach (var step in Rows(StatsListing.Stats, _rows.Stats, static row => MetricText.Labels("database", row.Name)))
            yield return step;
        foreach (var step in Rows(LoopListing.Listing, _rows.Loops, static row => MetricText.Labels("loop", $"{row.Loop}")))
            yield return step;
        foreach (var step in Rows(HostListing.Listing, _rows.Hosts, HostLabels)) yield return step;
        foreach (var step in Latencies()) yield return step;
        foreach (var step in Clients()) yield return step;
        WriteHolders();
        WriteWaiting();
        yield return true;
        WriteSafety();
        WriteEndings();
        _text.End();
    }

    private void WriteProduct()
    {
        var product = _rows.Sources.Product;
        _text.Single("pgbouncer_up", Gauge, "The pooler has told its figures", 1);
        _text.Family("pgbouncer_version_info", Gauge, "The version of the pooler that this one stands in for");
        var shown = _rows.Sources.Registry.Settings.Own.ShowAs.Product();
        _text.Sample("pgbouncer_version_info", MetricText.Labels("version", shown), 1);
        _text.Family("fastpool_build_info", Gauge, "What really does the work");
        _text.Sample("fastpool_build_info", MetricText.Labels("version", product.Version, "engine", product.Engine), 1);
        _text.Single("fastpool_ready", Gauge, "1 if new clients should be sent here, else 0", _rows.IsReady ? 1 : 0);
        _text.Single("fastpool_uptime_seconds", Gauge, "Time since the start",
            (_rows.NowUs - _rows.Sources.Latency.StartUs) / UsPerSecond);
        _text.Single("fastpool_paused", Gauge, "1 during a PAUSE of everything, else 0",
            _rows.Sources.Registry.State.Mode == PoolerMode.Paused ? 1 : 0);
    }

    /// <summary>The names that client libraries for Prometheus give to what they tell of every process.</summary>
    private void WriteProcess()
    {
        var process = _rows.Process;
        _text.Single("process_cpu_seconds_total", Counter, "CPU time spent", process.CpuSeconds);
        _text.Single("process_resident_memory_bytes", Gauge, "Memory in use", process.ResidentBytes);
        _text.Single("process_virtual_memory_bytes", Gauge, "Address space in use", process.VirtualBytes);
        _text.Single("process_threads", Gauge, "Threads", process.Threads);
        _text.Single("process_open_fds", Gauge, "Open file descriptors", process.OpenDescriptors);
        _text.Single("process_max_fds", Gauge, "File descriptors that may be open", process.MaxDescriptors);
        _text.Single("process_start_time_seconds", Gauge, "When the process started, in seconds since 1970",
            process.StartSeconds);
        _text.Family("fastpool_reloads_total", Counter, "Reloads of the configuration, by how they ended");
        _text.Sample("fastpool_reloads_total", MetricText.Labels("result", "done"), process.ReloadsDone);
        _text.Sample("fastpool_reloads_total", MetricText.Labels("result", "failed"), process.ReloadsFailed);
        _text.Single("fastpool_last_reload_successful", Gauge, "0 if the files have changes that could not be taken over, else 1",
            process.IsLastReloadBad ? 0 : 1);
        _text.Single("fastpool_configuration_loaded_seconds", Gauge,
            "When the configuration in force was read, in seconds since 1970", process.LoadedSeconds);
        _text.Single("fastpool_log_lines_dropped_total", Counter, "Log lines that nobody took in time", process.LogLinesDropped);
    }

    private void WriteLists()
    {
        foreach (var row in _rows.Lists)
        {
            if (ListMetric(row.Name) is var (name, help)) _text.Single(name, Gauge, help, row.Value);
        }
        var settings = _rows.Sources.Registry.Settings;
        _text.Single("pgbouncer_config_max_client_connections", Gauge, "Config maximum number of client connections",
            settings.MaxClientConn);
        _text.Single("pgbouncer_config_max_user_connections", Gauge, "Config maximum number of server connections per user",
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

    private static string HostLabels(HostReading row) =>
        MetricText.Labels("host", row.Name, "address", row.Address, "port", $"{row.Port}", "role", row.Role.Word());

    private static string PoolLabels(Pool pool) => MetricText.Labels("database", pool.Database.Name, "user", pool.User.Name);

    private IEnumerable<bool> Rows<T>(Listing<T> listing, List<T> rows, Func<T, string> labels)
    {
        var labelTexts = rows.Select(labels).ToArray();
        foreach (var column in listing.Measured)
        {
            var metric = column.Metric!;
            _text.Family(metric.Name, metric.Type, metric.Help);
            for (var i = 0; i < rows.Count; i++)
            {
                _text.Sample(metric.Name, labelTexts[i], column.Value!(rows[i]) / metric.Divisor);
                yield return true;
            }
        }
    }

    /// <summary>Where nothing was measured there is no histogram: its buckets would be the most of the text.</summary>
    private IEnumerable<bool> Latencies()
    {
        var registry = _rows.Sources.Registry;
        var scope = registry.Settings.Own.MetricsHistograms;
        if (scope == HistogramScope.Off) yield break;
        (string Labels, IReadOnlyList<Pool> Pools)[] all = scope == HistogramScope.Pool
            ? [.. registry.Pools.Where(pool => pool != registry.AdminPool)
                .Select(static pool => (PoolLabels(pool), (IReadOnlyList<Pool>)[pool]))]
            : [.. registry.Databases.Where(database => database != registry.Admin && database.Pools.Count > 0)
                .Select(static database =>
                    (MetricText.Labels("database", database.Name), (IReadOnlyList<Pool>)[.. database.Pools]))];
        var sum = new HistogramSum();
        foreach (var (measure, name, help) in MetricFamilies.Latencies)
        {
            _text.Family(name, "histogram", help);
            foreach (var (labels, pools) in all)
            {
                LatencyWindows.ReadTotal(sum, pools, measure);
                if (sum.Count > 0) WriteHistogram(name, labels, sum);
                yield return true;
            }
        }
    }

    private void WriteHistogram(string name, string labels, HistogramSum sum)
    {
        // Times are cut to whole microseconds, so a time that is counted below a bound was really below it.
        var below = sum.CountsBelowPowersOf2();
        for (var i = 0; i < Bounds.Length; i++) _text.Sample(name, labels, below[FirstExponent + i], "_bucket", Bounds[i]);
        _text.Sample(name, labels, sum.Count, "_bucket", "+Inf");
        _text.Sample(name, labels, sum.SumUs / UsPerSecond, "_sum");
        _text.Sample(name, labels, sum.Count, "_count");
    }

    private IEnumerable<bool> Clients()
    {
        const string Name = "pgbouncer_client_connections";
        _text.Family(Name, Gauge, "Client connections by what they call themselves and what they do");
        foreach (var (kind, count) in _rows.Clients)
        {
            _text.Sample(Name, MetricText.Labels("database", kind.Pool.Database.Name, "user", kind.User,
                "application_name", kind.ApplicationName, "state", kind.State), count);
            yield return true;
        }
    }

    private void WriteHolders()
    {
        _text.Family("fastpool_open_transactions", Gauge, "Transactions that hold a server now, by what they do");
        foreach (var sum in _rows.Holders)
        {
            var (database, user) = (sum.Pool.Database.Name, sum.Pool.User.Name);
            _text.Sample("fastpool_open_transactions",
                MetricText.Labels("database", database, "user", user, "state", "running"), sum.Running);
            _text.Sample("fastpool_open_transactions",
                MetricText.Labels("database", database, "user", user, "state", "idle in transaction"), sum.IdleInTransaction);
        }
        _text.Family("fastpool_oldest_transaction_seconds", Gauge, "Age of the oldest transaction that holds a server now");
        foreach (var sum in _rows.Holders)
            _text.Sample("fastpool_oldest_transaction_seconds", PoolLabels(sum.Pool), sum.OldestUs / UsPerSecond);
    }

    private void WriteWaiting()
    {
        _text.Family("fastpool_waiting_clients", Gauge, "Clients that wait, by what they wait for");
        foreach (var group in _rows.Waiting.GroupBy(static row => (row.Database, row.Cause)))
            _text.Sample("fastpool_waiting_clients",
                MetricText.Labels("database", group.Key.Database, "cause", group.Key.Cause), group.Count());
    }

    private void WriteSafety()
    {
        const string Name = "fastpool_session_state_uses_total";
        _text.Family(Name, Counter, "Commands that leave something behind in a server's session");
        foreach (var group in _rows.Safety.GroupBy(static row => (row.Database, row.User, SafetyListing.UsageOf(row))))
        {
            var (database, user, usage) = group.Key;
            _text.Sample(Name, MetricText.Labels("database", database, "user", user, "usage", usage),
                group.Sum(static row => row.Count));
        }
    }

    private void WriteEndings()
    {
        const string Failures = "fastpool_login_failures_total";
        const string Errors = "fastpool_client_errors_total";
        _text.Family(Failures, Counter, "Clients that were not let in, by what they were told; the user, if the settings know it");
        foreach (var row in _rows.Endings.Where(static row => row.IsLogin))
            _text.Sample(Failures, MetricText.Labels("user", row.User, "reason", row.Reason), row.Count);
        _text.Family(Errors, Counter, "Clients that were closed with an error of the pooler's, by what they were told");
        foreach (var row in _rows.Endings.Where(static row => !row.IsLogin))
            _text.Sample(Errors, MetricText.Labels("reason", row.Reason), row.Count);
    }
}
