using System.Buffers.Binary;
using FastPool.Base;
using FastPool.Control;
using FastPool.Control.Answers;
using FastPool.Control.Operations;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Harness;

using Settings = FastPool.Core.Settings.Settings;

/// <summary>
/// A pooler in memory with a console: loops, pools and sessions without a socket, a clock that is moved by hand.
/// </summary>
internal sealed class ConsoleWorld
{
    public const string Ini =
        "[pgbouncer]\nlisten_port=7510\npool_mode=transaction\n[databases]\np0=host=127.0.0.1 port=7501\np1=host=127.0.0.1 port=7501\n";

    private long _lastId;

    public ConsoleWorld(string ini = Ini, int loops = 1, IDnsView? dns = null)
        : this(Loading.Good(ini), loops, dns)
    {
    }

    public ConsoleWorld(Settings settings, int loops = 1, IDnsView? dns = null)
    {
        Registry = new PoolRegistry(settings, loops);
        var verifiers = new ScramVerifiers([]);
        Loops = [.. Enumerable.Range(0, loops).Select(index => NewLoop((byte)index, verifiers))];
        Posts = new MemoryLoops(Loops);
        Plane = new ControlPlane(Registry, Tracked, Posts, Process, new ControlThread(Clock, Log), Clock, new UtcTime(), dns
            ?? new NoDns(), Statements, verifiers, new ProductView("0.0.1", "memory"), Log);
        Plane.Start();
    }

    public HandClock Clock { get; } = new();
    public MemoryLog Log { get; } = new();
    public NotingProcess Process { get; } = new();
    public TrackedParameters Tracked { get; } = new(["IntervalStyle"]);
    public StatementTable Statements { get; } = new();
    public PoolRegistry Registry { get; }
    public MemoryLoop[] Loops { get; }
    public MemoryLoops Posts { get; }
    public ControlPlane Plane { get; }

    /// <summary>Servers stay in their login until the test lets them in.</summary>
    public bool HoldsLogins { get; set; }

    /// <summary>Connections closed from the control plane or by their pool, in order.</summary>
    public List<string> Closed { get; } = [];

    public static EndAddress V4(int port)
    {
        Span<byte> bytes = [SocketFamily.V4, 0, 0, 0, 127, 0, 0, 1];
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)port);
        return EndAddress.Read(bytes);
    }

    public long NextId() => ++_lastId;

    public ClientSession Connect(int loop = 0, EndAddress? remote = null, bool isOwnUser = false)
    {
        Loops[loop].Context.NowUs = Clock.NowUs;
        Loops[loop].Context.WallUs = Clock.WallUs;
        var client =
            new ClientSession(Loops[loop].Context, NextId(), remote ?? V4(50_000), remote is { IsUnix: true } ? EndAddress.OfUnix
            : V4(7510), unixPort: 7510, peerPid: 4711)
            { IsOwnUser = isOwnUser, Transport = new FakeEnd() };
        Loops[loop].Clients.Add(client);
        return client;
    }

    /// <summary>A client that is in.</summary>
    public ClientSession Client(string database, string user = "alice", int loop = 0, EndAddress? remote = null,
        bool isOwnUser = false)
    {
        var client = Connect(loop, remote, isOwnUser);
        client.DatabaseName = database;
        client.UserName = user;
        client.Database = Registry.FindDatabase(database, out _);
        client.CountDatabase();
        client.CountUser(Registry.GetUser(user));
        client.EnterPool(Registry.GetPool(client.Database!, user), Loops[loop]);
        return client;
    }

    /// <summary>The client gets a server, or waits for one.</summary>
    public void Acquire(ClientSession client)
    {
        client.WaitStartUs = Clock.NowUs;
        client.State = ClientState.Waiting;
        var server = client.Pool!.Acquire(client, Loops[client.Loop]);
        if (server is not null) Loops[client.Loop].Link(client, (ServerSession)server);
        Loops[client.Loop].CarryOut();
    }

    /// <summary>The client's transaction is over.</summary>
    public void Release(ClientSession client)
    {
        var server = client.Server!;
        server.Link.LoseServer();
        server.Pool.Return(server, Loops[client.Loop]);
        Loops[client.Loop].CarryOut();
    }

    public ClientSession Admin(bool isAdmin = true, int loop = 0)
    {
        var client = Client(PoolRegistry.AdminDatabase, isAdmin ? "admin" : "stats", loop);
        client.IsAdmin = isAdmin;
        Plane.Console.Welcome(client);
        return client;
    }

    /// <summary>The pooler's own user, over the Unix socket.</summary>
    public ClientSession OwnUser()
    {
        var client = Client(PoolRegistry.AdminDatabase, PoolRegistry.AdminDatabase, remote: EndAddress.OfUnix, isOwnUser: true);
        client.IsAdmin = true;
        Plane.Console.Welcome(client);
        return client;
    }

    public Reply Query(ClientSession client, string query)
    {
        var reply = new Reply();
        Plane.Console.Execute(client, query, reply);
        Run();
        return reply;
    }

    public Reply Query(string query) => Query(Admin(), query);

    public void Run() => Plane.Thread.RunPending();

    /// <summary>Time goes on, and what is due runs.</summary>
    public void Pass(long us)
    {
        Clock.Pass(us);
        foreach (var loop in Loops) loop.Context.NowUs = Clock.NowUs;
        Run();
    }

    private MemoryLoop NewLoop(byte index, ScramVerifiers verifiers)
    {
        var context =
            new SessionContext(index, Registry, Tracked, verifiers, Statements, new SeededRandom(), Log)
            {
                NowUs = Clock.NowUs,
                WallUs = Clock.WallUs
            };
        return new MemoryLoop(context, this);
    }
}
