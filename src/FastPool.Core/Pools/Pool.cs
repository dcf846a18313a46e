using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>
/// Servers and waiting clients of one (database, server-side user), shared by all loops without a lock.
/// <para>
/// Every change of who has which server is an operation, and one thread at a time runs operations: it has the pool's
/// turn. A thread that finds the turn taken leaves its operation with the one that has it and goes on with its own work; no
/// thread ever waits. The decisions of an operation come back as effects, which the loop that ran it carries out after the
/// turn. So limits are exact, waiters are served in order across loops, and <see cref="PoolMover"/> is plain code for one
/// thread.
/// </para>
/// </summary>
public sealed class Pool
{
    private const int InUse = 0;
    private const int Leaving = 1;
    private const int Gone = 2;

    private readonly PoolMover _mover;
    private int _turn;
    private int _turnsEnded;
    private PoolOperation? _left;
    private int _stay = InUse;
    private long _idleSinceUs;
    private PoolLimits _limits;
    private Welcome? _welcome;
    private int _generation;
    private long _nextComplaintUs;

    public Pool(Database database, PoolUser user, PoolLimits limits, int loopCount)
    {
        Database = database;
        User = user;
        _limits = limits;
        Limits = limits;
        IsForced = database.Entry.ForcedUser == user.Name;
        Cancels = new ConnectionBudget(loopCount);
        Stats = new PoolStats[loopCount];
        for (var i = 0; i < loopCount; i++) Stats[i] = new PoolStats();
        Timers = new Due<Pool>?[loopCount];
        _mover = new PoolMover(this, loopCount);
    }

    public Database Database { get; }

    /// <summary>Since when it has had neither client nor server; 0: it is in use, or has just been asked for.</summary>
    public long IdleSinceUs
    {
        get => Volatile.Read(ref _idleSinceUs); // Pairs: the setter, by the control thread and by logins.
        set => Volatile.Write(ref _idleSinceUs, value);
    }

    /// <summary>The server-side user: the forced one, or the client's.</summary>
    public PoolUser User { get; }

    /// <summary>The user is the one forced on all clients. Others have a pool in such a database for auth_query.</summary>
    public bool IsForced { get; }

    /// <summary>The name with which servers log in: a reload may have given a forced user another one.</summary>
    public string ServerUserName => IsForced && Database.Entry.ForcedUser is { } name ? name : User.Name;

    /// <summary>Servers that stay with clients whose state cannot travel.</summary>
    public int PinnedServers => Volatile.Read(ref _pinned); // Pairs: TryPin, Unpin.

    private int _pinned;

    /// <summary>For the connection that listens for the pool's clients.</summary>
    public ListenPlace Listening { get; } = new();

    /// <summary>A server becomes the listening connection. It counts as a pinned one from now on.</summary>
    /// <param name="isPinned">It does so already.</param>
    /// <returns>False: there is another, or a limit would leave no server for others.</returns>
    public bool TryBeginListening(object holder, bool isPinned)
    {
        if (Listening.Holder is not null || Limits.PoolSize == 1 || !Database.Servers.TryAddListening()) return false;
        if (User.Servers.TryAddListening())
        {
            if (isPinned || TryPin())
            {
                if (Listening.TryTake(holder)) return true;
                if (!isPinned) Unpin();
            }
            User.Servers.RemoveListening();
        }
        Database.Servers.RemoveListening();
        return false;
    }

    /// <summary>That of an earlier process, whatever the limits.</summary>
    /// <returns>False: there is another.</returns>
    public bool TakeListening(object holder)
    {
        if (!Listening.TryTake(holder)) return false;
        Database.Servers.AddListening();
        User.Servers.AddListening();
        TakePin();
        return true;
    }

    /// <summary>It listens no more.</summary>
    public void EndListening(object holder)
    {
        if (!Listening.TryGiveBack(holder)) return;
        Database.Servers.RemoveListening();
        User.Servers.RemoveListening();
        Unpin();
    }

    /// <summary>One more server stays with its client.</summary>
    /// <returns>False: there are as many as may be.</returns>
    public bool TryPin()
    {
        if (Interlocked.Increment(ref _pinned) <= Limits.PinnedServersMax) return true;
        Unpin();
        return false;
    }

    /// <summary>One that another process has left, whatever the limit.</summary>
    public void TakePin() => Interlocked.Increment(ref _pinned);

    /// <summary>One of them is free again, or gone.</summary>
    public void Unpin() => Interlocked.Decrement(ref _pinned);

