using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Io;
using FastPool.Net;
using FastPool.Simulation.Checkers;
using FastPool.Simulation.Clients;
using FastPool.Simulation.Hostile;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Worlds;

/// <summary>
/// The pooler with all that is around it, on one thread and from one seed. Loops take turns in random order, clients and
/// servers step between them, faults come and go, and after each turn the checkers look.
/// </summary>
internal sealed class World
{
    private const int RoundsMost = 30_000;
    private const int CalmRoundsMost = 60_000;

    private readonly Dice _dice;
    private readonly Dice _moves;
    private readonly Dice _uses;
    private readonly MemoryFiles _files = new();
    private readonly List<Checker> _checkers;
    private readonly Faults _faults;
    private readonly SimulatedResolver _resolver;
    private Settings _settings;

    /// <param name="isStateful">Its clients change more of their sessions.</param>
    internal World(ulong seed, List<string>? log = null, int killAt = 0, bool isStateful = false)
    {
        Seed = seed;
        Sends = new SendCount { KillAt = killAt };
        _dice = new Dice(seed);
        _moves = new Dice(seed ^ 0x6d6f766573); // The worlds stay what they are but for that.
        _uses = new Dice(seed ^ 0x75736573);
        Plan = new WorldPlan(_dice, seed, isStateful ? new Dice(~seed) : null);
        Mines = new Mines(_dice);
        Clock = new SimulatedClock();
        Cluster =
            new FakeCluster(_dice, Clock)
            {
                Auth = Plan.ServerAuth,
                Version = Plan.Version,
                Log = log,
                IsSessionPooled = Plan.Mode == PoolMode.Session,
                HasTls = Plan.HasTls,
                MayCancelFor = client => Plan.RollsBackAbandoned && Clients[client].Socket is { IsPoolerClosed: true },
            };
        Network = new MemoryNetwork { Dialed = Cluster, NewCapacity = () => Plan.SocketCapacity };
        _files["users"] = Plan.UserFile;
        _settings = Load(Plan.PoolSize, null);
        Registry = new PoolRegistry(_settings, Plan.LoopCount);
        Log = new SimulatedLog(() => Clock.NowUs, Mines, log);
        _resolver = new SimulatedResolver(_dice, Mines) { IsCalm = !Plan.HasFaults };
        Group = new LoopGroup(new LoopGroupParts(
            Registry,
            new TrackedParameters(["IntervalStyle"]),
            new ScramVerifiers([1, 2, 3]),
            Statements,
            new SeededRandom(_dice),
            Log,
            Clock,
            _resolver,
            NewEngine)
        { DeriveKeys = DeriveKeys, ThreadTimes = static _ => default })
        { Console = new NoConsole() };
        ApplyTls();
        Group.UseAll();
        Group.Listen(
            [new ListeningSocket(1, FastPool.Native.NativeAddress.Ip(System.Net.IPAddress.Loopback, 6432).ToEndAddress(), 6432,
            null)]);
        for (var i = 0; i < Plan.ClientCount; i++) Clients.Add(NewClient(i));
        for (var i = 0; i < Plan.HostileCount; i++) HostileClients.Add(new HostileClient(Network, _dice));
        _faults = new Faults(this, _dice);
        _checkers = Checker.All(this);
    }

    internal ulong Seed { get; }
    internal WorldPlan Plan { get; }
    internal SimulatedClock Clock { get; }
    internal Mines Mines { get; }
    internal SendCount Sends { get; }
    internal SimulatedLog Log { get; }
    internal MemoryNetwork Network { get; }
    internal FakeCluster Cluster { get; }
    internal PoolRegistry Registry { get; }
    internal StatementTable Statements { get; } = new();
    internal LoopGroup Group { get; }
    internal List<MemoryEngine> Engines { get; } = [];
    internal HashSet<Endpoint> Endpoints { get; } = [];
    internal List<FakeClient> Clients { get; } = [];
    internal List<HostileClient> HostileClients { get; } = [];
    internal int Round { get; private set; }

    /// <summary>The largest pool_size that a present server may have been opened under.</summary>
    internal int PoolSize { get; private set; }

    /// <summary>The one thread there is does it at once; the answer comes by letter all the same.</summary>
    private static void DeriveKeys(KeyDerivation derivation, Action answer)
    {
        derivation.Run();
        answer();
    }

    private MemoryEngine NewEngine(int loop, BufferPool buffers)
    {
        var engine =
            new MemoryEngine(Network, _dice, buffers, Plan.SendsTogether) { Seen = Endpoints, Mines = Mines, Sends = Sends };
        Engines.Add(engine);
        return engine;
    }

    private Settings Load(int poolSize, Settings? current)
    {
        _files["world.ini"] = Plan.Settings(poolSize);
        PoolSize = poolSize;
        var result = ConfigurationLoader.Load("world.ini", _files, current, new Dictionary<string, string>());
        var settings = result.Settings
            ?? throw new SimulationException(string.Join('\n', result.Messages.Select(message => message.Text)));
        if (Plan.MineChance == 0) return settings;
        foreach (var database in settings.Databases.Values) database.Hosts = new MinedHosts(database.Hosts, Mines.Step);
        return settings;
    }

    internal void Reload(int poolSize)
    {
        _settings = Load(poolSize, _settings);
        Registry.Apply(_settings);
        ApplyTls();
    }

    private void ApplyTls()
    {
        if (Plan.HasTls && Group.Tls.Apply(_settings) is { } mistake) throw new SimulationException(mistake.Text);
    }

