namespace FastPool.Core.Pools;

/// <summary>The janitor's round: who has waited too long, which free servers are old, unused or too many.</summary>
internal sealed partial class PoolMover
{
    private void Tick(IPoolHost host)
    {
        var limits = _pool.Limits;
        var now = host.NowUs;
        _takeovers = 0;
        TickWaiters(limits, now, host);
        foreach (var list in _idle) TickFree(list, limits, now, host);
        TickFree(_used, limits, now, host);
        CloseTooMany(limits, host);
        if (limits.MinPoolSize > _counts.Connected + _counts.Login && (limits.PoolSize == 0 || _counts.Servers < limits.PoolSize)
            && limits.PoolSize > 0 && !IsPaused && (_counts.Clients > 0 || limits.HasForcedUser))
        {
            OpenForMinimum(limits, host);
        }
        OpenMore(host);
    }

    private void TickWaiters(PoolLimits limits, long now, IPoolHost host)
    {
        TickQueue(_waiting, limits, now, host);
        TickQueue(_awaitingWelcome, limits, now, host);
        TickQueue(_awaitingOwn, limits, now, host);
    }

    private void TickQueue(WaitQueue queue, PoolLimits limits, long now, IPoolHost host)
    {
        for (var client = queue.Oldest; client is not null;)
        {
            var next = client.Newer;
            if (ReasonToRefuse(client, limits, now) is { } reason) RefuseWaiter(client, reason, host);
            else if (!client.IsNotified && limits.QueryWaitNotifyUs > 0 && now - client.WaitStartUs >= limits.QueryWaitNotifyUs + 1_000_000)
            {
                client.IsNotified = true;
                host.Add(new PoolEffect(PoolEffectKind.Notify, _pool, client));
            }
            client = next;
        }
    }

    private string? ReasonToRefuse(PoolClient client, PoolLimits limits, long now)
    {
        var waited = now - client.WaitStartUs;
        if (!client.AwaitsWelcome && _pool.Database.IsEnding) return ServerShuttingDown;
        if (!client.AwaitsWelcome && limits.GlobalQueryTimeoutUs > 0 && waited > limits.GlobalQueryTimeoutUs) return "query_timeout";
        if (limits.QueryWaitTimeoutUs > 0 && waited > limits.QueryWaitTimeoutUs) return "query_wait_timeout";
        if (client.AwaitsWelcome && limits.ClientLoginTimeoutUs > 0 && now - client.ConnectUs > limits.ClientLoginTimeoutUs) return "client_login_timeout (server down)";
        return null;
    }

    private void RefuseWaiter(PoolClient client, string text, IPoolHost host)
    {
        client.Queue!.Remove(client);
        PublishWaiting();
        host.Add(new PoolEffect(PoolEffectKind.Refuse, _pool, client, Detail: new Refusal(text)));
    }

    /// <summary>The janitor's rules for a free server: the first that matches counts.</summary>
    private void TickFree(ServerList list, PoolLimits limits, long now, IPoolHost host)
    {
        for (var server = list.Oldest; server is not null;)
        {
            var next = server.Newer;
            var unused = now - server.LastActivityUs;
            if (server.IsCloseNeeded) CloseFree(server, "database configuration changed", host);
            else if (server.IsDirty) CloseFree(server, server.State == ServerState.Used ? "SV_USED server got dirty" : "SV_IDLE server got dirty", host);
            else if (limits.ServerIdleTimeoutUs > 0 && unused > limits.ServerIdleTimeoutUs && (limits.MinPoolSize <= 0 || _counts.Connected - _counts.Closing > limits.MinPoolSize)) CloseFree(server, "server idle timeout", host);
            else if (IsLifetimeOver(server, limits, now)) CloseForLifetime(server, now, host);
            else if (IsPaused) CloseFree(server, "pause mode", host);
            else if (server.State == ServerState.Idle && limits.NeedsCheck && unused > limits.ServerCheckDelayUs)
            {
                list.Remove(server);
                PublishIdle();
                Move(server, ServerState.Used);
                _used.Add(server);
            }
            server = next;
        }
    }

    /// <summary>Old enough, and long enough after the pool's last such close that replacements spread over time.</summary>
    private bool IsLifetimeOver(PooledServer server, PoolLimits limits, long now)
    {
        if (now - server.DialStartUs < limits.ServerLifetimeUs) return false;
        var gap = limits.PoolSize > 0 ? limits.ServerLifetimeUs / limits.PoolSize : 0;
        return now - _lastLifetimeCloseUs >= gap;
    }

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
    private void OpenForMinimum(PoolLimits limits, IPoolHost host)
    {
        if (_counts.Login > 0 || host.NowUs < _retryAtUs) return;
        TryOpenWithinBudgets((byte)(_counts.Servers % _idle.Length), null, limits, host);
    }
}
