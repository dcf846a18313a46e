using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>
/// The work that is due in a pool: clients that have waited too long, free servers that are old, unused or too many. A pool
/// has one timer, on the loop that set it last. Work that will be due sets it to that time or earlier, so a pool in which
/// nothing is due is not looked at.
/// </summary>
internal sealed partial class PoolMover
{
    private long _armedUs = long.MaxValue;
    private byte _armedLoop;

    /// <summary>The pool is looked at then, at the latest.</summary>
    private void ArmAt(long atUs, IPoolHost host)
    {
        if (atUs >= _armedUs) return;
        // Work that is due but cannot be done yet must not be looked at in an endless loop.
        atUs = Math.Max(atUs, host.NowUs + Limits.TimerStepUs);
        if (atUs >= _armedUs) return;
        _armedUs = atUs;
        _armedLoop = host.Loop;
        host.SetTimer(_pool, _armedUs);
    }

    /// <summary>A rare event has happened, and may have made other work due.</summary>
    private void LookAgainSoon(IPoolHost host) => ArmAt(host.NowUs + Limits.TickUs, host);

    private void ArmForWaiter(PoolClient client, IPoolHost host)
    {
        var limits = _pool.Limits;
        ArmAt(client.WaitStartUs + limits.WaitSpanUs + 1, host);
        if (client.AwaitsWelcome && limits.ClientLoginTimeoutUs > 0)
            ArmAt(client.ConnectUs + limits.ClientLoginTimeoutUs + 1, host);
        else if (!client.IsNotified && limits.QueryWaitNotifyUs > 0) ArmAt(NotifyAtUs(client, limits), host);
    }

    /// <summary>In steps of a tenth of a second, because each look is at all that wait.</summary>
    private static long NotifyAtUs(PoolClient client, PoolLimits limits)
    {
        const long StepUs = 100_000;
        return (client.WaitStartUs + limits.QueryWaitNotifyUs + 1_000_000 + StepUs - 1) / StepUs * StepUs;
    }

    private void ArmForFree(PooledServer server, PoolLimits limits, IPoolHost host)
    {
        ArmAt(server.LastActivityUs + limits.FreeSpanUs + 1, host);
        ArmAt(LifetimeEndUs(server, limits), host);
    }

    /// <param name="loop">The loop whose timer went off. The loop that has the turn may be another.</param>
    /// <param name="host">The one that has the turn.</param>
    private void OnTimer(byte loop, IPoolHost host)
    {
        if (loop != _armedLoop) return; // Another loop's timer counts.
        if (host.NowUs >= _armedUs)
        {
            Tick(host);
            return;
        }
        if (_armedUs == long.MaxValue) return;
        _armedLoop = host.Loop;
        host.SetTimer(_pool, _armedUs);
    }

    private void Tick(IPoolHost host)
    {
        var limits = _pool.Limits;
        var now = host.NowUs;
        if (_armedUs <= now) _armedUs = long.MaxValue;
        TickWaiters(limits, now, host);
        TickTests(now, host);
        foreach (var list in _idle) TickFree(list, limits, now, host);
        TickFree(_used, limits, now, host);
        CloseTooMany(limits, host);
        if (limits.MinPoolSize > _counts.Connected + _counts.Login && limits.PoolSize > 0 && _counts.Servers < limits.PoolSize
            && !IsPaused && (_counts.Clients > 0 || limits.HasForcedUser))
        {
            OpenForMinimum(host);
            ArmAt(Math.Max(now + Limits.TickUs, _retryAtUs), host);
        }
        OpenMore(host);
    }

    private void TickWaiters(PoolLimits limits, long now, IPoolHost host)
    {
        TickQueue(_waiting, limits, now, host);
        TickQueue(_awaitingWelcome, limits, now, host);
        TickQueue(_awaitingOwn, limits, now, host);
    }

    private void TickQueue(Chain<PoolClient> queue, PoolLimits limits, long now, IPoolHost host)
    {
        for (var client = queue.Oldest; client is not null;)
        {
            var next = client.Newer;
            if (ReasonToRefuse(client, limits, now) is { } reason)
            {
                RefuseWaiter(client, new Refusal(reason, Detail: DetailOfWait), host);
                client = next;
                continue;
            }
            if (!client.IsNotified && limits.QueryWaitNotifyUs > 0 && now >= NotifyAtUs(client, limits))
            {
                client.IsNotified = true;
                host.Add(new PoolEffect(PoolEffectKind.Notify, _pool, client));
            }
            ArmForWaiter(client, host);
            client = next;
        }
    }

    /// <summary>A test that takes long is no help any more to those that wait. Its own end is the loop's affair.</summary>
    private void TickTests(long now, IPoolHost host)
    {
        for (var server = _tested.Oldest; server is not null; server = server.Newer)
        {
            if (server.IsTestSlow) continue;
            if (now - server.TestSinceUs < Limits.TestPatienceUs)
            {
                ArmAt(server.TestSinceUs + Limits.TestPatienceUs, host);
                return;
            }
            server.IsTestSlow = true;
            _slowTestCount++;
        }
    }

