using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>New servers for those that wait, as far as the limits go.</summary>
internal sealed partial class PoolMover
{
    /// <summary>Servers for those that wait: used ones after a check, else new ones, as far as the limits go.</summary>
    private void OpenMore(IPoolHost host)
    {
        _isAtLimit = false;
        if (!IsStopped)
        {
            OpenShared(host);
            if (_awaitingOwn.Count > 0) OpenOwn(host);
        }
        if (!_isAtLimit)
        {
            WithdrawClaims();
            return;
        }
        SetStarved(true);
        // The pool is told of a place only. Other help, such as an idle server of its own, it finds by looking.
        LookAgainSoon(host);
    }

    private void OpenShared(IPoolHost host)
    {
        var wanted = _waiting.Count - (_counts.Tested - _slowTestCount);
        for (; wanted > 0 && _used.Newest is { } used; wanted--)
        {
            _used.Remove(used);
            if (used.IsCloseNeeded || used.IsDirty)
            {
                CloseFree(used, used.IsCloseNeeded ? used.CloseReason("obsolete connection") : "idle server got dirty", host);
                wanted++;
                continue;
            }
            BeginTest(used, host);
            host.Add(new PoolEffect(PoolEffectKind.RunCheck, _pool, null, used, Loop: used.Loop));
        }
        if (wanted <= 0 && _waiting.Count == 0 && _awaitingWelcome.Count > 0 && _pool.Welcome is null)
        {
            wanted = 1;
            MakeRoomForWelcome(host);
        }

        var opening = _counts.Login - _ownDials - _slowLogins.Count;
        var client = _waiting.Oldest ?? _awaitingWelcome.Oldest;
        // Those at the head are served by what is already opening.
        for (var i = 0; i < opening && client is not null; i++) client = client.Newer;
        for (wanted -= opening; wanted > 0; wanted--)
        {
            if (!OpenOne(client?.Loop ?? host.Loop, null, host)) break;
            client = client?.Newer;
        }
        // No more may be opened: what gets no answer makes its place of use.
        for (; wanted > 0 && _slowLogins.Oldest is { } slow; wanted--) TryElsewhere(slow, host);
    }

    /// <summary>The login leaves the silent host, and is help on its way again.</summary>
    private void TryElsewhere(PooledServer server, IPoolHost host)
    {
        server.List?.Remove(server);
        host.Add(new PoolEffect(PoolEffectKind.TryElsewhere, _pool, Server: server));
    }

    /// <summary>
    /// One for each that needs a server of its own. Where a limit forbids it, an idle server of this pool makes room.
    /// </summary>
    private void OpenOwn(IPoolHost host)
    {
        for (var client = _awaitingOwn.Oldest; client is not null; client = client.Newer)
        {
            if (client.IsDialed) continue;
            if (!OpenOne(client.Loop, client, host))
            {
                if (_counts.Closing == 0 && host.NowUs >= _retryAtUs) Evict(null, host);
                return;
            }
            client.IsDialed = true;
            _ownDials++;
        }
    }

    /// <summary>
    /// Servers of an earlier process cannot tell their parameters any more: one of them makes room for one that does.
    /// </summary>
    private void MakeRoomForWelcome(IPoolHost host)
    {
        var size = _pool.Limits.PoolSize;
        if (size > 0 && _counts.Servers >= size && _counts.Login == 0 && _counts.Closing == 0) Evict(null, host);
    }

    /// <param name="only">The only client it is for; null: any that waits.</param>
    /// <returns>False when a limit or a recent failure forbids it for now.</returns>
    private bool OpenOne(byte loop, PoolClient? only, IPoolHost host)
    {
        var limits = _pool.Limits;
        if (_counts.Login >= Limits.DialsPerPoolMax) return false;
        if (host.NowUs < _retryAtUs)
        {
            ArmAt(_retryAtUs, host);
            return false;
        }
        if (_lastFailure is not null && _counts.Login > _slowLogins.Count) return false; // One probe at a time while logins fail.
        if (limits.PoolSize > 0 && _counts.Servers >= limits.PoolSize && !MayUseReserve(limits, only ?? _waiting.Oldest, host))
            return false;
        return TryOpenWithinLimits(loop, only, isForWaiter: true, host);
    }

