using System.Runtime.CompilerServices;

namespace FastPool.Core.Pools;

/// <summary>
/// Counters of one pool on one loop, as SHOW STATS names them. Only that loop's thread adds, without a fence; a reader
/// on another thread sees each 64-bit word whole and at most a moment old.
/// </summary>
public sealed class PoolStats
{
    public long ServerAssignments;
    public long Xacts;
    public long Queries;
    public long ReceivedBytes;
    public long SentBytes;
    public long XactUs;
    public long QueryUs;
    public long WaitUs;
    public long ClientParses;
    public long ServerParses;
    public long Binds;
    /// <summary>Errors that servers told clients.</summary>
    public long Errors;
    /// <summary>Clients that came in.</summary>
    public long Logins;
    private PoolLatency? _latency;

    internal CacheLine Padding; // Counters of other loops, allocated next to these, stay off this cache line.

    /// <summary>Null as long as no client or server of this pool has come to this loop.</summary>
    public PoolLatency? Latency => Volatile.Read(ref _latency); // Pairs: OpenLatency.

    /// <summary>The first client or server of the pool comes to this loop. The loop's thread.</summary>
    public PoolLatency OpenLatency(HistogramBlocks spare)
    {
        if (_latency is null) Volatile.Write(ref _latency, new PoolLatency(spare)); // Pairs: Latency.
        return _latency!;
    }

    /// <summary>Counted by an earlier process.</summary>
    public void Add(in StatsTotals totals)
    {
        ServerAssignments += totals.ServerAssignments;
        Xacts += totals.Xacts;
        Queries += totals.Queries;
        ReceivedBytes += totals.ReceivedBytes;
        SentBytes += totals.SentBytes;
        XactUs += totals.XactUs;
        QueryUs += totals.QueryUs;
        WaitUs += totals.WaitUs;
        ClientParses += totals.ClientParses;
        ServerParses += totals.ServerParses;
        Binds += totals.Binds;
        Errors += totals.Errors;
        Logins += totals.Logins;
    }

    /// <summary>Adds these to a reader's sum.</summary>
    public void AddTo(ref StatsTotals totals)
    {
        totals.ServerAssignments += Volatile.Read(ref ServerAssignments);
        totals.Xacts += Volatile.Read(ref Xacts);
        totals.Queries += Volatile.Read(ref Queries);
        totals.ReceivedBytes += Volatile.Read(ref ReceivedBytes);
        totals.SentBytes += Volatile.Read(ref SentBytes);
        totals.XactUs += Volatile.Read(ref XactUs);
        totals.QueryUs += Volatile.Read(ref QueryUs);
        totals.WaitUs += Volatile.Read(ref WaitUs);
        totals.ClientParses += Volatile.Read(ref ClientParses);
        totals.ServerParses += Volatile.Read(ref ServerParses);
        totals.Binds += Volatile.Read(ref Binds);
        totals.Errors += Volatile.Read(ref Errors);
        totals.Logins += Volatile.Read(ref Logins);
    }
}

/// <summary>Counters of a pool or database over all loops at one moment.</summary>
public record struct StatsTotals
{
    public long ServerAssignments;
    public long Xacts;
    public long Queries;
    public long ReceivedBytes;
    public long SentBytes;
    public long XactUs;
    public long QueryUs;
    public long WaitUs;
    public long ClientParses;
    public long ServerParses;
    public long Binds;
    public long Errors;
    public long Logins;
}

[InlineArray(8)]
internal struct CacheLine
{
    private long _word;
}
