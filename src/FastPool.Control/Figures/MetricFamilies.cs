using FastPool.Control.Listings;
using FastPool.Control.Statistics;
using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Control.Figures;

/// <summary>A metric of one sample a row.</summary>
internal sealed record Metric<T>(string Name, string Type, string Help, Func<T, double> Value);

/// <summary>
/// The metrics that have a sample for each row of a listing. Names that begin with pgbouncer_ are those of the exporter
/// of the Prometheus community, so that dashboards and rules for it go on; what it lacks begins with fastpool_.
/// </summary>
internal static class MetricFamilies
{
    private const string Counter = "counter";
    private const string Gauge = "gauge";
    private const double UsPerSecond = 1_000_000;

    public static IReadOnlyList<Metric<DatabaseRow>> Databases { get; } =
    [
        new("pgbouncer_databases_pool_size", Gauge, "Maximum number of server connections", static row =>
            row.Settings.PoolSize(row.Entry, null)),
        new("pgbouncer_databases_reserve_pool", Gauge, "Maximum number of additional connections for this database", static row =>
            row.Settings.ReservePoolSize(row.Entry, null)),
        new("pgbouncer_databases_max_connections", Gauge, "Maximum number of allowed connections for this database", static row =>
            row.Settings.MaxDbConnections(row.Entry)),
        new("pgbouncer_databases_current_connections", Gauge, "Current number of connections for this database", static row =>
            row.Database.Servers.Count),
        new("pgbouncer_databases_paused", Gauge, "1 if this database is currently paused, else 0", static row =>
            row.Database.IsPaused ? 1 : 0),
        new("pgbouncer_databases_disabled", Gauge, "1 if this database is currently disabled, else 0", static row =>
            row.Database.IsDisabled ? 1 : 0),
    ];

    public static IReadOnlyList<Metric<StatsTotals>> Totals { get; } =
    [
        new("pgbouncer_stats_totals_queries_pooled_total", Counter, "Total number of SQL queries pooled", static totals =>
            totals.Queries),
        new("pgbouncer_stats_totals_queries_duration_seconds_total", Counter,
            "Total number of seconds spent on queries, waiting for a server included", static totals =>
            totals.QueryUs / UsPerSecond),
        new("pgbouncer_stats_totals_received_bytes_total", Counter,
            "Total volume in bytes of network traffic received from clients", static totals => totals.ReceivedBytes),
        new("pgbouncer_stats_totals_sent_bytes_total", Counter, "Total volume in bytes of network traffic sent to clients",
            static totals => totals.SentBytes),
        new("pgbouncer_stats_totals_client_wait_seconds_total", Counter, "Time spent by clients waiting for a server in seconds",
            static totals => totals.WaitUs / UsPerSecond),
        new("pgbouncer_stats_totals_sql_transactions_pooled_total", Counter, "Total number of SQL transactions pooled",
            static totals => totals.Xacts),
        new("pgbouncer_stats_totals_server_in_transaction_seconds_total", Counter,
            "Total number of seconds spent in transactions, idle in transaction included", static totals =>
            totals.XactUs / UsPerSecond),
        new("pgbouncer_stats_totals_client_parses_total", Counter,
            "Total number of Parse messages of prepared statements received from clients", static totals => totals.ClientParses),
        new("pgbouncer_stats_totals_server_parses_total", Counter,
            "Total number of Parse messages of prepared statements sent to PostgreSQL", static totals => totals.ServerParses),
        new("pgbouncer_stats_totals_binds_total", Counter,
            "Total number of prepared statements readied for execution with a Bind message", static totals => totals.Binds),
        new("fastpool_server_assignments_total", Counter, "How often a server was given to a client", static totals =>
            totals.ServerAssignments),
    ];