    private string? ReasonToRefuse(PoolClient client, PoolLimits limits, long now)
    {
        var waited = now - client.WaitStartUs;
        if (_pool.Database.IsEnding) return ServerShuttingDown;
        if (limits.GlobalQueryTimeoutUs > 0 && waited > limits.GlobalQueryTimeoutUs) return "query_timeout";
        if (limits.QueryWaitTimeoutUs > 0 && waited > limits.QueryWaitTimeoutUs) return "query_wait_timeout";
        if (client.AwaitsWelcome && limits.ClientLoginTimeoutUs > 0 && now - client.ConnectUs > limits.ClientLoginTimeoutUs)
            return "client_login_timeout (server down)";
        return null;
    }

    /// <summary>The reason why the wait has had no end; null: none is known.</summary>
    private string? DetailOfWait
    {
        get
        {
            if (_lastFailure is not null) return _lastDetail;
            if (_isStarved) return "All server connections that max_db_connections or max_user_connections allows are in use.";
            if (_counts.Login > 0 && _counts.Servers == _counts.Login) return "The server login is still under way.";
            var size = _pool.Limits.PoolSize;
            return size > 0 && _counts.Servers >= size && _counts.Login == 0
                ? $"All server connections of the pool are in use (pool_size {size})." : null;
        }
    }

    private void RefuseWaiter(PoolClient client, Refusal refusal, IPoolHost host)
    {
        client.Queue!.Remove(client);
        PublishWaiting();
        host.Add(new PoolEffect(PoolEffectKind.Refuse, _pool, client, Detail: refusal));
    }

    /// <summary>The rules for a free server: the first that matches counts.</summary>
    private void TickFree(Chain<PooledServer> list, PoolLimits limits, long now, IPoolHost host)
    {
        for (var server = list.Oldest; server is not null;)
        {
            var next = server.Newer;
            var unused = now - server.LastActivityUs;
            var isUnused = limits.ServerIdleTimeoutUs > 0 && unused > limits.ServerIdleTimeoutUs;
            if (server.IsCloseNeeded) CloseFree(server, server.CloseReason("database configuration changed"), host);
            else if (server.IsDirty)
                CloseFree(server, server.State == ServerState.Used ? "SV_USED server got dirty"
                : "SV_IDLE server got dirty", host);
            else if (isUnused && (limits.MinPoolSize <= 0 || _counts.Connected - _counts.Closing > limits.MinPoolSize))
                CloseFree(server, "server idle timeout", host);
            else if (now >= LifetimeEndUs(server, limits)) CloseForLifetime(server, now, host);
            else if (IsPaused) CloseFree(server, "pause mode", host);
            else
            {
                if (server.State == ServerState.Idle && limits.NeedsCheck && unused > limits.ServerCheckDelayUs)
                {
                    list.Remove(server);
                    PublishIdle();
                    Move(server, ServerEvent.SetAside);
                    _used.Add(server);
                }
                ArmForRested(server, isUnused, limits, host);
            }
            server = next;
        }
    }

    /// <summary>
    /// Arms the timer for its next work. A rule that holds but may not be acted upon now is looked at again when that changes.
    /// </summary>
    private void ArmForRested(PooledServer server, bool isUnused, PoolLimits limits, IPoolHost host)
    {
        ArmAt(LifetimeEndUs(server, limits), host);
        if (server.State == ServerState.Idle && limits.NeedsCheck)
            ArmAt(server.LastActivityUs + limits.ServerCheckDelayUs + 1, host);
        if (limits.ServerIdleTimeoutUs > 0 && !isUnused) ArmAt(server.LastActivityUs + limits.ServerIdleTimeoutUs + 1, host);
    }

    /// <summary>Old enough, and long enough after the pool's last such close that replacements spread over time.</summary>
    private long LifetimeEndUs(PooledServer server, PoolLimits limits) =>
        Math.Max(server.DialStartUs + limits.ServerLifetimeUs, _lastLifetimeCloseUs + limits.LifetimeGapUs);

    private bool IsLifetimeOver(PooledServer server, PoolLimits limits, long now) => now >= LifetimeEndUs(server, limits);

    private void CloseForLifetime(PooledServer server, long now, IPoolHost host)
    {
        _lastLifetimeCloseUs = now;
        CloseFree(server, "server lifetime over", host);
    }

    private void CloseTooMany(PoolLimits limits, IPoolHost host)
    {
        if (limits.PoolSize <= 0) return;
        var surplus = _counts.Servers - _counts.Closing - limits.PoolSize - limits.ReservePoolSize;
        for (; surplus > 0 && _used.Oldest is { } used; surplus--) CloseFree(used, "too many servers in the pool", host);
        foreach (var list in _idle)
        {
            for (; surplus > 0 && list.Oldest is { } idle; surplus--) CloseFree(idle, "too many servers in the pool", host);
        }
    }

    /// <summary>min_pool_size: one connection a round, and none by eviction.</summary>
    private void OpenForMinimum(IPoolHost host)
    {
        if (_counts.Login > _slowLogins.Count || host.NowUs < _retryAtUs) return;
        TryOpenWithinLimits((byte)(_counts.Servers % _idle.Length), null, isForWaiter: false, host);
    }
}