    private bool MayUseReserve(PoolLimits limits, PoolClient? oldest, IPoolHost host)
    {
        if (oldest is null || limits.ReservePoolTimeoutUs <= 0 || _counts.Servers >= limits.PoolSize + limits.ReservePoolSize)
            return false;
        var sinceUs = oldest.WaitStartUs + limits.ReservePoolTimeoutUs;
        if (host.NowUs < sinceUs)
        {
            ArmAt(sinceUs, host);
            return false;
        }
        host.Add(new PoolEffect(PoolEffectKind.Notify, _pool, oldest, Detail: ReserveNote.Instance));
        return true;
    }

    // ---- limits shared with other pools -------------------------------------------------------------------------------

    private bool _isAtLimit; // Such a limit has stopped a waiter, in the present look at what is wanted.

    private void SetStarved(bool value)
    {
        if (_isStarved != value) Volatile.Write(ref _isStarved, value); // Pairs: IsStarved.
    }

    /// <summary>
    /// The limit under which a client of another pool has waited longer, and which alone keeps it from a server.
    /// </summary>
    /// <param name="next">The client that would get the server here; null: no client waits.</param>
    private SharedLimit? LimitClaimedElsewhere(PoolClient? next)
    {
        var limits = _pool.Limits;
        if (limits.MaxDbConnections > 0 && IsClaimedElsewhere(_pool.Database.Servers, next)) return _pool.Database.Servers;
        return limits.MaxUserConnections > 0 && IsClaimedElsewhere(_pool.User.Servers, next) ? _pool.User.Servers : null;
    }

    private bool IsClaimedElsewhere(SharedLimit limit, PoolClient? next)
    {
        if (!limit.HasUnmetClaims) return false;
        var sinceUs = limit.ClaimedSinceUs(_pool);
        return sinceUs != long.MaxValue && (next is null || next.WaitStartUs - sinceUs > Limits.ClaimStepUs);
    }

    /// <returns>False when max_db_connections or max_user_connections is reached. Where a waiter is to have the server, the pool
    /// stands in the queue of that limit then.</returns>
    private bool TryOpenWithinLimits(byte loop, PoolClient? only, bool isForWaiter, IPoolHost host)
    {
        var (database, user) = (_pool.Database.Servers, _pool.User.Servers);
        if (!TryTake(database, ref _databaseClaim, isForWaiter, host))
        {
            // From here it waits for the database's limit. Without a waiter the queue stays as it is.
            if (isForWaiter) Withdraw(_userClaim);
            return false;
        }
        if (!TryTake(user, ref _userClaim, isForWaiter, host))
        {
            GiveBack(database, null, host);
            return false;
        }
        _counts.Login++;
        PassOn(database, host);
        PassOn(user, host);
        host.Add(new PoolEffect(PoolEffectKind.Dial, _pool, only, Loop: loop));
        return true;
    }

    private bool TryTake(SharedLimit limit, ref Claim? claim, bool isForWaiter, IPoolHost host)
    {
        var isBounded = isForWaiter && limit.Limit > 0;
        if (isBounded)
        {
            if (claim is { IsQueued: true } && limit.IsFull) // It will be told.
            {
                _isAtLimit = true;
                if (limit.HasUnmetClaims) host.Add(new PoolEffect(PoolEffectKind.MakeRoom, _pool, Detail: limit));
                return false;
            }
            claim ??= new Claim(_pool);
        }
        if (limit.TryTake(_pool, isFirst: _counts.Servers == 0, isBounded ? claim : null)) return true;
        if (!isBounded) return false;
        _isAtLimit = true;
        host.Add(new PoolEffect(PoolEffectKind.MakeRoom, _pool, Detail: limit));
        return false;
    }

    /// <summary>This pool, which had waited longest, has been told of a free place.</summary>
    private void TakeRoom(SharedLimit limit, IPoolHost host)
    {
        OpenMore(host);
        PassOn(limit, host);
    }

    /// <summary>A place that this pool does not use is the next one's.</summary>
    private void PassOn(SharedLimit limit, IPoolHost host)
    {
        if (limit.HasRoomForClaims) host.Add(new PoolEffect(PoolEffectKind.RoomMade, _pool, Detail: limit));
    }

    /// <summary>No waiter of this pool is stopped by such a limit any more.</summary>
    private void WithdrawClaims()
    {
        SetStarved(false);
        Withdraw(_databaseClaim);
        Withdraw(_userClaim);
    }

    private void Withdraw(Claim? claim)
    {
        if (claim is { IsQueued: true }) (claim == _databaseClaim ? _pool.Database.Servers : _pool.User.Servers).Withdraw(claim);
    }
}
