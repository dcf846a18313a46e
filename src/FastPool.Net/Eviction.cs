using FastPool.Core.Pools;

namespace FastPool.Net;

/// <summary>
/// Room under max_db_connections and max_user_connections: a pool that needs a server takes the place of the server that
/// has been idle longest in any pool of the same database or user. When all are busy, the pool whose client has waited
/// longest is served first.
/// </summary>
internal sealed class Eviction(PoolRegistry registry)
{
    internal void MakeRoom(Pool needy, Loop loop)
    {
        Pool? oldest = null;
        var oldestUs = long.MaxValue;
        foreach (var pool in registry.PoolList)
        {
            if (pool == needy || !SharesBudget(pool, needy)) continue;
            var idleUs = pool.OldestIdleUs;
            if (idleUs >= oldestUs) continue;
            oldestUs = idleUs;
            oldest = pool;
        }
        oldest?.Evict(loop);
    }

    internal void ServeStarved(Pool giver, Loop loop)
    {
        Pool? first = null;
        foreach (var pool in registry.PoolList)
        {
            if (!pool.IsStarved || !SharesBudget(pool, giver)) continue;
            if (first is null || pool.OldestWaitUs < first.OldestWaitUs) first = pool;
        }
        first?.Serve(loop);
    }

    private static bool SharesBudget(Pool one, Pool other) => one.Database == other.Database || one.User == other.User;
}
