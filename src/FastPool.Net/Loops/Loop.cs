using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Io;
using FastPool.Native;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Net;

/// <summary>
/// One thread's share of the pooler: an engine, its connections, and what the pools decided that is to be done here. A
/// turn waits, delivers, reads the mailbox, looks at pools whose time has come, and every third of a second, or every second
/// where nothing is under way, lets the janitor round.
/// </summary>
internal sealed partial class Loop : IPoolHost, ITurnObserver
{
    /// <summary>About so much is garbage when a client has left: many that leave at once allocate next to nothing.</summary>
    internal const int ClientBytes = 600;

    private readonly IReadOnlyList<Loop> _all;
    private readonly Clock _clock;
    private readonly Mailbox _mailbox = new();
    private readonly Queue<PoolEffect> _effects = new();
    private readonly ConnectionList<ClientConnection> _clients;
    private readonly ConnectionList<ClientConnection> _logins;
    private readonly ConnectionList<ServerConnection> _servers;
    private readonly DueHeap<Due<Pool>> _timers = new();
    private readonly DueHeap<Due<ServerConnection>> _patience = new();
    private PoolOperation? _spareOperations;
    private long _nextTickUs;
    private bool _isQuiet;
    private int _memoryRest = MemoryRest.Number;
    private Letter? _letters;

    /// <param name="all">All loops of the process, by their indexes; this one will be among them.</param>
    internal Loop(IReadOnlyList<Loop> all, SharedParts shared, ServerDialer dialer, SessionContext context, Engine engine,
        Clock clock)
    {
        _all = all;
        Shared = shared;
        Dialer = dialer;
        PasswordWatch = new PasswordWatch(this);
        _clock = clock;
        Context = context;
        Figures = context.Figures;
        Engine = engine;
        Engine.Descriptors = shared.Descriptors;
        _clients = new((client, index) => client.Index = index);
        _logins = new((client, index) => client.LoginIndex = index);
        _servers = new((server, index) => server.Index = index);
        Refusals = new Refusals<ClientConnection>(EndRefused);
        OnTurnBegun();
        _nextTickUs = NowUs + Limits.TickUs;
    }

    internal SessionContext Context { get; }
    internal Engine Engine { get; }
    internal BufferPool Buffers => Context.Buffers;

    /// <summary>The loop's work since the start.</summary>
    internal readonly LoopFigures Figures;

    /// <summary>The bytes that the present delivery sends.</summary>
    internal Outbox Outbox { get; } = new();
    internal Refusals<ClientConnection> Refusals { get; }
    internal MessageBuffer ToServer { get; } = new();
    internal MessageBuffer ToClient { get; } = new();

    internal PoolRegistry Registry => Context.Registry;
    internal SharedParts Shared { get; }
    internal IConsole Console => Shared.Console;
    internal ServerDialer Dialer { get; }

    internal PasswordWatch PasswordWatch { get; }

    /// <summary>
    /// The work to do three times a second. True: nothing is under way, so once a second is enough until something happens.
    /// Given after the construction.
    /// </summary>
    internal Func<bool> OnTick { get; set; } = static () => false;

    /// <summary>Others give back what they have spare for this loop. Given after the construction.</summary>
    internal Action OnRest { get; set; } = static () => { };

    /// <summary>
    /// Takes a cancel request on its way: the client that brought it, and its key. Given after the construction.
    /// </summary>
    internal Action<ClientConnection, ulong> BeginCancel { get; set; } = static (_, _) => { };

    /// <summary>Has the query of a server canceled whose client has gone. Given after the construction.</summary>
    internal Action<ServerSession> CancelAbandoned { get; set; } = static _ => { };

    /// <summary>As <see cref="CancelAbandoned"/>, of a server that is to be kept. Given after the construction.</summary>
    internal Action<ServerSession> CancelKept { get; set; } = static _ => { };
    internal ConnectionList<ClientConnection> ClientList => _clients;
    internal ConnectionList<ClientConnection> LoginList => _logins;
    internal ConnectionList<ServerConnection> ServerList => _servers;

    internal byte Index => Context.Loop;

    /// <summary>It accepts newcomers, and takes clients of other loops.</summary>
    internal bool IsInUse => Shared.LoopsInUse.Has(Index);

