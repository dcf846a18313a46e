using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>New servers for those that wait, as far as the limits go.</summary>
internal sealed partial class PoolMover
{
    /// <summary>Servers for those that wait: used ones after a check, else new ones, as far as the limits go.</summary>
    private void OpenMore(IPoolHost host)
    {
        SetStarved(false);
        if (IsStopped) return;
        OpenShared(host);
        if (_awaitingOwn.Count > 0) OpenOwn(host);
    }

    private void OpenShared(IPoolHost host)
    {
        var wanted = _waiting.Count - _counts.Tested;
        for (; wanted > 0 && _used.Newest is { } used; wanted--)
        {
            _used.Remove(used);
            if (used.IsCloseNeeded || used.IsDirty)
            {
                CloseFree(used, used.IsCloseNeeded ? "obsolete connection" : "idle server got dirty", host);
                wanted++;
                continue;
            }
            Move(used, ServerState.Tested);
            host.Add(new PoolEffect(PoolEffectKind.RunCheck, _pool, null, used, Loop: used.Loop));
        }
        if (wanted <= 0 && _waiting.Count == 0 && _awaitingWelcome.Count > 0 && _pool.Welcome is null)
        {
            wanted = 1;
            MakeRoomForWelcome(host);
        }

        var opening = _counts.Login - _ownDials;
        var client = _waiting.Oldest ?? _awaitingWelcome.Oldest;
        for (var i = 0; i < opening && client is not null; i++) client = client.Newer; // Those at the head are served by what is already opening.
        for (wanted -= opening; wanted > 0; wanted--)
        {
            if (!OpenOne(client?.Loop ?? host.Loop, null, host)) return;
            client = client?.Newer;
        }
    }

    /// <summary>One for each that needs a server of its own. Where a limit forbids it, an idle server of this pool makes room.</summary>
    private void OpenOwn(IPoolHost host)
    {
        for (var client = _awaitingOwn.Oldest; client is not null; client = client.Newer)
        {
            if (client.IsDialed) continue;
            if (!OpenOne(client.Loop, client, host))
            {
                if (_counts.Closing == 0 && host.NowUs >= _retryAtUs) Evict(host);
                return;
            }
            client.IsDialed = true;
            _ownDials++;
        }
    }

    /// <summary>Servers of an earlier process cannot tell their parameters any more: one of them makes room for one that does.</summary>
    private void MakeRoomForWelcome(IPoolHost host)
    {
        var size = _pool.Limits.PoolSize;
        if (size > 0 && _counts.Servers >= size && _counts.Login == 0 && _counts.Closing == 0) Evict(host);
    }

    /// <param name="only">Whom alone it is for; null: whoever waits.</param>
    /// <returns>False when a limit or a recent failure forbids it for now.</returns>
    private bool OpenOne(byte loop, PoolClient? only, IPoolHost host)
    {
        var limits = _pool.Limits;
        if (_counts.Login >= Limits.DialsPerPoolMax || host.NowUs < _retryAtUs) return false;
        if (_lastFailure is not null && _counts.Login > 0) return false; // One probe at a time while logins fail.
        if (limits.PoolSize > 0 && _counts.Servers >= limits.PoolSize && !MayUseReserve(limits, only ?? _waiting.Oldest, host)) return false;
        return TryOpenWithinBudgets(loop, only, limits, host) || Starve(host);
    }

    private bool MayUseReserve(PoolLimits limits, PoolClient? oldest, IPoolHost host)
    {
        if (limits.ReservePoolTimeoutUs <= 0 || _counts.Servers >= limits.PoolSize + limits.ReservePoolSize) return false;
        if (oldest is null || host.NowUs - oldest.WaitStartUs < limits.ReservePoolTimeoutUs) return false;
        host.Add(new PoolEffect(PoolEffectKind.Notify, _pool, oldest, Detail: ReserveNote.Instance));
        return true;
    }

    private bool Starve(IPoolHost host)
    {
        SetStarved(true);
        host.Add(new PoolEffect(PoolEffectKind.MakeRoom, _pool));
        return false;
    }

    private void SetStarved(bool value)
    {
        if (_isStarved != value) Volatile.Write(ref _isStarved, value); // Pairs: IsStarved.
    }

    /// <summary>Somebody in another pool has waited longer, and only a limit over several pools keeps him from a server.</summary>
    /// <param name="next">Who would get the server here; null: nobody waits.</param>
    private bool IsClaimedElsewhere(PoolClient? next)
    {
        var limits = _pool.Limits;
        var sinceUs = limits.MaxDbConnections > 0 ? _pool.Database.Servers.ClaimedSinceUs(_pool) : long.MaxValue;
        if (limits.MaxUserConnections > 0) sinceUs = Math.Min(sinceUs, _pool.User.Servers.ClaimedSinceUs(_pool));
        if (sinceUs == long.MaxValue) return false;
        return next is null || next.WaitStartUs - sinceUs > Limits.ClaimStepUs;
    }

    private void Claim(ConnectionBudget budget)
    {
        if (OldestWaiter is null) return;
        SetStarved(true);
        budget.Claim(_pool);
    }

    /// <returns>False when max_db_connections or max_user_connections is reached.</returns>
    private bool TryOpenWithinBudgets(byte loop, PoolClient? only, PoolLimits limits, IPoolHost host)
    {
        var (database, user) = (_pool.Database.Servers, _pool.User.Servers);
        if (IsClaimedElsewhere(OldestWaiter)) return false;
        if (!database.TryTake(limits.MaxDbConnections))
        {
            Claim(database);
            return false;
        }
        if (!user.TryTake(limits.MaxUserConnections))
        {
            database.GiveBack();
            Claim(user);
            return false;
        }
        _counts.Login++;
        host.Add(new PoolEffect(PoolEffectKind.Dial, _pool, only, Loop: loop));
        return true;
    }
}