    public static IReadOnlyList<Metric<PoolRow>> Pools { get; } =
    [
        new("pgbouncer_pools_client_active_connections", Gauge, "Clients that are linked to a server or idle", static row =>
            Math.Max(0, row.Counts.Clients - row.Counts.Waiting)),
        new("pgbouncer_pools_client_active_cancel_connections", Gauge,
            "Cancel requests forwarded to the server and waiting for it to close", static row => row.Cancels.Active),
        new("pgbouncer_pools_client_waiting_connections", Gauge, "Clients waiting for a server connection", static row =>
            row.Counts.Waiting),
        new("pgbouncer_pools_client_waiting_cancel_connections", Gauge, "Cancel requests not forwarded yet", static row =>
            row.Cancels.Waiting),
        new("pgbouncer_pools_server_active_connections", Gauge, "Server connections linked to a client", static row =>
            row.Counts.Active),
        new("pgbouncer_pools_server_active_cancel_connections", Gauge, "Server connections that carry a cancel request",
            static row => row.Cancels.Active),
        new("pgbouncer_pools_server_being_canceled_connections", Gauge,
            "Servers held back until cancel requests aimed at them are through", static row => row.Counts.BeingCanceled),
        new("pgbouncer_pools_server_idle_connections", Gauge, "Server connections ready for a client", static row =>
            row.Counts.Idle),
        new("pgbouncer_pools_server_used_connections", Gauge, "Server connections idle for longer than server_check_delay",
            static row => row.Counts.Used),
        new("pgbouncer_pools_server_testing_connections", Gauge, "Server connections running the reset or the check query",
            static row => row.Counts.Tested),
        new("pgbouncer_pools_server_login_connections", Gauge, "Server connections connecting or logging in", static row =>
            row.Counts.Login),
        new("pgbouncer_pools_client_maxwait_seconds", Gauge, "How long the client has waited that waits longest", static row =>
            row.MaxWaitUs / UsPerSecond),
    ];

    public static IReadOnlyList<Metric<LoopRow>> Loops { get; } =
    [
        new("fastpool_loop_client_connections", Gauge, "Client connections of the loop", static row => row.Clients),
        new("fastpool_loop_server_connections", Gauge, "Server connections of the loop", static row => row.Servers),
        new("fastpool_loop_wakeups_total", Counter, "How often the loop waited for input", static row => row.WakeUps),
        new("fastpool_loop_client_messages_total", Counter, "Messages from clients to servers", static row => row.ClientMessages),
        new("fastpool_loop_server_messages_total", Counter, "Messages from servers, rows included", static row =>
            row.ServerMessages),
        new("fastpool_loop_client_received_bytes_total", Counter, "Bytes received from clients", static row => row.ClientBytes),
        new("fastpool_loop_server_received_bytes_total", Counter, "Bytes received from servers", static row => row.ServerBytes),
        new("fastpool_loop_takeovers_total", Counter, "Servers taken over from other loops", static row => row.Takeovers),
        new("fastpool_loop_sends_together_total", Counter, "Sends that left together with others, by io_uring", static row =>
            row.SendsTogether),
        new("fastpool_loop_broken_invariants_total", Counter,
            "Mistakes of the pooler's own that were contained: each closed one connection and has a line in the log",
            static row => row.BrokenInvariants),
        new("fastpool_loop_busy_seconds_total", Counter, "CPU time of the loop's thread", static row => row.BusyUs / UsPerSecond),
    ];

    public static IReadOnlyList<(LatencyMeasure Measure, string Name, string Help)> Latencies { get; } =
    [
        (LatencyMeasure.Transaction, "fastpool_transaction_duration_seconds",
            "From a transaction's first message to its end, waiting for a server included"),
        (LatencyMeasure.Query, "fastpool_query_duration_seconds",
            "From a query's arrival to the end of its reply, waiting for a server included"),
        (LatencyMeasure.Wait, "fastpool_server_wait_seconds", "Waiting for a server; 0 where one was at hand"),
        (LatencyMeasure.Connect, "fastpool_server_connect_seconds", "Opening a server connection up to the end of its login"),
        (LatencyMeasure.Client, "fastpool_idle_in_transaction_seconds",
            "Of a transaction, the time in which it waited for its client"),
    ];
}