    byte IPoolHost.Loop => Context.Loop;
    public long NowUs => Context.NowUs;

    // ---- turns ----------------------------------------------------------------------------------------------------

    /// <summary>One turn.</summary>
    /// <param name="waitMs">The longest wait; the tick may be due earlier.</param>
    internal void RunTurn(int waitMs = int.MaxValue)
    {
        var untilDueMs = (int)Math.Clamp((NextDueUs - NowUs + 999) / 1000, 0, waitMs);
        if (!_mailbox.TryFallAsleep()) untilDueMs = 0;
        Engine.Turn(untilDueMs, this);
        Figures.WakeUps++;
        _mailbox.WakeUp();
        ReadMail();
        RunTimers();
        if (_isQuiet) EndQuiet();
        if (NowUs >= _nextTickUs)
        {
            _isQuiet = false;
            Engine.SendDeferred(); // A tick may take a while.
            try
            {
                _isQuiet = OnTick();
                Context.HistogramBlocks.Fill();
                if (_memoryRest != MemoryRest.Number) GiveBackSpare();
            }
            catch (Exception e)
            {
                Contain("a tick", e);
            }
            _nextTickUs = NowUs + (_isQuiet ? Limits.QuietTickUs : Limits.TickUs);
            RunEffects();
        }
    }

    private void GiveBackSpare()
    {
        _memoryRest = MemoryRest.Number;
        _effects.TrimExcess();
        _spareOperations = null;
        _timers.GiveBack();
        _patience.GiveBack();
        _clients.GiveBack();
        _logins.GiveBack();
        _servers.GiveBack();
        Engine.GiveBack();
        PasswordWatch.GiveBack();
        Refusals.GiveBack();
        ToServer.GiveBack();
        ToClient.GiveBack();
        Context.GiveBack();
        OnRest();
    }

    /// <summary>Something has happened before the tick.</summary>
    private void EndQuiet()
    {
        if (NowUs >= _nextTickUs) return;
        _isQuiet = false;
        _nextTickUs = Math.Min(_nextTickUs, NowUs + Limits.TickUs);
    }

    /// <summary>The janitor has something to look at. On this loop.</summary>
    internal void TickNow() => _nextTickUs = NowUs;

    /// <summary>Of the janitor, of the first pool whose timer is on this loop, of a silent host, or of a refusal.</summary>
    private long NextDueUs => Math.Min(Math.Min(HasTimers ? NextTimerUs : long.MaxValue, Refusals.NextUs), _nextTickUs);

    private long NextTimerUs => Math.Min(_timers.First?.AtUs ?? long.MaxValue, _patience.First?.AtUs ?? long.MaxValue);

    /// <summary>In a SUSPEND everything stands still.</summary>
    private bool HasTimers => Registry.State.Mode != PoolerMode.Suspended;

    private void RunTimers()
    {
        if (NowUs >= Refusals.NextUs)
        {
            Refusals.Tick(NowUs);
            RunEffects();
        }
        if (!HasTimers) return;
        for (var count = 1; _timers.TakeDue(NowUs) is { } timer; count++)
        {
            try
            {
                SendDeferred(count);
                timer.Subject.OnTimer(this);
            }
            catch (Exception e)
            {
                Contain("a pool's timer", e);
            }
            RunEffects();
        }
        while (_patience.TakeDue(NowUs) is { } patience)
        {
            try
            {
                ServerDialer.OnSilence(this, patience.Subject);
            }
            catch (Exception e)
            {
                Contain("a silent host", e, patience.Subject);
            }
            RunEffects();
        }
    }

    /// <summary>If this login has no answer by then, the pool hears of it.</summary>
    internal void SetPatience(ServerConnection server, long atUs) =>
        _patience.Set(server.Patience ??= new Due<ServerConnection>(server), atUs);

    internal void EndPatience(ServerConnection server)
    {
        if (server.Patience is { IsSet: true } patience) _patience.Remove(patience);
        server.Patience = null;
    }

    public void SetTimer(Pool pool, long atUs)
    {
        var timer = pool.Timers[Index] ??= new Due<Pool>(pool);
        if (!timer.IsSet || atUs < timer.AtUs) _timers.Set(timer, atUs);
    }

