using FastPool.Control.Statistics;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using static FastPool.Control.Listings.Columns<FastPool.Control.Statistics.DatabaseStats>;

namespace FastPool.Control.Listings;

/// <summary>A counter with the names it has in the four listings, which do not follow from each other.</summary>
internal sealed record Counter(
    string Stats, string Totals, string Averages, string Row, Func<StatsTotals, long> Value, Metric Metric);

/// <summary>SHOW STATS, STATS_TOTALS and STATS_AVERAGES, and the names of SHOW TOTALS.</summary>
internal static class StatsListing
{
    /// <summary>Since PgBouncer 1.26.</summary>
    private const string ClientLogins = "client_login_count";

    /// <summary>Names without their total_ and avg_ where all of them have it.</summary>
    public static IReadOnlyList<Counter> Counters { get; } =
    [
        new("server_assignment_count", "server_assignment_count", "server_assignment_count", "server_assignment_count",
            static totals => totals.ServerAssignments,
            Metric.Counter(
                "pgbouncer_stats_totals_server_assignments_total",
                "How often a server was given to a client")),
        new("xact_count", "xact_count", "xact_count", "xact_count", static totals => totals.Xacts,
            Metric.Counter(
                "pgbouncer_stats_totals_sql_transactions_pooled_total",
                "Total number of SQL transactions pooled")),
        new("query_count", "query_count", "query_count", "query_count", static totals => totals.Queries,
            Metric.Counter(
                "pgbouncer_stats_totals_queries_pooled_total",
                "Total number of SQL queries pooled")),
        new("received", "bytes_received", "bytes_received", "client_bytes", static totals => totals.ReceivedBytes,
            Metric.Counter(
                "pgbouncer_stats_totals_received_bytes_total",
                "Total volume in bytes of network traffic received from clients")),
        new("sent", "bytes_sent", "bytes_sent", "server_bytes", static totals => totals.SentBytes,
            Metric.Counter(
                "pgbouncer_stats_totals_sent_bytes_total",
                "Total volume in bytes of network traffic sent to clients")),
        new("xact_time", "xact_time", "xact_time", "xact_time", static totals => totals.XactUs,
            Metric.CounterOfUs(
                "pgbouncer_stats_totals_server_in_transaction_seconds_total",
                "Total number of seconds spent in transactions, idle in transaction included")),
        new("query_time", "query_time", "query_time", "query_time", static totals => totals.QueryUs,
            Metric.CounterOfUs(
                "pgbouncer_stats_totals_queries_duration_seconds_total",
                "Total number of seconds spent on queries, waiting for a server included")),
        new("wait_time", "wait_time", "wait_time", "wait_time", static totals => totals.WaitUs,
            Metric.CounterOfUs(
                "pgbouncer_stats_totals_client_wait_seconds_total",
                "Time spent by clients waiting for a server in seconds")),
        new("client_parse_count", "client_parse_count", "avg_client_parse_count", "ps_client_parse_count", static totals =>
            totals.ClientParses,
            Metric.Counter(
                "pgbouncer_stats_totals_client_parses_total",
                "Total number of Parse messages of prepared statements received from clients")),
        new("server_parse_count", "server_parse_count", "avg_server_parse_count", "ps_server_parse_count", static totals =>
            totals.ServerParses,
            Metric.Counter(
                "pgbouncer_stats_totals_server_parses_total",
                "Total number of Parse messages of prepared statements sent to PostgreSQL")),
        new("bind_count", "bind_count", "avg_bind_count", "ps_bind_count", static totals => totals.Binds,
            Metric.Counter(
                "pgbouncer_stats_totals_binds_total",
                "Total number of prepared statements readied for execution with a Bind message")),
        new(ClientLogins, ClientLogins, "avg_" + ClientLogins, ClientLogins, static totals => totals.Logins,
            Metric.Counter("pgbouncer_stats_totals_client_logins_total", "Total number of successful logins of clients")),
    ];

    private static readonly Column<DatabaseStats> Database = Text("database", static row => row.Name);

    public static Listing<DatabaseStats> Stats { get; } = new(
    [
        Database,
        .. Counters.Select(static counter =>
            Numeric("total_" + counter.Stats, row => counter.Value(row.Totals)).Is(counter.Metric)),
        .. Counters.Select(static counter => Numeric(AverageName(counter), row => counter.Value(row.Averages))),
        Unlisted("total_error_count", static row => row.Totals.Errors)
            .Is(Metric.Counter("fastpool_server_errors_total", "Errors that servers told clients")),
    ]);

    public static Listing<DatabaseStats> Totals { get; } =
        new([Database, .. Counters.Select(static counter => Numeric(counter.Totals, row => counter.Value(row.Totals)))]);

    public static Listing<DatabaseStats> Averages { get; } =
        new([Database, .. Counters.Select(static counter => Numeric(counter.Averages, row => counter.Value(row.Averages)))]);

    /// <summary>The rows of SHOW TOTALS: all totals, then all averages.</summary>
    public static IEnumerable<NameValue> TotalsRows(DatabaseStats all, ShownVersion version) =>
    [
        .. CountersOf(version).Select(counter => new NameValue("total_" + counter.Row, counter.Value(all.Totals))),
        .. CountersOf(version).Select(counter => new NameValue("avg_" + counter.Row, counter.Value(all.Averages))),
    ];

    /// <summary>A listing with the columns that it has in that version.</summary>
    public static Listing<DatabaseStats> As(ShownVersion version, Listing<DatabaseStats> listing) =>
        version >= ShownVersion.V126 ? listing : Older[listing];

    private static Dictionary<Listing<DatabaseStats>, Listing<DatabaseStats>> Older { get; } =
        new[] { Stats, Totals, Averages }.ToDictionary(
            static listing => listing,
            static listing => listing.Without(static name => name.EndsWith(ClientLogins, StringComparison.Ordinal)));

    private static IEnumerable<Counter> CountersOf(ShownVersion version) =>
        Counters.Where(counter => version >= ShownVersion.V126 || counter.Row != ClientLogins);

    /// <summary>total_received goes with avg_recv.</summary>
    private static string AverageName(Counter counter) => counter.Stats == "received" ? "avg_recv" : "avg_" + counter.Stats;
}
