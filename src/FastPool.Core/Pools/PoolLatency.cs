namespace FastPool.Core.Pools;

/// <summary>The kinds of latency.</summary>
public enum LatencyMeasure
{
    /// <summary>From the arrival of a transaction's first message to its end, waiting for a server included.</summary>
    Transaction,
    /// <summary>
    /// From the arrival of a query to the reply that leaves nothing outstanding, waiting for a server included.
    /// </summary>
    Query,
    /// <summary>For a server; 0 where one was at hand.</summary>
    Wait,
    /// <summary>Opening a server connection, up to the end of its login.</summary>
    Connect,
    /// <summary>Of a transaction, the time in which it waited for its client: idle in transaction.</summary>
    Client,
}

/// <summary>The histograms of one pool on one loop.</summary>
public sealed class PoolLatency(HistogramBlocks spare)
{
    public const int MeasureCount = (int)LatencyMeasure.Client + 1;

    public LatencyHistogram Transaction { get; } = new(spare);
    public LatencyHistogram Query { get; } = new(spare);
    public LatencyHistogram Wait { get; } = new(spare);
    public LatencyHistogram Connect { get; } = new(spare);
    public LatencyHistogram Client { get; } = new(spare);

    public LatencyHistogram this[LatencyMeasure measure] => measure switch
    {
        LatencyMeasure.Transaction => Transaction,
        LatencyMeasure.Query => Query,
        LatencyMeasure.Wait => Wait,
        LatencyMeasure.Connect => Connect,
        _ => Client,
    };
}
