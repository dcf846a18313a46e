using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>
/// The one mover of a pool's servers and waiters: plain code for one thread, run by the thread that has the pool's turn.
/// Invariant after each operation: while a client waits, no server is idle (unless the pool is paused).
/// </summary>
internal sealed partial class PoolMover
{
    private const string ServerShuttingDown = "server shutting down";
    private const string ReplicationClientClosed = "replication client was closed";

    private readonly Pool _pool;
    private readonly Chain<PooledServer>[] _idle;
    private readonly Chain<PooledServer> _used = new();
    private readonly Chain<PooledServer> _tested = new();
    private readonly Chain<PooledServer> _slowLogins = new(); // No answer has come for long: no help to those that wait.
    private readonly Chain<PoolClient> _waiting = new();
    private readonly Chain<PoolClient> _awaitingWelcome = new();
    private readonly Chain<PoolClient> _awaitingOwn = new();
    private PoolCounts _counts;
    private int _ownDials;
    private string? _lastFailure;
    private string? _lastDetail;
    private bool _mayPass; // A host lives and is in the wrong role: its time may come.
    private long _retryAtUs;
    private long _lastLifetimeCloseUs;
    private long _oldestIdleUs = long.MaxValue;
    private long _oldestWaitUs;
    private bool _isStarved;
    private int _slowTestCount;
    private int _moves;
    private long _movesUntilUs;
    private Claim? _databaseClaim;
    private Claim? _userClaim;

    internal PoolMover(Pool pool, int loopCount)
    {
        _pool = pool;
        _idle = new Chain<PooledServer>[loopCount];
        for (var i = 0; i < loopCount; i++) _idle[i] = new Chain<PooledServer>();
    }

    internal PoolCounts Counts => _counts;
    internal long OldestIdleUs => Volatile.Read(ref _oldestIdleUs); // Pairs: PublishIdle.
    internal long OldestWaitUs => Volatile.Read(ref _oldestWaitUs); // Pairs: PublishWaiting.
    internal bool IsStarved => Volatile.Read(ref _isStarved);       // Pairs: OpenMore.

    /// <summary>A look from outside the turn, for the console alone: at most a moment old.</summary>
    internal long RetryAtUs => Volatile.Read(ref _retryAtUs); // Pairs: LoginFailed, LoginDone.

    private bool IsPaused => _pool.Database.IsHeld;

    /// <summary>No server is given to a client.</summary>
    private bool IsStopped => IsPaused || _pool.Database.IsFrozen;

    internal void Run(PoolOperationKind kind, PoolClient? client, PooledServer? server, object? detail, IPoolHost host)
    {
        switch (kind)
        {
            case PoolOperationKind.Join: Join(host); break;
            case PoolOperationKind.AwaitWelcome: AwaitWelcome(client!, host); break;
            case PoolOperationKind.Acquire: Acquire(client!, host, mayReturn: false); break;
            case PoolOperationKind.Leave: Leave(client!, host); break;
            case PoolOperationKind.Withdraw: Withdraw(client!, host); break;
            case PoolOperationKind.AdoptLinked: Adopt(server!, ServerEvent.AdoptLinked); break;
            case PoolOperationKind.AdoptIdle:
                Adopt(server!, ServerEvent.AdoptFree);
                GiveOrRest(server!, host);
                break;
            case PoolOperationKind.LoginDone: LoginDone(server!, host); break;
            case PoolOperationKind.LoginFailed: LoginFailed(server!, (LoginFailure)detail!, host); break;
            case PoolOperationKind.LoginMayWork: LoginMayWork(host); break;
            case PoolOperationKind.LoginSlow: LoginSlow(server!, host); break;
            case PoolOperationKind.Return: Return(server!, host); break;
            case PoolOperationKind.Arrived: server!.Grantee = null; break;
            case PoolOperationKind.BeginTest: BeginTest(server!, host); break;
            case PoolOperationKind.CheckHost: CheckHost(server!, host); break;
            case PoolOperationKind.BeginCancelWait: Move(server!, ServerEvent.AwaitCancels); break;
            case PoolOperationKind.Remove: Remove(server!, host); break;
            case PoolOperationKind.Evict: Evict((SharedLimit?)detail, host); break;
            case PoolOperationKind.TakeRoom: TakeRoom((SharedLimit)detail!, host); break;
            case PoolOperationKind.Serve:
                Serve(host);
                LookAgainSoon(host);
                break;
            case PoolOperationKind.Tick: Tick(host); break;
            case PoolOperationKind.Timer: OnTimer(((IPoolHost)detail!).Loop, host); break;
            case PoolOperationKind.Drain: Drain((string)detail!, host); break;
        }
    }

