using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>
/// max_db_connections of a database or max_user_connections of a user, over all pools that it bounds. It knows how
/// many places are taken, which pools hold them, and which wait for one, in the order of their oldest waiters.
/// <para>
/// Any pool's mover takes and gives back. The lock is held for a look at a small table: when a connection is opened or
/// closed, and when the limit stops a pool. A transaction that finds its server never takes it.
/// </para>
/// <para>
/// Invariant: while a place is free and a pool waits, some pool has been told of the place and has yet to act. A pool
/// that acts and leaves a place free tells the next one.
/// </para>
/// </summary>
public sealed class SharedLimit
{
    private readonly Lock _lock = new();
    private readonly DueHeap<Claim> _claims = new();
    private Pool[] _holders = [];
    private int _holderCount;
    private Claim? _first;
    private int _count;
    private int _limit;
    private int _claimCount;
    private int _promised;

    /// <summary>Places taken.</summary>
    public int Count => Volatile.Read(ref _count); // Pairs: TryTake, Take, GiveBack.

    /// <summary>0 or less: none. Kept by the pools' limits.</summary>
    public int Limit
    {
        get => Volatile.Read(ref _limit); // Pairs: the setter, at the making of a pool and by the reload.
        set => Volatile.Write(ref _limit, value);
    }

    private int _listening;

    /// <summary>One of its places is about to be a listening connection, which serves no transaction.</summary>
    /// <returns>False: no other place would be left.</returns>
    internal bool TryAddListening()
    {
        if (Interlocked.Increment(ref _listening) < Limit || Limit <= 0) return true;
        RemoveListening();
        return false;
    }

    /// <summary>One that another process has left, whatever the limit.</summary>
    internal void AddListening() => Interlocked.Increment(ref _listening);

    internal void RemoveListening() => Interlocked.Decrement(ref _listening);

    internal bool IsFull => Limit is var limit and > 0 && Count >= limit;

    /// <summary>When the oldest wait began of a client in another pool that only this limit keeps from a server.</summary>
    /// <returns><see cref="long.MaxValue"/>: there is none, as far as is known.</returns>
    public long ClaimedSinceUs(Pool asker) =>
        // Pairs: Publish.
        Volatile.Read(ref _first) is { } first && first.Pool != asker
            && first.Pool.OldestWaitUs is var since and > 0 ? since : long.MaxValue;

    /// <summary>Pools wait for which no place is on its way yet.</summary>
    // Pairs: Publish, TryPromise, GiveBack.
    internal bool HasUnmetClaims => Volatile.Read(ref _promised) < Volatile.Read(ref _claimCount);

    /// <summary>A place is free, and pools wait.</summary>
    internal bool HasRoomForClaims => Volatile.Read(ref _claimCount) > 0 && !IsFull; // Pairs: Publish.

    /// <summary>A place for the pool, unless the limit is reached or another pool's waiters came clearly earlier.</summary>
    /// <param name="pool">The pool that asks.</param>
    /// <param name="isFirst">It holds no other place.</param>
    /// <param name="claim">Stands in the queue if there is no place; null: no client waits, so the pool does not
    /// either.</param>
    internal bool TryTake(Pool pool, bool isFirst, Claim? claim)
    {
        lock (_lock)
        {
            if (_limit > 0 && (_count >= _limit || IsEarlierThan(claim)))
            {
                if (claim is null) return false;
                _claims.Set(claim, pool.OldestWaitUs);
                Publish();
                return false;
            }
            if (claim is { IsIn: true }) Drop(claim);
            Hold(pool, isFirst);
            return true;
        }
    }

    /// <summary>A place, whatever the limit: the connection is there already.</summary>
    internal void Take(Pool pool, bool isFirst)
    {
        lock (_lock) Hold(pool, isFirst);
    }