    public void OnTurnBegun()
    {
        Context.NowUs = Engine.NowUs = _clock.NowUs;
        Context.WallUs = _clock.WallUs;
    }

    public void OnDelivered() => RunEffects();

    public void OnThrown(string place, Exception thrown, Endpoint? served) => Contain(place, thrown, served);

    /// <summary>Leaves a letter for that loop.</summary>
    internal void PostTo(int loop, Letter letter) => _all[loop].Post(letter);

    /// <summary>Leaves a letter for this loop. Any thread.</summary>
    internal void Post(Letter letter)
    {
        if (_mailbox.Post(letter)) Engine.Wake();
    }

    private void ReadMail()
    {
        _letters ??= _mailbox.TakeAll();
        for (var count = 1; _letters is not null; count++)
        {
            SendDeferred(count);
            var letter = Mailbox.Pop(ref _letters);
            try
            {
                if (letter is ServerSession server) RunErrand(server);
                else ((LoopLetter)letter).Run(this);
            }
            catch (Exception e)
            {
                if (letter is ServerSession server) Contain("a letter", e, Connection(server));
                else ((LoopLetter)letter).Contain(this, e);
            }
            RunEffects();
        }
    }

    /// <summary>Replies that are put off, to leave with others, do not wait for a long row of letters or timers.</summary>
    /// <param name="count">So many of them are begun.</param>
    private void SendDeferred(int count)
    {
        if (count % Limits.DeliveriesPutOffMax == 0) Engine.SendDeferred();
    }

    // ---- what pools decide ----------------------------------------------------------------------------------------

    public void Add(in PoolEffect effect) => _effects.Enqueue(effect);

    public PoolOperation Rent()
    {
        if (_spareOperations is not { } operation) return new PoolOperation();
        _spareOperations = operation.NextSpare;
        operation.NextSpare = null;
        return operation;
    }

    public void Return(PoolOperation operation)
    {
        operation.NextSpare = _spareOperations;
        _spareOperations = operation;
    }

    internal void RunEffects()
    {
        while (_effects.Count > 0) TryRun(_effects.Dequeue());
    }

    private void TryRun(in PoolEffect effect)
    {
        try
        {
            Run(effect);
        }
        catch (Exception e)
        {
            ContainEffect(effect, e);
        }
    }

    private void Run(in PoolEffect effect)
    {
        switch (effect.Kind)
        {
            case PoolEffectKind.Grant: Grant(effect.Client!, (ServerSession)effect.Server!); break;
            case PoolEffectKind.Dial:
                OnLoop(effect.Loop, effect, static (loop, effect) =>
                loop.Dialer.Dial(loop, effect.Pool, effect.Client as ClientSession)); break;
            case PoolEffectKind.TryElsewhere:
                OnLoop(effect.Server!.Loop, effect, static (loop, effect) =>
                ServerDialer.TryElsewhere(loop, Connection(effect.Server!))); break;
            case PoolEffectKind.Welcome:
                OnClient(effect, static (_, effect) =>
                Connection(effect.Client!).OnWelcome()); break;
            case PoolEffectKind.Refuse: OnClient(effect, static (loop, effect) => loop.Refuse(effect)); break;
            case PoolEffectKind.Withdrawn:
                OnClient(effect, static (_, effect) =>
                Connection(effect.Client!).OnWithdrawn()); break;
            case PoolEffectKind.Notify: OnClient(effect, static (loop, effect) => loop.Notify(effect)); break;
            case PoolEffectKind.RunCheck:
                SendOnErrand((ServerSession)effect.Server!, ServerEvent.Check, null,
                (string?)effect.Detail ?? ""); break;
            case PoolEffectKind.Close:
                SendOnErrand((ServerSession)effect.Server!, ServerEvent.Close, null,
                (string)effect.Detail!); break;
            case PoolEffectKind.MakeRoom: ((SharedLimit)effect.Detail!).MakeRoom(effect.Pool, this); break;
            case PoolEffectKind.RoomMade: ((SharedLimit)effect.Detail!).TellFirst(this); break;
        }
    }

    private void OnLoop(byte loop, in PoolEffect effect, Action<Loop, PoolEffect> run)
    {
        if (loop == Index) run(this, effect);
        else _all[loop].Post(new EffectLetter(effect, run, null));
    }