    private void Join(IPoolHost host)
    {
        _counts.Clients++;
        if (_pool.Limits.MinPoolSize > 0) LookAgainSoon(host);
    }

    /// <param name="mayReturn">The caller's own thread asks: a server of its loop may be returned in place of an effect.</param>
    internal PooledServer? Acquire(PoolClient client, IPoolHost host, bool mayReturn)
    {
        if (client.HasLeft) return null;
        client.AwaitsWelcome = false;
        client.IsWithdrawn = false;
        client.IsNotified = false;
        if (client.NeedsOwnServer)
        {
            AwaitOwn(client, host);
            return null;
        }
        var isStopped = IsStopped;
        if (!isStopped && TakeIdle(client.Loop, host) is { } server)
        {
            Move(server, ServerEvent.Grant);
            if (mayReturn && server.Loop == host.Loop) return server;
            Grant(client, server, host);
            return null;
        }
        if (!isStopped && _lastFailure is not null && !_mayPass && _counts.Servers == _counts.Login)
        {
            host.Add(new PoolEffect(PoolEffectKind.Refuse, _pool, client, Detail: FastFail(_lastFailure, _lastDetail)));
            OpenOne(client.Loop, null, host);
            return null;
        }
        if (_pool.Database.IsEnding)
        {
            host.Add(new PoolEffect(PoolEffectKind.Refuse, _pool, client, Detail: new Refusal(ServerShuttingDown)));
            return null;
        }
        _waiting.Add(client);
        ArmForWaiter(client, host);
        PublishWaiting();
        OpenMore(host);
        return null;
    }

    private static Refusal FastFail(string reason, string? detail) =>
        new($"server login has been failing, cached error: {reason} (server_login_retry)", Detail: detail);

    private void AwaitWelcome(PoolClient client, IPoolHost host)
    {
        if (client.HasLeft) return;
        client.AwaitsWelcome = true;
        client.IsNotified = true; // query_wait_notify is not for clients without their welcome.
        if (_pool.Database.IsEnding)
        {
            host.Add(new PoolEffect(PoolEffectKind.Refuse, _pool, client, Detail: new Refusal(ServerShuttingDown)));
            return;
        }
        if (client.NeedsOwnServer)
        {
            AwaitOwn(client, host); // The welcome comes with its server.
            return;
        }
        if (_pool.Welcome is not null)
        {
            host.Add(new PoolEffect(PoolEffectKind.Welcome, _pool, client));
            return;
        }
        _awaitingWelcome.Add(client);
        ArmForWaiter(client, host);
        PublishWaiting();
        OpenMore(host);
    }

    /// <summary>
    /// An idle server will not do, and other clients' failures do not concern it: opens one more connection, as far as the
    /// limits go.
    /// </summary>
    private void AwaitOwn(PoolClient client, IPoolHost host)
    {
        client.IsDialed = false;
        _awaitingOwn.Add(client);
        ArmForWaiter(client, host);
        PublishWaiting();
        OpenMore(host);
    }

    private void Leave(PoolClient client, IPoolHost host)
    {
        Check.That(!client.HasLeft);
        client.HasLeft = true;
        _counts.Clients--;
        if (client.Queue is null) return;
        client.Queue.Remove(client);
        PublishWaiting();
        if (_isStarved) OpenMore(host);
    }

    private void Withdraw(PoolClient client, IPoolHost host)
    {
        if (client.HasLeft) return;
        if (client.Queue is null)
        {
            client.IsWithdrawn = true; // A grant or a refusal is under way; a server may yet die on it.
            return;
        }
        client.Queue.Remove(client);
        PublishWaiting();
        host.Add(new PoolEffect(PoolEffectKind.Withdrawn, _pool, client));
        if (_isStarved) OpenMore(host);
    }

