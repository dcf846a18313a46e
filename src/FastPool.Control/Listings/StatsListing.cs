using FastPool.Control.Statistics;
using FastPool.Core.Pools;
using static FastPool.Control.Listings.Columns<FastPool.Control.Statistics.DatabaseStats>;

namespace FastPool.Control.Listings;

/// <summary>A counter with the names it has in the four listings, which do not follow from each other.</summary>
internal sealed record Counter(string Stats, string Totals, string Averages, string Row, Func<StatsTotals, long> Value);

/// <summary>SHOW STATS, STATS_TOTALS and STATS_AVERAGES, and the names of SHOW TOTALS.</summary>
internal static class StatsListing
{
    /// <summary>Names without their total_ and avg_ where all of them have it.</summary>
    public static IReadOnlyList<Counter> Counters { get; } =
    [
        new("server_assignment_count", "server_assignment_count", "server_assignment_count", "server_assignment_count",
            static totals => totals.ServerAssignments),
        new("xact_count", "xact_count", "xact_count", "xact_count", static totals => totals.Xacts),
        new("query_count", "query_count", "query_count", "query_count", static totals => totals.Queries),
        new("received", "bytes_received", "bytes_received", "client_bytes", static totals => totals.ReceivedBytes),
        new("sent", "bytes_sent", "bytes_sent", "server_bytes", static totals => totals.SentBytes),
        new("xact_time", "xact_time", "xact_time", "xact_time", static totals => totals.XactUs),
        new("query_time", "query_time", "query_time", "query_time", static totals => totals.QueryUs),
        new("wait_time", "wait_time", "wait_time", "wait_time", static totals => totals.WaitUs),
        new("client_parse_count", "client_parse_count", "avg_client_parse_count", "ps_client_parse_count", static totals =>
            totals.ClientParses),
        new("server_parse_count", "server_parse_count", "avg_server_parse_count", "ps_server_parse_count", static totals =>
            totals.ServerParses),
        new("bind_count", "bind_count", "avg_bind_count", "ps_bind_count", static totals => totals.Binds),
    ];

    private static readonly Column<DatabaseStats> Database = Text("database", static row => row.Name);

    public static Listing<DatabaseStats> Stats { get; } = new(
    [
        Database,
        .. Counters.Select(static counter => Numeric("total_" + counter.Stats, row => counter.Value(row.Totals))),
        .. Counters.Select(static counter => Numeric(AverageName(counter), row => counter.Value(row.Averages))),
    ]);

    public static Listing<DatabaseStats> Totals { get; } =
        new([Database, .. Counters.Select(static counter => Numeric(counter.Totals, row => counter.Value(row.Totals)))]);

    public static Listing<DatabaseStats> Averages { get; } =
        new([Database, .. Counters.Select(static counter => Numeric(counter.Averages, row => counter.Value(row.Averages)))]);

    /// <summary>The rows of SHOW TOTALS: all totals, then all averages.</summary>
    public static IEnumerable<NameValue> TotalsRows(DatabaseStats all) =>
    [
        .. Counters.Select(counter => new NameValue("total_" + counter.Row, counter.Value(all.Totals))),
        .. Counters.Select(counter => new NameValue("avg_" + counter.Row, counter.Value(all.Averages))),
    ];

    /// <summary>total_received goes with avg_recv.</summary>
    private static string AverageName(Counter counter) => counter.Stats == "received" ? "avg_recv" : "avg_" + counter.Stats;
}
