using FastPool.Control.Statistics;
using FastPool.Core.Pools;

namespace FastPool.Control.Figures;

/// <summary>
/// The histograms. Other metrics have their names where their columns are (<see cref="Listings.Metric"/>). Names that begin with
/// pgbouncer_ are those of the exporter of the Prometheus community, so that dashboards and rules for it go on; what it lacks
/// begins with fastpool_.
/// </summary>
internal static class MetricFamilies
{
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