    /// <summary>It exists already, so it counts even beyond the limits.</summary>
    private void Adopt(PooledServer server, ServerEvent what)
    {
        var isFirst = _counts.Servers == 0;
        _pool.Database.Servers.Take(_pool, isFirst);
        _pool.User.Servers.Take(_pool, isFirst);
        server.State = ServerLife.Next(server.State, what);
        Count(server.State, 1);
        if (server.State == ServerState.Tested) _tested.Add(server);
    }

    private void BeginTest(PooledServer server, IPoolHost host)
    {
        Move(server, ServerEvent.Test);
        NoteTest(server, host);
    }

    /// <summary>In the name of all servers of its host, whatever pools they are in.</summary>
    private void CheckHost(PooledServer server, IPoolHost host)
    {
        if (server.State != ServerState.Idle || IsPaused) return;
        server.List!.Remove(server);
        PublishIdle();
        Move(server, ServerEvent.SetAside);
        BeginTest(server, host);
        host.Add(new PoolEffect(PoolEffectKind.RunCheck, _pool, null, server, Host.CheckQuery, Loop: server.Loop));
    }

    /// <summary>A server under test is help on its way, for a while.</summary>
    private void NoteTest(PooledServer server, IPoolHost host)
    {
        server.TestSinceUs = host.NowUs;
        ArmAt(host.NowUs + Limits.TestPatienceUs, host);
    }

    private void ForgetFailure()
    {
        _lastFailure = _lastDetail = null;
        _mayPass = false;
        _retryAtUs = 0;
    }

    /// <summary>Newcomers wait for the next attempt, and are not refused with the last one's error.</summary>
    private void LoginMayWork(IPoolHost host)
    {
        ForgetFailure();
        OpenMore(host);
        if (_pool.Limits.MinPoolSize > 0) LookAgainSoon(host);
    }

    private void LoginDone(PooledServer server, IPoolHost host)
    {
        ForgetFailure();
        if (_pool.Limits.MinPoolSize > 0) LookAgainSoon(host);
        if (server.OnlyClient is { } only)
        {
            GiveToOnlyClient(server, only, host);
            OpenMore(host);
            return;
        }
        while (_awaitingWelcome.Oldest is { } client)
        {
            _awaitingWelcome.Remove(client);
            host.Add(new PoolEffect(PoolEffectKind.Welcome, _pool, client));
        }
        PublishWaiting();
        GiveOrRest(server, host);
        OpenMore(host);
    }

    private void GiveToOnlyClient(PooledServer server, PoolClient client, IPoolHost host)
    {
        _ownDials--;
        if (client.HasLeft)
        {
            CloseFree(server, ReplicationClientClosed, host);
            return;
        }
        _awaitingOwn.Remove(client);
        PublishWaiting();
        Move(server, ServerEvent.Grant);
        Grant(client, server, host);
    }

    private void LoginFailed(PooledServer server, LoginFailure failure, IPoolHost host)
    {
        var isPauseOrChange = server.State == ServerState.Closing; // A deliberate close is no failure of the server.
        RemoveFromBooks(server, host);
        if (!isPauseOrChange)
        {
            _lastFailure = failure.CachedReason;
            _lastDetail = failure.Detail;
            _mayPass = failure.MayPass;
            // Not in the same turn, even without a pause between attempts: the turn would never end.
            var retryAtUs = server.DialStartUs + _pool.Limits.ServerLoginRetryUs;
            if (failure.RetryAtUs > 0) retryAtUs = Math.Min(retryAtUs, failure.RetryAtUs);
            _retryAtUs = Math.Max(retryAtUs, host.NowUs + 1);
            if (server.OnlyClient is { } only)
            {
                if (failure.ForWaiters is not null && !only.HasLeft) RefuseWaiter(only, failure.ForWaiters, host);
            }
            else if (failure.ForWaiters is not null && (_counts.Connected == 0 || _pool.Welcome is null))
                RefuseAll(failure.ForWaiters, host);
        }
        OpenMore(host);
    }

    private void LoginSlow(PooledServer server, IPoolHost host)
    {
        if (server.State != ServerState.Login || server.List is not null) return;
        if (server.OnlyClient is not null) // Another one beside it would serve nobody.
        {
            TryElsewhere(server, host);
            return;
        }
        _slowLogins.Add(server);
        OpenMore(host);
    }

    private void RefuseAll(Refusal refusal, IPoolHost host)
    {
        while ((_waiting.Oldest ?? _awaitingWelcome.Oldest) is { } client)
        {
            client.Queue!.Remove(client);
            host.Add(new PoolEffect(PoolEffectKind.Refuse, _pool, client, Detail: refusal));
        }
        PublishWaiting();
    }

