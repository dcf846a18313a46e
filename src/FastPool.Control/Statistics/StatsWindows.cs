using FastPool.Core.Pools;

namespace FastPool.Control.Statistics;

/// <summary>
/// Counters of every pool as they were at the last tick and at the one before, so that an average covers between one and
/// two periods. Control thread.
/// </summary>
public sealed class StatsWindows
{
    private const long UsPerSecond = 1_000_000;

    private readonly PoolRegistry _registry;
    private long _olderUs;
    private long _newerUs;

    internal StatsWindows(PoolRegistry registry, long nowUs)
    {
        _registry = registry;
        _newerUs = nowUs;
        _olderUs = nowUs - UsPerSecond; // Before the first tick the window is the time since the start and a second.
    }

    /// <summary>A row for each database that has a pool, by name; pools of one database are summed.</summary>
    internal IEnumerable<DatabaseStats> OfDatabases(long nowUs)
    {
        foreach (var database in _registry.Databases)
        {
            if (database.Pools.Count > 0) yield return Sum(database.Name, database.Pools, isPeriod: false, nowUs - _olderUs);
        }
    }

    /// <summary>All pools, the console's included.</summary>
    internal DatabaseStats OfAll(long nowUs) => Sum("", _registry.Pools, isPeriod: false, nowUs - _olderUs);

    /// <summary>All pools over the time since the last tick.</summary>
    internal DatabaseStats OfPeriod(long nowUs) => Sum("", _registry.Pools, isPeriod: true, nowUs - _newerUs);

    /// <summary>Ends a period, for latencies too. Figures of pools that are gone are forgotten with them.</summary>
    internal void Tick(long nowUs)
    {
        var pools = _registry.Pools;
        for (var i = 0; i < pools.Count; i++) (pools[i].Window ??= new PoolWindow()).Tick(pools[i].Stats);
        _olderUs = _newerUs;
        _newerUs = nowUs;
    }

    /// <param name="isPeriod">Since the last tick; false: since the one before.</param>
    private static DatabaseStats Sum(string name, IEnumerable<Pool> pools, bool isPeriod, long durationUs)
    {
        var now = default(StatsTotals);
        var then = default(StatsTotals);
        foreach (var pool in pools)
        {
            Add(ref now, Read(pool));
            if (pool.Window is { } window) Add(ref then, isPeriod ? window.Newer : window.Older);
        }
        return new DatabaseStats(name, now, StatsAverages.Over(then, now, durationUs));
    }

    private static StatsTotals Read(Pool pool)
    {
        var totals = default(StatsTotals);
        foreach (var stats in pool.Stats) stats.AddTo(ref totals);
        return totals;
    }

    private static void Add(ref StatsTotals sum, in StatsTotals part)
    {
        sum.ServerAssignments += part.ServerAssignments;
        sum.Xacts += part.Xacts;
        sum.Queries += part.Queries;
        sum.ReceivedBytes += part.ReceivedBytes;
        sum.SentBytes += part.SentBytes;
        sum.XactUs += part.XactUs;
        sum.QueryUs += part.QueryUs;
        sum.WaitUs += part.WaitUs;
        sum.ClientParses += part.ClientParses;
        sum.ServerParses += part.ServerParses;
        sum.Binds += part.Binds;
        sum.Errors += part.Errors;
        sum.Logins += part.Logins;
    }
}

/// <summary>A row of SHOW STATS.</summary>
internal sealed record DatabaseStats(string Name, StatsTotals Totals, StatsTotals Averages);
