using FastPool.Core.Pools;

namespace FastPool.Control.Statistics;

/// <summary>Averages between two readings, in whole numbers cut off. The fields have the meaning of the columns avg_*.</summary>
internal static class StatsAverages
{
    private const ulong UsPerSecond = 1_000_000;

    /// <param name="then">The earlier reading.</param>
    /// <param name="now">The later one.</param>
    /// <param name="durationUs">Time between them.</param>
    /// <returns>Counts per second; times per transaction, query and assignment begun, in microseconds.</returns>
    public static StatsTotals Over(in StatsTotals then, in StatsTotals now, long durationUs) => new()
    {
        ServerAssignments = PerSecond(now.ServerAssignments - then.ServerAssignments, durationUs),
        Xacts = PerSecond(now.Xacts - then.Xacts, durationUs),
        Queries = PerSecond(now.Queries - then.Queries, durationUs),
        ReceivedBytes = PerSecond(now.ReceivedBytes - then.ReceivedBytes, durationUs),
        SentBytes = PerSecond(now.SentBytes - then.SentBytes, durationUs),
        XactUs = Each(now.XactUs - then.XactUs, now.Xacts - then.Xacts),
        QueryUs = Each(now.QueryUs - then.QueryUs, now.Queries - then.Queries),
        WaitUs = Each(now.WaitUs - then.WaitUs, now.ServerAssignments - then.ServerAssignments),
        ClientParses = PerSecond(now.ClientParses - then.ClientParses, durationUs),
        ServerParses = PerSecond(now.ServerParses - then.ServerParses, durationUs),
        Binds = PerSecond(now.Binds - then.Binds, durationUs),
        Logins = PerSecond(now.Logins - then.Logins, durationUs),
    };

    /// <summary>The product can be longer than 64 bits: 19 TB in a window.</summary>
    private static long PerSecond(long count, long durationUs) =>
        durationUs <= 0 || count <= 0 ? 0 : (long)((UInt128)(ulong)count * UsPerSecond / (ulong)durationUs);

    private static long Each(long time, long count) => count <= 0 ? 0 : time / count;
}