    /// <summary>Released: first the reasons to close it, then the next waiter, then idleness.</summary>
    private void Return(PooledServer server, IPoolHost host)
    {
        server.Grantee = null;
        if (server.OnlyClient is not null) CloseFree(server, ReplicationClientClosed, host);
        else if (IsLifetimeOver(server, _pool.Limits, host.NowUs)) CloseForLifetime(server, host.NowUs, host);
        else if (server.IsCloseNeeded) CloseFree(server, server.CloseReason("close_needed"), host);
        // While it waited for cancel requests to come through.
        else if (server.IsDirty) CloseFree(server, "idle server got dirty", host);
        else if (NeedsCheckAtOnce(server) && !IsPaused) Keep(server, host);
        else GiveOrRest(server, host);
    }

    /// <summary>
    /// server_check_delay of 0: no server goes from client to client unchecked. One that was reset has been checked by that.
    /// </summary>
    private bool NeedsCheckAtOnce(PooledServer server) =>
        server.State is ServerState.Active or ServerState.BeingCanceled
            && _pool.Limits is { ServerCheckDelayUs: 0, NeedsCheck: true };

    private void Keep(PooledServer server, IPoolHost host)
    {
        Move(server, ServerEvent.SetAside);
        _used.Add(server);
        ComeToRest(server, host);
        if (_waiting.Count > 0) OpenMore(host);
    }

    private void GiveOrRest(PooledServer server, IPoolHost host)
    {
        if (IsPaused)
        {
            CloseFree(server, "pause mode", host);
            return;
        }
        var isFrozen = _pool.Database.IsFrozen;
        var client = isFrozen || _waiting.Count == 0 ? null : NextWaiter(server.Loop);
        if (!isFrozen && TryGiveUp(server, client, host))
        {
            // Its place is another pool's.
        }
        else if (client is not null)
        {
            _waiting.Remove(client);
            PublishWaiting();
            Move(server, ServerEvent.Grant);
            Grant(client, server, host);
        }
        else
        {
            Move(server, ServerEvent.Rest);
            _idle[server.Loop].Add(server);
            ComeToRest(server, host);
        }
    }

    /// <summary>A server that is free now, and that no client wants.</summary>
    private void ComeToRest(PooledServer server, IPoolHost host)
    {
        var limits = _pool.Limits;
        PublishIdle();
        ArmForFree(server, limits, host);
        if (limits.PoolSize > 0 && _counts.Servers - _counts.Closing > limits.PoolSize + limits.ReservePoolSize)
            LookAgainSoon(host);
        if (_awaitingOwn.Count > 0)
        {
            var state = server.State;
            OpenMore(host); // Closing it may make room for a client that needs one of its own.
            if (server.State != state) return;
        }
        if (limits.MaxDbConnections <= 0 && limits.MaxUserConnections <= 0) return;
        // Pairs: SharedLimit.TryTake. Either a pool that is stopped just now sees this server idle, or we see its claim.
        Interlocked.MemoryBarrier();
        if (_waiting.Count == 0 && !IsStopped) TryGiveUp(server, null, host);
    }

    /// <summary>Closes a free server for whose place a client of another pool has waited longer.</summary>
    /// <param name="next">The client that would get the server here; null: nobody waits.</param>
    private bool TryGiveUp(PooledServer server, PoolClient? next, IPoolHost host)
    {
        if (LimitClaimedElsewhere(next) is not { } limit || !limit.TryPromise()) return false;
        CloseFree(server, EvictionReason(limit), host, limit);
        return true;
    }

    /// <param name="limit">For whose claims; null: for this pool's own, as in <see cref="Evict"/>.</param>
    private string EvictionReason(SharedLimit? limit)
    {
        var limits = _pool.Limits;
        if (!limits.NamesEvictions) return "evicted";
        if (limit == _pool.Database.Servers) return "evicted for max_db_connections";
        if (limit == _pool.User.Servers) return "evicted for max_user_connections";
        if (limits.PoolSize > 0 && _counts.Servers >= limits.PoolSize) return "evicted for pool_size";
        return _pool.Database.Servers.IsFull ? "evicted for max_db_connections" : "evicted for max_user_connections";
    }