    /// <summary>Replaced whole by a reload; readers take one reference and stay with it.</summary>
    public PoolLimits Limits
    {
        get => Volatile.Read(ref _limits); // Pairs: the setter, by the reload.
        set
        {
            Volatile.Write(ref _limits, value);
            Database.Servers.Limit = value.MaxDbConnections;
            User.Servers.Limit = value.MaxUserConnections;
        }
    }

    public PoolStats[] Stats { get; }

    /// <summary>Its figures at the last two ticks of the statistics; null: there was none yet. Of the control thread.</summary>
    public PoolWindow? Window { get; set; }

    /// <summary>For each loop that has ever set it, the pool's timer there; a loop touches its own alone.</summary>
    public Due<Pool>?[] Timers { get; }

    /// <summary>The parameters that welcome clients of this pool; null until a first server has logged in.</summary>
    public Welcome? Welcome => Volatile.Read(ref _welcome); // Pairs: TryPublishWelcome.

    /// <summary>Raised by RECONNECT and changed settings: servers of an older generation are close_needed.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>
    /// The counts as they were between two turns: no server is on its way from one state to the next. Any thread.
    /// </summary>
    public PoolCounts Counts
    {
        get
        {
            const int TriesMax = 10_000;
            for (var i = 0; i < TriesMax; i++)
            {
                if (Volatile.Read(ref _turn) != 0) continue; // Pairs: the compare-exchanges that take the turn.
                var turnsEnded = Volatile.Read(ref _turnsEnded); // Pairs: EndTurn.
                var counts = _mover.Counts;
                // Pairs: the compare-exchanges that take the turn: a reader that has seen their counts sees the turn taken.
                Interlocked.MemoryBarrier();
                if (Volatile.Read(ref _turn) == 0 && Volatile.Read(ref _turnsEnded) == turnsEnded) return counts;
            }
            return _mover.Counts;
        }
    }

    /// <summary>Connections that carry a cancel request to a server of this pool.</summary>
    public ConnectionBudget Cancels { get; }

    public HostChoice Hosts { get; } = new();

    /// <summary>
    /// Idle servers' oldest activity, for eviction by other pools; <see cref="long.MaxValue"/> when none is idle.
    /// </summary>
    public long OldestIdleUs => _mover.OldestIdleUs;

    /// <summary>Start of the oldest wait; 0 when nobody waits.</summary>
    public long OldestWaitUs => _mover.OldestWaitUs;

    /// <summary>True while clients wait and only a limit over several pools keeps this one from opening a server.</summary>
    public bool IsStarved => _mover.IsStarved;

    /// <summary>Until when no server is opened because a login failed; 0: none failed lately.</summary>
    public long RetryAtUs => _mover.RetryAtUs;

    /// <summary>Of what goes wrong with every server the log tells once a minute.</summary>
    /// <returns>False: it has been told of lately.</returns>
    public bool MayComplain(long nowUs)
    {
        const long PeriodUs = 60_000_000;
        var nextUs = Volatile.Read(ref _nextComplaintUs);
        // Pairs: the same of other loops.
        return nowUs >= nextUs && Interlocked.CompareExchange(ref _nextComplaintUs, nowUs + PeriodUs, nextUs) == nextUs;
    }

    /// <summary>The first server of the pool brings the parameters; later ones change nothing.</summary>
    public void TryPublishWelcome(Welcome welcome) => Interlocked.CompareExchange(ref _welcome, welcome, null); // Pairs: Welcome.

    /// <summary>Marks every present server for replacement and forgets the welcome.</summary>
    public void Invalidate()
    {
        Interlocked.Increment(ref _generation);
        Volatile.Write(ref _welcome, null);
    }

    /// <summary>Asked before anything is done with the pool. One that is about to go stays then.</summary>
    /// <returns>False: it has been taken away for good.</returns>
    internal bool TryUse() =>
        Volatile.Read(ref _stay) == InUse // Pairs: TryTakeAway.
            || Interlocked.CompareExchange(ref _stay, InUse, Leaving) != Gone; // Pairs: TryTakeAway.

    /// <summary>From now on a use is noticed.</summary>
    internal void BeginToLeave() => Interlocked.CompareExchange(ref _stay, Leaving, InUse); // Pairs: TryUse.

    /// <summary>
    /// Each loop has been visited since <see cref="BeginToLeave"/>: a client that had found the pool before is in its counts now.
    /// </summary>
    /// <returns>False: it is in use again, and stays.</returns>
    internal bool TryTakeAway()
    {
        if (!IsUnused)
        {
            Interlocked.CompareExchange(ref _stay, InUse, Leaving); // Pairs: TryUse.
            return false;
        }
        return Interlocked.CompareExchange(ref _stay, Gone, Leaving) == Leaving; // Pairs: TryUse.
    }