    private FakeClient NewClient(int id)
    {
        string[] startup = _dice.Below(4) switch
        {
            0 => ["application_name", "client" + id],
            1 => ["DateStyle", "German", "application_name", "it's"],
            _ => [],
        };
        if (Plan.State != StateScope.Basic && _dice.OneIn(3)) startup = [.. startup, "search_path", "at, login"];
        var habits = new Habits
        {
            ReadsMost = _dice.OneIn(4) ? _dice.Between(1, 200) : 0,
            Vanishes = Plan.HasFaults && _dice.OneIn(3) ? 30 : 0,
            AsksForTls = _dice.OneIn(Plan.HasTls ? 2 : 4),
            GetsTls = Plan.HasTls,
            MeetsMines = Plan.MineChance > 0,
            Cancels = _dice.OneIn(3) ? 20 : 0,
            ClosesWithTerminate = _dice.OneIn(2),
        };
        var script =
            Script.Make(id, _dice, new ScriptScope(Plan.Mode, Plan.HasNames, MayDiscard: startup.Length == 0,
                State: Plan.State, Version: Plan.Version),
            _dice.Between(1, Plan.ItemsMost));
        return new FakeClient(id, _dice.Of(WorldPlan.Users), _dice.Of(WorldPlan.Databases), startup, script, habits, Network,
            Cluster, _dice);
    }

    // ---- running --------------------------------------------------------------------------------------------------

    /// <summary>Runs to the end of all clients, then to the end of everything.</summary>
    internal void Run()
    {
        Mines.Lay(Plan.MineChance);
        while (Round < RoundsMost && Clients.Exists(client => !client.IsOver))
        {
            Step(isCalm: false);
            if (Plan.HasFaults) _faults.Step();
        }
        _faults.End();
        Mines.Lay(0);
        CalmDown();
        var until = Round + CalmRoundsMost;
        while (Round < until && !IsQuiet) Step(isCalm: true);
        foreach (var checker in _checkers) checker.AtEnd();
    }

    private void CalmDown()
    {
        Cluster.IsCalm = true;
        _resolver.IsCalm = true;
        foreach (var engine in Engines)
        {
            engine.IsCalm = true;
            foreach (var socket in engine.Sockets) socket.Capacity = int.MaxValue;
        }
        Network.NewCapacity = () => int.MaxValue;
    }

    /// <summary>No client is there any more, and nothing is on its way.</summary>
    internal bool IsQuiet => Clients.TrueForAll(client => client.IsOver)
        && HostileClients.TrueForAll(client => client.IsOver)
        && Network.BacklogCount == 0
        && Registry.Clients.Count == 0
        && Registry.PoolList.All(pool => pool.Cancels.Count == 0
            && pool.Counts is { Active: 0, Login: 0, Tested: 0, BeingCanceled: 0, Closing: 0, Waiting: 0, Clients: 0 })
        // The janitor closes those; they close themselves.
        && ServerConnections.All(server => !server.Session.IsDirty && server.Session.Pool.Database.Name != HostileClient.Database)
        && Cluster.Servers.TrueForAll(server => !server.IsOver && server.IsHeldByPooler && server.IsSilent);

    private void Step(bool isCalm)
    {
        Round++;
        Clock.Advance(_dice.OneIn(50) ? _dice.Below(300_000) : _dice.Below(3_000));
        for (var i = 0; i < Group.Count; i++) RunLoop(_dice.Below(Group.Count));
        MoveSomeone();
        ChangeUse();
        foreach (var client in Clients)
        {
            if (isCalm || _dice.Percent(50)) client.Step(isCalm);
        }
        for (var i = 0; i < HostileClients.Count; i++)
        {
            HostileClients[i].Step(Cluster.IsCalm);
            // The next one.
            if (HostileClients[i].IsOver && !Cluster.IsCalm) HostileClients[i] = new HostileClient(Network, _dice);
        }
        Cluster.Step();
        _resolver.Step();
    }

    /// <summary>A loop hands a client over to another, at whatever moment.</summary>
    private void MoveSomeone()
    {
        if (Group.Count == 1 || !_moves.Percent(Plan.MovesPercent)) return;
        var clients = Group.All[_moves.Below(Group.Count)].ClientList;
        var target = (byte)_moves.Below(Group.Count);
        if (clients.Count == 0 || _moves.Of(clients) is not { } client || client.Session.Loop == target) return;
        if (client.TryMoveTo(target)) ClientMoves++;
    }

    /// <summary>Loops come to rest, or into use, at whatever moment.</summary>
    private void ChangeUse()
    {
        if (Group.Count == 1 || !_uses.OneIn(100)) return;
        var inUse = Group.All[0].Shared.LoopsInUse;
        if (inUse.TryChange(inUse.Count, _uses.Between(1, Group.Count))) UseChanges++;
    }

    /// <summary>How often their number has changed.</summary>
    internal int UseChanges { get; private set; }

    /// <summary>How often a client has moved.</summary>
    internal int ClientMoves { get; private set; }

    private void RunLoop(int index)
    {
        foreach (var checker in _checkers) checker.BeforeTurn();
        Group.All[index].RunTurn(0);
        foreach (var checker in _checkers) checker.AfterTurn();
    }

    internal IEnumerable<ServerConnection> ServerConnections =>
        Endpoints.OfType<ServerConnection>().Where(server => !server.IsClosed);

    internal IEnumerable<ClientConnection> ClientConnections =>
        Endpoints.OfType<ClientConnection>().Where(client => client.IsOpen);
}