    /// <summary>The waiter that came first; among those of the same step of time, one of the server's own loop.</summary>
    private PoolClient? NextWaiter(byte loop)
    {
        var oldest = _waiting.Oldest;
        var candidate = oldest;
        for (var i = 0; i < Limits.WaitersLookedAt && candidate is not null
            && candidate.WaitStartUs - oldest!.WaitStartUs < Limits.ArrivalStepUs; i++)
        {
            if (candidate.Loop == loop) return candidate;
            candidate = candidate.Newer;
        }
        return oldest;
    }

    private void Remove(PooledServer server, IPoolHost host)
    {
        var client = server.Grantee;
        server.Grantee = null;
        RemoveFromBooks(server, host);
        if (client is { HasLeft: false, IsWithdrawn: true })
        {
            host.Add(new PoolEffect(PoolEffectKind.Withdrawn, _pool, client));
        }
        else if (client is { HasLeft: false })
        {
            client.IsDialed = false;
            (client.NeedsOwnServer ? _awaitingOwn : _waiting).AddOldest(client);
            ArmForWaiter(client, host);
            PublishWaiting();
        }
        Serve(host);
    }

    /// <summary>
    /// Hands the server over. While it is under way to another loop the client is noted: if it dies, the client waits on.
    /// </summary>
    private void Grant(PoolClient client, PooledServer server, IPoolHost host)
    {
        if (server.Loop != host.Loop || client.Loop != host.Loop) server.Grantee = client;
        host.Add(new PoolEffect(PoolEffectKind.Grant, _pool, client, server));
    }

    /// <summary>An idle server, of the loop itself where it has one.</summary>
    private PooledServer? TakeIdle(int loop, IPoolHost host)
    {
        var roundRobin = _pool.Limits.ServerRoundRobin;
        for (var i = 0; i < _idle.Length; i++)
        {
            var list = _idle[(loop + i) % _idle.Length];
            while ((roundRobin ? list.Oldest : list.Newest) is { } server)
            {
                list.Remove(server);
                PublishIdle();
                if (!server.IsCloseNeeded && !server.IsDirty)
                {
                    if (i > 0) NoteMove((byte)loop, host);
                    return server;
                }
                CloseFree(server, server.IsCloseNeeded ? server.CloseReason("obsolete connection")
                    : "idle server got dirty", host);
            }
        }
        return null;
    }

    /// <summary>Loops that keep taking servers from each other are better off with one more.</summary>
    private void NoteMove(byte loop, IPoolHost host)
    {
        var limits = _pool.Limits;
        if (host.NowUs >= _movesUntilUs) (_moves, _movesUntilUs) = (0, host.NowUs + Limits.TickUs);
        if (++_moves <= Limits.MovesPerTick || _counts.Login > 0 || _counts.Servers >= limits.PoolSize) return;
        _moves = 0;
        TryOpenWithinLimits(loop, null, isForWaiter: false, host);
    }

    private void Serve(IPoolHost host)
    {
        while (!IsStopped && _waiting.Oldest is { } client && TakeIdle(client.Loop, host) is { } server)
        {
            _waiting.Remove(client);
            PublishWaiting();
            Move(server, ServerEvent.Grant);
            Grant(client, server, host);
        }
        OpenMore(host);
    }

    /// <param name="limit">For whose claims; null: for this pool's own.</param>
    private void Evict(SharedLimit? limit, IPoolHost host)
    {
        PooledServer? oldest = null;
        foreach (var list in _idle)
        {
            if (list.Oldest is { } candidate && (oldest is null || candidate.LastActivityUs < oldest.LastActivityUs))
                oldest = candidate;
        }
        if (_used.Oldest is { } used && (oldest is null || used.LastActivityUs < oldest.LastActivityUs)) oldest = used;
        if (oldest is null)
        {
            // Its idle one has just been taken: the next pool's, if any.
            if (limit is { HasUnmetClaims: true }) host.Add(new PoolEffect(PoolEffectKind.MakeRoom, _pool, Detail: limit));
            return;
        }
        if (limit is null || limit.TryPromise()) CloseFree(oldest, EvictionReason(limit), host, limit);
    }