    /// <param name="pool">The pool that held it.</param>
    /// <param name="isLast">It holds none any more.</param>
    /// <param name="wasPromised">It was given up for a claim.</param>
    /// <returns>True when pools wait: the first of them is to be told.</returns>
    internal bool GiveBack(Pool pool, bool isLast, bool wasPromised)
    {
        lock (_lock)
        {
            _count--;
            if (isLast)
            {
                var index = Array.IndexOf(_holders, pool, 0, _holderCount);
                _holders[index] = _holders[--_holderCount];
                _holders[_holderCount] = null!;
            }
            if (wasPromised) _promised--;
            return _claims.Count > 0;
        }
    }

    /// <summary>The pool does not want a place any more.</summary>
    internal void Withdraw(Claim claim)
    {
        lock (_lock)
        {
            if (claim.IsIn) Drop(claim);
        }
    }

    /// <summary>A free server is about to be closed for the pools that wait.</summary>
    /// <returns>False: enough are on their way.</returns>
    internal bool TryPromise()
    {
        lock (_lock)
        {
            if (_promised >= _claims.Count) return false;
            _promised++;
            return true;
        }
    }

    /// <summary>
    /// A place is free: tells the pool that has waited longest. The loop does, after the turn in which the place became free.
    /// </summary>
    public void TellFirst(IPoolHost host) => TakeFirst()?.TakeRoom(this, host);

    /// <summary>
    /// A place is wanted: the pool whose server has been idle longest gives one up. Only holders of a place can help.
    /// </summary>
    public void MakeRoom(Pool needy, IPoolHost host)
    {
        if (HasUnmetClaims) LeastRecentlyUsed(needy)?.Evict(this, host);
    }

    private Pool? TakeFirst()
    {
        lock (_lock)
        {
            if (_limit > 0 && _count >= _limit) return null;
            Refresh();
            if (_claims.First is not { } first) return null;
            Drop(first);
            return first.Pool;
        }
    }

    private Pool? LeastRecentlyUsed(Pool needy)
    {
        lock (_lock)
        {
            Pool? found = null;
            var foundUs = long.MaxValue;
            foreach (var pool in _holders.AsSpan(0, _holderCount))
            {
                if (pool == needy || pool.OldestIdleUs is var idleUs && idleUs >= foundUs) continue;
                foundUs = idleUs;
                found = pool;
            }
            return found;
        }
    }

    // ---- in the lock ------------------------------------------------------------------------------------------------

    private void Hold(Pool pool, bool isFirst)
    {
        Volatile.Write(ref _count, _count + 1); // Pairs: Count.
        if (!isFirst) return;
        if (_holderCount == _holders.Length) Array.Resize(ref _holders, Math.Max(1, _holderCount * 2));
        _holders[_holderCount++] = pool;
    }

    private bool IsEarlierThan(Claim? claim)
    {
        Refresh();
        if (_claims.First is not { } first || first == claim) return false;
        return claim is null || claim.Pool.OldestWaitUs - first.AtUs > Limits.ClaimStepUs;
    }

    /// <summary>
    /// The waiter that stood first may have been served in its own pool since: its claim is now that of a later waiter.
    /// </summary>
    private void Refresh()
    {
        while (_claims.First is { } first && first.Pool.OldestWaitUs is var since && since > first.AtUs)
            _claims.Set(first, since);
        Publish();
    }

    private void Drop(Claim claim)
    {
        _claims.Remove(claim);
        Publish();
    }

    private void Publish()
    {
        Volatile.Write(ref _first, _claims.First); // Pairs: ClaimedSinceUs.
        Volatile.Write(ref _claimCount, _claims.Count); // Pairs: HasUnmetClaims.
    }
}

/// <summary>
/// A pool's place in the queue of a limit: for one connection at a time, since each that another pool gives up costs two logins.
/// </summary>
internal sealed class Claim(Pool pool) : DueEntry
{
    internal Pool Pool { get; } = pool;

    /// <summary>
    /// In the queue, as far as the pool's own turn knows: told of a place meanwhile, it is about to hear of it.
    /// </summary>
    internal bool IsQueued => IsIn;
}
