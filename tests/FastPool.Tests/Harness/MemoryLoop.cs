using FastPool.Control;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Tests.Harness;

/// <summary>Loops in memory: an action runs as it is posted, and what pools decided is carried out after it.</summary>
internal sealed class MemoryLoops(MemoryLoop[] loops) : ILoops
{
    public int Count => loops.Length;

    public int PostCount { get; private set; }

    public NumberedDescriptors Numbers { get; } = new();

    public IDescriptorSource Descriptors => Numbers;

    public long HeldResultBytes => loops.Sum(static loop => loop.Figures.HeldResultBytes);

    public void Post(int loop, Action<ILoopView> action)
    {
        PostCount++;
        action(loops[loop]);
        loops[loop].CarryOut();
    }
}

/// <summary>
/// A loop without sockets: servers log in when told, and connections that are to be closed are noted and gone.
/// </summary>
internal sealed class MemoryLoop(SessionContext context, ConsoleWorld world) : ILoopView, IPoolHost
{
    private readonly Queue<PoolEffect> _effects = new();

    public SessionContext Context => context;
    public byte Loop => context.Loop;
    int ILoopView.Loop => context.Loop;
    public long NowUs => world.Clock.NowUs;
    public IPoolHost Host => this;
    public LoopFigures Figures { get; } = new();
    public SafetyTable Safety => context.Safety;

    public EndingTable Endings => context.Endings;
    public List<ClientSession> Clients { get; } = [];
    public List<ServerSession> Servers { get; } = [];
    public List<CancelView> Cancels { get; } = [];
    public List<int> PeersUsed { get; } = [];
    public List<ListenerView> Listeners { get; } = [];
    IReadOnlyList<ClientSession> ILoopView.Clients => Clients;
    IReadOnlyList<ServerSession> ILoopView.Servers => Servers;
    IReadOnlyList<CancelView> ILoopView.Cancels => Cancels;
    IReadOnlyCollection<int> ILoopView.PeersUsed => PeersUsed;
    IReadOnlyList<ListenerView> ILoopView.Listeners => Listeners;

    public void Add(in PoolEffect effect) => _effects.Enqueue(effect);

    public PoolOperation Rent() => new();

    public void Return(PoolOperation operation)
    {
    }

    public void SetTimer(Pool pool, long atUs)
    {
        // Nothing here takes time.
    }

    public void OnFailed(Exception failure, PoolClient? client, PooledServer? server) =>
        throw new InvalidOperationException("an operation failed", failure);

    public void CarryOut()
    {
        while (_effects.TryDequeue(out var effect))
        {
            switch (effect.Kind)
            {
                case PoolEffectKind.Dial: world.Loops[effect.Loop].Dial(effect.Pool); break;
                case PoolEffectKind.Grant: Link((ClientSession)effect.Client!, (ServerSession)effect.Server!); break;
                case PoolEffectKind.Close:
                    world.Loops[effect.Loop].Close((ServerSession)effect.Server!, (string)effect.Detail!);
                    break;
            }
        }
    }

    public void Link(ClientSession client, ServerSession server)
    {
        client.State = ClientState.Active;
        client.NoteWait();
        server.Link.Begin(client);
        server.Pool.Arrived(server, this);
    }

    private void Dial(Pool pool)
    {
        var server =
            new ServerSession(context, pool, world.NextId(), unixPort: 5432)
            {
                Remote = ConsoleWorld.V4(5432),
                Local = ConsoleWorld.V4(40_000),
                Transport = new FakeEnd()
            };
        Servers.Add(server);
        if (!world.HoldsLogins) LogIn(server);
    }

    public void LogIn(ServerSession server)
    {
        server.EndLogin();
        server.Pool.LoginDone(server, this);
        CarryOut();
    }

    public void Close(ClientSession client, string reason)
    {
        world.Closed.Add($"C{client.Id} {reason}");
        Clients.Remove(client);
        if (client.Server is { } server)
        {
            server.Link.LoseServer();
            server.Pool.Return(server, this);
        }
        client.Leave(this);
        CarryOut();
    }

    public void Close(ServerSession server, string reason)
    {
        if (!Servers.Remove(server)) return;
        world.Closed.Add($"S{server.Id} {reason}");
        server.Link.LoseServer();
        server.Pool.Remove(server, this);
        CarryOut();
    }

    /// <summary>Something cannot be parked yet.</summary>
    public bool IsBusy { get; set; }

    public List<string> Suspensions { get; } = [];

    public bool TrySuspend(string? closeReason)
    {
        Suspensions.Add(closeReason ?? "park");
        return !IsBusy || closeReason is not null;
    }

    public bool TryEndLogins()
    {
        Suspensions.Add("end logins");
        return !IsBusy;
    }

    public bool TryFreeze(string? closeReason, bool mayFinish)
    {
        Suspensions.Add(mayFinish ? "freeze but for transactions" : "freeze");
        return true;
    }

    public void HandOver(HandedState state) => Suspensions.Add("hand over");

    public void TakeBackKeys() =>
        Suspensions.Add(world.Registry.State.Mode == PoolerMode.Active ? "take back too late" : "take back");

    public void Resume() => Suspensions.Add("resume");

    /// <summary>Clients that no other process can take, and those of them that are in a transaction.</summary>
    public (int All, int Busy) LeftBehind { get; set; }

    /// <summary>A fault of the loop: it cannot tell its clients.</summary>
    public bool IsDrainBroken { get; set; }

    public int CountLeftBehind() => LeftBehind.All;

    public void Retire() => Suspensions.Add("retire");

    public int EndIdle()
    {
        Suspensions.Add("end idle");
        return LeftBehind.Busy;
    }

    /// <summary>The shares of clients that were asked to go; null: all.</summary>
    public List<int?> Drains { get; } = [];

    public int Drain(int? permille)
    {
        if (IsDrainBroken) throw new InvalidOperationException("no answer");
        Drains.Add(permille);
        return permille is null ? 0 : LeftBehind.All;
    }
}
