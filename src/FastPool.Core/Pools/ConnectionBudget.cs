namespace FastPool.Core.Pools;

/// <summary>
/// How many server connections a database or a user has open over all its pools, against max_db_connections or
/// max_user_connections. Taken by any pool's mover, so the count is an atomic word.
/// </summary>
public sealed class ConnectionBudget
{
    private int _count;
    private Pool? _claimant;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Since when the waiters of another pool have waited for whom only this limit opens no server.</summary>
    /// <returns><see cref="long.MaxValue"/>: there is none, as far as is known.</returns>
    public long ClaimedSinceUs(Pool asker) => Volatile.Read(ref _claimant) is { } claimant && claimant != asker ? SinceUs(claimant) : long.MaxValue; // Pairs: Claim.

    /// <summary>Of several pools the one that has waited longest is noted; the others claim again at their next tick.</summary>
    public void Claim(Pool pool)
    {
        Pool? before;
        do
        {
            before = Volatile.Read(ref _claimant);
            if (before is not null && before != pool && SinceUs(before) <= pool.OldestWaitUs) return;
        }
        while (Interlocked.CompareExchange(ref _claimant, pool, before) != before); // Pairs: ClaimedSinceUs.
    }

    /// <summary>A claim holds for as long as its pool starves.</summary>
    private static long SinceUs(Pool claimant) => claimant.IsStarved && claimant.OldestWaitUs is var since and > 0 ? since : long.MaxValue;

    /// <param name="limit">0 or less: none.</param>
    public bool TryTake(int limit)
    {
        var count = Interlocked.Increment(ref _count); // Pairs: GiveBack; over the limit it is taken back before anyone opens.
        if (limit <= 0 || count <= limit) return true;
        Interlocked.Decrement(ref _count);
        return false;
    }

    public void GiveBack() => Interlocked.Decrement(ref _count); // Pairs: TryTake.
}

/// <summary>Client connections counted against one of the client limits; admission takes, disconnect gives back.</summary>
public sealed class ClientCount
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public int Enter() => Interlocked.Increment(ref _count); // Pairs: Leave.

    public void Leave() => Interlocked.Decrement(ref _count); // Pairs: Enter.
}