    private void Drain(string reason, IPoolHost host)
    {
        foreach (var list in _idle)
        {
            while (list.Oldest is { } server) CloseFree(server, reason, host);
        }
        while (_used.Oldest is { } server) CloseFree(server, reason, host);
        if (IsStopped) WithdrawClaims();
        if (_pool.Database.IsEnding) TickWaiters(_pool.Limits, host.NowUs, host);
    }

    /// <summary>Tells the owner of a free server to close it; the books are closed when it has.</summary>
    /// <param name="promisedTo">The limit whose claims it is closed for.</param>
    private void CloseFree(PooledServer server, string reason, IPoolHost host, SharedLimit? promisedTo = null)
    {
        server.PromisedTo = promisedTo;
        server.List?.Remove(server);
        PublishIdle();
        Move(server, ServerEvent.Close);
        host.Add(new PoolEffect(PoolEffectKind.Close, _pool, null, server, reason, server.Loop));
    }

    private void RemoveFromBooks(PooledServer server, IPoolHost host)
    {
        if (server is { State: ServerState.Login, OnlyClient: { } only })
        {
            _ownDials--;
            only.IsDialed = false;
        }
        server.List?.Remove(server);
        PublishIdle();
        Move(server, ServerEvent.Remove);
        GiveBack(_pool.Database.Servers, server.PromisedTo, host);
        GiveBack(_pool.User.Servers, server.PromisedTo, host);
        if (_pool.Limits.MinPoolSize > 0) LookAgainSoon(host);
    }

    private void GiveBack(SharedLimit limit, SharedLimit? promisedTo, IPoolHost host)
    {
        if (limit.GiveBack(_pool, isLast: _counts.Servers == 0, wasPromised: limit == promisedTo))
            host.Add(new PoolEffect(PoolEffectKind.RoomMade, _pool, Detail: limit));
    }

    /// <summary>The one place where a server in the books changes its state.</summary>
    private void Move(PooledServer server, ServerEvent what)
    {
        var next = ServerLife.Next(server.State, what);
        if (server.State == ServerState.Tested) LeaveTest(server);
        if (server.List == _slowLogins) _slowLogins.Remove(server);
        Count(server.State, -1);
        server.State = next;
        Count(next, 1);
        if (next == ServerState.Tested) _tested.Add(server);
    }

    private void LeaveTest(PooledServer server)
    {
        if (server.List == _tested) _tested.Remove(server);
        if (!server.IsTestSlow) return;
        server.IsTestSlow = false;
        _slowTestCount--;
    }

    private void Count(ServerState state, int change)
    {
        switch (state)
        {
            case ServerState.Login: _counts.Login += change; break;
            case ServerState.Idle: _counts.Idle += change; break;
            case ServerState.Used: _counts.Used += change; break;
            case ServerState.Tested: _counts.Tested += change; break;
            case ServerState.Active: _counts.Active += change; break;
            case ServerState.BeingCanceled: _counts.BeingCanceled += change; break;
            case ServerState.Closing: _counts.Closing += change; break;
        }
    }

    private void PublishWaiting()
    {
        _counts.Waiting = _waiting.Count + _awaitingWelcome.Count + _awaitingOwn.Count;
        var oldest = OldestWaiter;
        Volatile.Write(ref _oldestWaitUs, oldest?.WaitStartUs ?? 0); // Pairs: OldestWaitUs.
        if (oldest is null && _isStarved) WithdrawClaims();
    }

    /// <summary>From whichever queue it stands in.</summary>
    private PoolClient? OldestWaiter => OlderOf(OlderOf(_waiting.Oldest, _awaitingWelcome.Oldest), _awaitingOwn.Oldest);

    private static PoolClient? OlderOf(PoolClient? one, PoolClient? other) =>
        one is null || (other is not null && other.WaitStartUs < one.WaitStartUs) ? other : one;

    private void PublishIdle()
    {
        var oldest = _used.Oldest?.LastActivityUs ?? long.MaxValue;
        foreach (var list in _idle)
        {
            if (list.Oldest is { } server && server.LastActivityUs < oldest) oldest = server.LastActivityUs;
        }
        if (oldest != _oldestIdleUs) Volatile.Write(ref _oldestIdleUs, oldest); // Pairs: OldestIdleUs.
    }
}

/// <summary>The detail of a notification that concerns the log alone: the reserve pool was used for this client.</summary>
public sealed class ReserveNote
{
    public static readonly ReserveNote Instance = new();
}