    /// <summary>It has no client, no server, and nobody waits.</summary>
    internal bool IsUnused =>
        Counts is { Clients: 0, Waiting: 0, Servers: 0 } && Cancels.Count == 0 && OldestWaitUs == 0;

    /// <summary>A client has logged in.</summary>
    public void Join(PoolClient client, IPoolHost host) => Submit(PoolOperationKind.Join, client, null, null, host);

    /// <summary>The client is logged in but the server's parameters are not known yet.</summary>
    public void AwaitWelcome(PoolClient client, IPoolHost host) =>
        Submit(PoolOperationKind.AwaitWelcome, client, null, null, host);

    /// <summary>A server for the client: at once, or the client is in the queue and a grant or refusal will come.</summary>
    public PooledServer? Acquire(PoolClient client, IPoolHost host)
    {
        if (Interlocked.CompareExchange(ref _turn, 1, 0) != 0) // Pairs: EndTurn.
        {
            Submit(PoolOperationKind.Acquire, client, null, null, host);
            return null;
        }
        try
        {
            RunLeft(host); // Operations that this thread left come before its new ones.
            return _mover.Acquire(client, host, mayReturn: true);
        }
        finally
        {
            EndTurn(host); // A failure here is the caller's, who closes the client concerned; the pool goes on.
        }
    }

    /// <summary>The client is gone, from the queue too.</summary>
    public void Leave(PoolClient client, IPoolHost host) => Submit(PoolOperationKind.Leave, client, null, null, host);

    /// <summary>
    /// The client does not want to wait any more, but stays. The wait has one end: <see cref="PoolEffectKind.Withdrawn"/>, or the
    /// grant or refusal that is on its way already.
    /// </summary>
    public void Withdraw(PoolClient client, IPoolHost host) => Submit(PoolOperationKind.Withdraw, client, null, null, host);

    public void LoginDone(PooledServer server, IPoolHost host) => Submit(PoolOperationKind.LoginDone, null, server, null, host);

    public void LoginFailed(PooledServer server, LoginFailure failure, IPoolHost host) =>
        Submit(PoolOperationKind.LoginFailed, null, server, failure, host);

    /// <summary>The reason why logins have failed may be gone: the next attempt need not wait for server_login_retry.</summary>
    public void LoginMayWork(IPoolHost host) => Submit(PoolOperationKind.LoginMayWork, null, null, null, host);

    /// <summary>
    /// The login gets no answer: as far as the limits go, those that wait get another one beside it. Where a limit forbids that,
    /// its owner is told to try elsewhere (<see cref="PoolEffectKind.TryElsewhere"/>).
    /// </summary>
    public void LoginSlow(PooledServer server, IPoolHost host) => Submit(PoolOperationKind.LoginSlow, null, server, null, host);

    /// <summary>A server that an earlier process has left: linked already, or free.</summary>
    public void Adopt(PooledServer server, bool isLinked, IPoolHost host) =>
        Submit(isLinked ? PoolOperationKind.AdoptLinked : PoolOperationKind.AdoptIdle, null, server, null, host);

    /// <summary>A server is free and clean: to the first waiter, or idle.</summary>
    public void Return(PooledServer server, IPoolHost host) => Submit(PoolOperationKind.Return, null, server, null, host);

    /// <summary>A server has reached the loop of the client it was granted to.</summary>
    public void Arrived(PooledServer server, IPoolHost host) => Submit(PoolOperationKind.Arrived, null, server, null, host);

    /// <summary>A released server runs its reset query.</summary>
    public void BeginTest(PooledServer server, IPoolHost host) => Submit(PoolOperationKind.BeginTest, null, server, null, host);

    /// <summary>An idle server is to ask its host how it is; nothing happens if it is idle no more.</summary>
    public void CheckHost(PooledServer server, IPoolHost host) => Submit(PoolOperationKind.CheckHost, null, server, null, host);

    /// <summary>A released server waits for the cancel requests aimed at it.</summary>
    public void BeginCancelWait(PooledServer server, IPoolHost host) =>
        Submit(PoolOperationKind.BeginCancelWait, null, server, null, host);

    /// <summary>A server is closed, whatever its state was.</summary>
    public void Remove(PooledServer server, IPoolHost host) => Submit(PoolOperationKind.Remove, null, server, null, host);

    /// <summary>Gives up the idle server that was idle longest.</summary>
    public void Evict(IPoolHost host) => Submit(PoolOperationKind.Evict, null, null, null, host);