    /// <summary>Where its client is, or comes to be.</summary>
    private void OnClient(in PoolEffect effect, Action<Loop, PoolEffect> run)
    {
        var client = effect.Client!;
        if (client.IsOn(Index)) run(this, effect);
        else _all[client.Loop].Post(new EffectLetter(effect, run, client));
    }

    private static ClientConnection Connection(PoolClient client) => ClientConnection.Of((ClientSession)client);

    private static ServerConnection Connection(PooledServer server) => ServerConnection.Of(server);

    private void Refuse(in PoolEffect effect)
    {
        var refusal = (Refusal)effect.Detail!;
        if (effect.Client is AuthQuery query)
        {
            AuthQueries.OnRefused(this, query, refusal);
            return;
        }
        Connection(effect.Client!).Disconnect(new Ending(Ending.Cut(refusal.Message), refusal.Message, refusal.SqlState,
            refusal.Detail));
    }

    private void Notify(in PoolEffect effect)
    {
        if (effect.Client is not ClientSession client) return;
        if (effect.Detail is ReserveNote) Context.Log.TakingFromReserve(client.LogPrefix);
        else if (client.State == ClientState.Waiting) Connection(client)
            .Send(PoolerErrors.Notice("No server connection available in postgres backend, client being queued"));
    }

    // ---- servers on their way -------------------------------------------------------------------------------------

    /// <summary>Brings server and client together, on the client's loop.</summary>
    private void Grant(PoolClient client, ServerSession server)
    {
        if (client.Loop == Index && server.Loop == Index) Deliver(client, server);
        else if (server.Loop == Index) HandOver(client, server);
        else SendOnErrand(server, ServerEvent.Leave, client, "");
    }

    private void SendOnErrand(ServerSession server, ServerEvent errand, PoolClient? client, string reason)
    {
        server.Errand = errand;
        server.ErrandClient = client;
        server.ErrandReason = reason;
        if (server.Loop == Index) RunErrand(server);
        else _all[server.Loop].Post(server);
    }

    private void RunErrand(ServerSession server)
    {
        var client = server.ErrandClient;
        var errand = server.Errand;
        server.Errand = ServerEvent.None;
        server.ErrandClient = null;
        var connection = Connection(server);
        switch (errand)
        {
            case ServerEvent.Leave: HandOver(client!, server); break;
            case ServerEvent.Arrive: ArriveAndServe(client!, server, connection); break;
            case ServerEvent.Check: connection.RunCheck(server.ErrandReason); break;
            case ServerEvent.Close: connection.Close(server.ErrandReason, mayTerminate: true); break;
        }
    }

    /// <summary>A server of this loop was granted to a client: it goes to that client's loop.</summary>
    private void HandOver(PoolClient client, ServerSession server)
    {
        var connection = Connection(server);
        if (connection.IsClosed) return; // Its removal has put the client back into the queue.
        if (client.Loop == Index)
        {
            server.Pool.Arrived(server, this);
            Deliver(client, server);
            return;
        }
        if (!Engine.SendDeferredTo(connection) || !connection.CanMove)
        {
            connection.Close("idle server got dirty", mayTerminate: true);
            return;
        }
        connection.LeaveFor(client.Loop);
        server.Errand = ServerEvent.Arrive;
        server.ErrandClient = client;
        _all[client.Loop].Post(server);
    }

    private void ArriveAndServe(PoolClient client, ServerSession server, ServerConnection connection)
    {
        var errno = connection.ArriveAt(this);
        if (errno != 0)
        {
            Context.Log.Failure(server.LogPrefix, "epoll_ctl() failed: " + Errno.Text(errno));
            connection.Close("server connection closed", mayTerminate: false); // Its removal puts the client back into the queue.
            return;
        }
        // It died before either loop heard of it. Its removal puts the client back into the queue.
        if (Engine.IsPeerGone(connection))
        {
            connection.Close("server conn crashed?", mayTerminate: false);
            return;
        }
        server.Pool.Arrived(server, this);
        Deliver(client, server);
    }