    /// <summary>
    /// Gives up the idle server that was idle longest, if pools wait for a place under the limit and none is on its way.
    /// </summary>
    public void Evict(SharedLimit limit, IPoolHost host) => Submit(PoolOperationKind.Evict, null, null, limit, host);

    /// <summary>
    /// A place under the limit is free, and this pool is the first that waited for one. A place that it does not use is the next
    /// pool's.
    /// </summary>
    public void TakeRoom(SharedLimit limit, IPoolHost host) => Submit(PoolOperationKind.TakeRoom, null, null, limit, host);

    /// <summary>Something changed that may let waiters go on.</summary>
    public void Serve(IPoolHost host) => Submit(PoolOperationKind.Serve, null, null, null, host);

    /// <summary>Looks through all of it, whatever its timer says: something has changed that the pool has not heard of.</summary>
    public void Tick(IPoolHost host)
    {
        if (TryUse()) Submit(PoolOperationKind.Tick, null, null, null, host);
    }

    /// <summary>The time has come that was given to <see cref="IPoolHost.SetTimer"/>.</summary>
    public void OnTimer(IPoolHost host)
    {
        if (TryUse()) Submit(PoolOperationKind.Timer, null, null, host, host);
    }

    /// <summary>Closes every free server with the reason: PAUSE, a removed database.</summary>
    public void Drain(string reason, IPoolHost host) => Submit(PoolOperationKind.Drain, null, null, reason, host);

    private void Submit(PoolOperationKind kind, PoolClient? client, PooledServer? server, object? detail, IPoolHost host)
    {
        if (Interlocked.CompareExchange(ref _turn, 1, 0) == 0) // Pairs: EndTurn.
        {
            try
            {
                RunLeft(host); // Operations that this thread left come before its new ones.
                _mover.Run(kind, client, server, detail, host);
            }
            finally
            {
                EndTurn(host);
            }
            return;
        }

        var operation = host.Rent();
        operation.Kind = kind;
        operation.Client = client;
        operation.Server = server;
        operation.Detail = detail;
        PoolOperation? top;
        do
        {
            top = Volatile.Read(ref _left);
            operation.Next = top;
        }
        while (Interlocked.CompareExchange(ref _left, operation, top) != top); // Pairs: RunLeft.

        // The holder may have looked before our push and ended its turn after it: then the turn is free and ours to take.
        if (Interlocked.CompareExchange(ref _turn, 1, 0) == 0) EndTurn(host); // Pairs: EndTurn.
    }

    /// <summary>Runs what others left, then frees the turn; looks again after freeing, so that nothing is left behind.</summary>
    private void EndTurn(IPoolHost host)
    {
        do
        {
            try
            {
                RunLeft(host);
            }
            finally
            {
                _turnsEnded++; // Published by the exchange below. Pairs: Counts.
                Interlocked.Exchange(ref _turn, 0); // Pairs: the compare-exchanges that take the turn.
            }
        }
        // Pairs: the push in Submit, seen only now.
        while (Volatile.Read(ref _left) is not null && Interlocked.CompareExchange(ref _turn, 1, 0) == 0);
    }

    private void RunLeft(IPoolHost host)
    {
        if (Volatile.Read(ref _left) is null) return; // Pairs: the push in Submit.
        var operation = Interlocked.Exchange(ref _left, null);
        PoolOperation? oldest = null;
        while (operation is not null)
        {
            var next = operation.Next;
            operation.Next = oldest;
            oldest = operation;
            operation = next;
        }
        while (oldest is not null)
        {
            var next = oldest.Next;
            try
            {
                _mover.Run(oldest.Kind, oldest.Client, oldest.Server, oldest.Detail, host);
            }
            // A mistake of ours hurts only the client or server that the operation was about. The operations behind it are
            // run.
            catch (Exception failure)
            {
                host.OnFailed(failure, oldest.Client, oldest.Server);
            }
            oldest.Client = null;
            oldest.Server = null;
            oldest.Detail = null;
            oldest.Next = null;
            host.Return(oldest);
            oldest = next;
        }
    }
}

/// <summary>Connections of a pool by state, as SHOW POOLS counts them. Read at any moment; written in the pool's turn.</summary>
public struct PoolCounts
{
    public int Clients;
    public int Waiting;
    public int Login;
    public int Idle;
    public int Used;
    public int Tested;
    public int Active;
    public int BeingCanceled;
    public int Closing;

    /// <summary>Every server connection that counts against pool_size.</summary>
    public readonly int Servers => Login + Idle + Used + Tested + Active + BeingCanceled + Closing;

    /// <summary>Those that are through with their login.</summary>
    public readonly int Connected => Servers - Login;
}