    private void Deliver(PoolClient client, ServerSession server)
    {
        // It went between the grant and now; its removal has put the client back into the queue.
        if (Connection(server).IsClosed) return;
        if (client is AuthQuery { State: ClientState.Waiting } query) AuthQueries.OnGranted(this, query, server);
        else if (client.State == ClientState.Waiting) Connection(client).OnGranted(Connection(server));
        else Connection(server).Return(); // It left while the server was on its way.
    }

    // ---- books ----------------------------------------------------------------------------------------------------

    internal void Add(ClientConnection client)
    {
        _clients.Add(client);
        _logins.Add(client);
        NoteBound(client);
    }

    /// <summary>It is logged in, and comes from another loop.</summary>
    internal void AddMoved(ClientConnection client)
    {
        _clients.Add(client);
        NoteBound(client);
        Shared.Loads[Index] = LoopLoads.Unknown;
    }

    internal void LoggedIn(ClientConnection client)
    {
        if (client.LoginIndex < 0) return;
        _logins.RemoveAt(client.LoginIndex);
        client.LoginIndex = -1;
        NoteBound(client);
    }

    /// <summary>Counts it, as long as it could not be handed over.</summary>
    internal void NoteBound(ClientConnection client)
    {
        var isBound = client.Index >= 0 && (client.LoginIndex >= 0 || client.Session.StaysOnItsLoop);
        if (client.IsBound == isBound) return;
        client.IsBound = isBound;
        Shared.Bound.Add(Index, isBound ? 1 : -1);
    }

    /// <summary>It has left, and is garbage.</summary>
    internal void Forget(ClientConnection client)
    {
        HandOver(client);
        GivenUp.Add(ClientBytes);
    }

    /// <summary>It is another loop's from now on.</summary>
    internal void HandOver(ClientConnection client)
    {
        LoggedIn(client);
        _clients.RemoveAt(client.Index);
        client.Index = -1;
        NoteBound(client);
    }

    internal void Add(ServerConnection server) => _servers.Add(server);

    internal void Forget(ServerConnection server)
    {
        EndPatience(server);
        _servers.RemoveAt(server.Index);
        server.Index = -1;
    }

    // ---- log ------------------------------------------------------------------------------------------------------

    internal void LogClosing(ClientSession client, Ending ending)
    {
        var settings = Registry.Settings;
        if (string.IsNullOrEmpty(ending.Reason)) return;
        if (ending.Message is not null) NoteEnding(client, ending.Message);
        if (settings.LogDisconnections) Context.Log.Closing(client.LogPrefix, ending.Reason, AgeSeconds(client.ConnectUs));
        if (ending.Message is not null && settings.LogPoolerErrors) Context.Log.PoolerError(client.LogPrefix, ending.Message);
    }

    /// <summary>A name that was only claimed is not noted.</summary>
    private void NoteEnding(ClientSession client, string message)
    {
        var isLogin = client.Login is not null;
        var settings = Registry.Settings;
        var isKnown = isLogin && client.UserName is { } name
            && (settings.Users.ContainsKey(name) || settings.UserList.TryGet(name, out _));
        Context.Endings.Add(message, isKnown ? client.UserName! : "", isLogin);
    }

    internal void LogClosing(ServerSession server, string reason)
    {
        if (Registry.Settings.LogDisconnections) Context.Log.Closing(server.LogPrefix, reason, AgeSeconds(server.DialStartUs));
    }

    internal void LogClosing(string prefix, string reason, long sinceUs) =>
        Context.Log.Closing(prefix, reason, AgeSeconds(sinceUs));

    internal void LogNewServer(string prefix, EndAddress local)
    {
        if (local.IsUnix) Context.Log.NewUnixServerConnection(prefix);
        else Context.Log.NewServerConnection(prefix, ConnectionName.Host(local, 0, 0));
    }

    private long AgeSeconds(long sinceUs) => (NowUs - sinceUs) / 1_000_000;

    // ---- for the control plane ------------------------------------------------------------------------------------

    /// <summary>Disconnects the client with the reason as FATAL.</summary>
    internal void Close(ClientSession client, string reason)
    {
        if (client.IsOn(Index)) Connection(client).Disconnect(Ending.Told(reason));
        // The client that brought a cancel request may be of another loop than its target.
        else PostTo(client.Loop, new ClientLetter(client, _ => Connection(client).Disconnect(Ending.Told(reason))));
    }
}
