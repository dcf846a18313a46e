using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Net;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Worlds;

/// <summary>
/// The whole way of a transaction in memory: a loop, or some, with their real connections, sessions and pool, clients and a
/// server that are bytes made beforehand. The allocation test and the benchmarks run on it.
/// </summary>
internal sealed class TransactionPath : IDialed
{
    private readonly MemoryNetwork _network = new();
    private readonly SimulatedClock _clock = new();
    private readonly LoopGroup _group;
    private readonly PoolRegistry _registry;
    private readonly bool _hasTls;
    private MemorySocket? _server;

    /// <param name="clientsMax">Most clients.</param>
    /// <param name="loops">How many; without a word of another, everything happens on the first.</param>
    /// <param name="settings">Lines of [pgbouncer], stronger than the usual ones.</param>
    /// <param name="databases">Lines of [databases], and of other sections behind them.</param>
    /// <param name="hasTls">Clients come with TLS.</param>
    /// <param name="usesAll">All loops are in use from the start, for as long as the load is not measured.</param>
    internal TransactionPath(int clientsMax = 100, int loops = 1, string settings = "", string databases = "d = host=127.0.0.1",
        bool hasTls = false, bool usesAll = true)
    {
        _hasTls = hasTls;
        if (hasTls)
        {
            settings +=
                $"\nclient_tls_sslmode=require\nclient_tls_cert_file={PeerTls.CertificateFile}\nclient_tls_key_file={PeerTls.KeyFile}";
        }
        var files =
            new MemoryFiles
            {
                ["w.ini"] =
            $"[databases]\n{databases}\n[pgbouncer]\nauth_type=trust\npool_mode=transaction\nauth_file=u\ndefault_pool_size=1\nserver_tls_sslmode=disable\nmax_client_conn=" + $"{clientsMax}\n{settings}\n"
            };
        files["u"] = "\"ann\" \"x\"\n\"bob\" \"x\"\n\"eve\" \"x\"\n";
        var loaded = ConfigurationLoader.Load("w.ini", files, null, new Dictionary<string, string>()).Settings!;
        _registry = new PoolRegistry(loaded, loops);
        var dice = new Dice(1);
        _network.Dialed = this;
        _group = new LoopGroup(new LoopGroupParts(
            _registry,
            new TrackedParameters(["IntervalStyle"]),
            new ScramVerifiers([1]),
            Statements,
            new SeededRandom(dice),
            new SimulatedLog(() => _clock.NowUs, new Mines(dice), null),
            _clock,
            new SimulatedResolver(dice, new Mines(dice)),
            (_, buffers) =>
            {
                Engines.Add(new MemoryEngine(_network, dice, buffers, sendsTogether: true) { IsCalm = true, Poisons = false });
                return Engines[^1];
            })
        { ThreadTimes = loop => (CpuUs(loop), 0) })
        { Console = new NoConsole() };
        if (hasTls) Check.That(_group.Tls.Apply(loaded) is null);
        if (usesAll) _group.UseAll();
        _group.Listen([new ListeningSocket(1, NativeAddress.Ip(System.Net.IPAddress.Loopback, 6432).ToEndAddress(), 6432, null)]);
    }

    int IDialed.OnDialed(MemorySocket socket)
    {
        _server = socket;
        Dialed.Add(socket);
        socket.ConnectResult = ConnectResult(socket);
        return 0;
    }

    internal static byte[] SimpleQuery()
    {
        var query = new ByteQueue();
        query.Add(Wire.Query("select 1"));
        return query.ToArray();
    }

    internal static byte[] SimpleReply() => Reply('T', 'D', 'C', 'Z');

    internal static byte[] ExtendedQuery()
    {
        var query = new ByteQueue();
        query.Add(Wire.Parse("", "select 1"));
        query.Add(Wire.Bind("", "", "x"));
        query.Add(Wire.Describe('P', ""));
        query.Add(Wire.Execute("", 0));
        query.Add(Wire.Typed('S'));
        return query.ToArray();
    }

    internal static byte[] ExtendedReply() => Reply('1', '2', 'T', 'D', 'C', 'Z');

    /// <summary>Prepares the statement that <see cref="PreparedQuery"/> uses.</summary>
    internal static byte[] Preparation()
    {
        var query = new ByteQueue();
        query.Add(Wire.Parse("s", "select 1"));
        query.Add(Wire.Typed('S'));
        return query.ToArray();
    }

    internal static byte[] PreparedQuery()
    {
        var query = new ByteQueue();
        query.Add(Wire.Bind("", "s", "x"));
        query.Add(Wire.Execute("", 0));
        query.Add(Wire.Typed('S'));
        return query.ToArray();
    }

    internal static byte[] PreparedReply() => Reply('2', 'D', 'C', 'Z');

    /// <summary>By how much a message about the one named statement is longer on the server's side.</summary>
    internal const int Renaming = 10; // PGBOUNCER_1 in place of s.

    /// <summary>All clients ask at once; the one server answers each.</summary>
    /// <param name="longer">Bytes by which the server's query is longer than the client's.</param>
    internal void Transact(MemorySocket[] clients, byte[] query, byte[] reply, int longer = 0)
    {
        var length = query.Length + longer;
        foreach (var client in clients) client.PeerWrite(query);
        var answered = 0;
        for (var turns = 0; answered < clients.Length; turns++)
        {
            Check.That(turns < 100);
            Turn();
            if (_server!.PeerInput.Length >= length)
            {
                _server.PeerTake(length);
                _server.PeerWrite(reply);
            }
            foreach (var client in clients)
            {
                if (client.PeerInput.Length < reply.Length) continue;
                client.PeerTake(reply.Length);
                answered++;
            }
        }
    }

    /// <summary>The one loop, as the control plane sees it.</summary>
    internal Core.Sessions.ILoopView View => _group.ViewOf(0);

    internal Core.Sessions.ILoopView ViewOf(int loop) => _group.ViewOf(loop);

    /// <summary>The server that was dialed last.</summary>
    internal MemorySocket? Server => _server;

    /// <summary>The outcome of each connect: 0 or an errno.</summary>
    internal Func<MemorySocket, int> ConnectResult { get; init; } = static _ => 0;

    /// <summary>Clients that no loop has accepted.</summary>
    internal int Backlog => _network.BacklogCount;

    /// <summary>The role that each server reports; null: none does.</summary>
    internal Func<MemorySocket, bool>? IsStandby { get; init; }

    /// <summary>Everything that the pooler has connected to, in order.</summary>
    internal List<MemorySocket> Dialed { get; } = [];

    internal List<MemoryEngine> Engines { get; } = [];

    internal PoolRegistry Registry => _registry;

    internal StatementTable Statements { get; } = new();

    internal LoopGroup Group => _group;

    /// <summary>The processor time of a loop's thread, microseconds.</summary>
    internal Func<int, long> CpuUs { get; set; } = static _ => 0;

    internal long ResultBytesTaken => _group.HeldResultBytes;

    /// <summary>As the command of that name.</summary>
    internal void Set(string key, string value) => _registry.Apply(_registry.Settings.TrySet(key, value, out _)!);

    /// <summary>The server that speaks is this one again: the last connection was for a cancel request.</summary>
    internal void Serve(MemorySocket server) => _server = server;

    internal long NowUs => _clock.NowUs;

    /// <summary>A client that has said who it is.</summary>
    internal MemorySocket Connect(params string[] parameters)
    {
        var client = _network.ConnectClient();
        if (parameters.Length > 0) client.PeerWrite(Wire.Untyped(Wire.Version3, [.. Wire.Strings(parameters), 0]));
        return client;
    }

    /// <summary>A requester that wants the running query of the only client canceled.</summary>
    internal MemorySocket ConnectCancel(byte[] key)
    {
        var requester = _network.ConnectClient();
        requester.PeerWrite(Wire.Untyped(Wire.CancelRequest, key));
        return requester;
    }

    /// <summary>Time goes by, in steps of a millisecond, with a turn of each loop in each.</summary>
    /// <param name="until">Ends it earlier.</param>
    internal void Elapse(double seconds, Func<bool>? until = null)
    {
        const int StepUs = 1_000;
        for (var endUs = _clock.NowUs + (long)(seconds * 1_000_000); _clock.NowUs < endUs;)
        {
            if (until?.Invoke() == true) return;
            _clock.Advance(StepUs);
            for (var i = 0; i < Engines.Count; i++) _group.All[i].RunTurn(0);
        }
    }

    /// <summary>A loop sleeps for as long as it may, again and again.</summary>
    /// <returns>How often it has woken up in that time.</returns>
    internal int WakeUpsWithin(double seconds, int loop = 0)
    {
        var count = 0;
        Engines[loop].Sleep = ms => _clock.Advance(ms * 1000L);
        for (var endUs = _clock.NowUs + (long)(seconds * 1_000_000); _clock.NowUs < endUs; count++) _group.All[loop].RunTurn();
        Engines[loop].Sleep = null;
        return count;
    }

    /// <summary>As the command of that name.</summary>
    internal void Reconnect()
    {
        foreach (var pool in _registry.PoolList) pool.Invalidate();
        _registry.Stir();
    }

    /// <summary>One turn of one loop.</summary>
    internal void Turn(int loop = 0)
    {
        _clock.Advance(1);
        _group.All[loop].RunTurn(0);
    }

    /// <summary>A client that is logged in.</summary>
    /// <param name="inServerLogin">Runs while the first server that it needs is logging in.</param>
    /// <param name="loop">The loop that takes it.</param>
    internal MemorySocket LogIn(Action<PoolRegistry>? inServerLogin = null, int loop = 0)
    {
        var client = _network.ConnectClient();
        if (_hasTls) BeginTls(client, loop);
        client.PeerWrite(Wire.Untyped(Wire.Version3, [.. Wire.Strings("user", "ann", "database", "d"), 0]));
        for (var i = 0; i < 10 && _server is null; i++) Turn(loop);
        for (var i = 0; i < 10 && client.PeerInput.IsEmpty; i++)
        {
            Turn(loop);
            if (_server is not null && TryWelcomePooler(inServerLogin)) inServerLogin = null;
        }
        Check.That(client.PeerInput[0] == 'R');
        client.PeerTake(client.PeerInput.Length);
        return client;
    }

    private void BeginTls(MemorySocket client, int loop)
    {
        client.PeerWrite(Wire.Untyped(80877103));
        for (var i = 0; i < 10 && client.PeerInput.IsEmpty; i++) Turn(loop);
        Check.That(client.PeerInput[0] == 'S');
        client.PeerTake(1);
        client.BeginPeerTls(PeerTls.ClientContext);
        for (var i = 0; i < 10; i++) // Each look at what has come is the next step of the peer's handshake.
        {
            Turn(loop);
            _ = client.PeerInput;
        }
    }

    /// <summary>The server lets the pooler in.</summary>
    /// <param name="before">Runs before that.</param>
    /// <returns>False: nobody is logging in.</returns>
    internal bool TryWelcomePooler(Action<PoolRegistry>? before = null)
    {
        if (_server!.PeerInput.Length < 20 || _server.PeerInput[0] != 0) return false;
        _server.PeerTake(_server.PeerInput.Length);
        before?.Invoke(_registry);
        var welcome = new ByteQueue();
        welcome.Add(Wire.Typed('R', Wire.Int32(0)));
        foreach (var (name, value) in Backend.Tracked) welcome.Add(Wire.Typed('S', Wire.RawStrings(name, value)));
        if (IsStandby is not null)
        {
            welcome.Add(Wire.Typed('S', Wire.RawStrings("in_hot_standby", IsStandby(_server) ? "on" : "off")));
            welcome.Add(Wire.Typed('S', Wire.RawStrings("default_transaction_read_only", "off")));
        }
        welcome.Add(Wire.Typed('K', [0, 0, 0, 1, 0, 0, 0, 2]));
        welcome.Add(Reply('Z'));
        _server.PeerWrite(welcome.Span);
        return true;
    }

    /// <summary>The replies of these types, one behind the other.</summary>
    internal static byte[] Reply(params char[] types)
    {
        var reply = new ByteQueue();
        foreach (var type in types)
        {
            switch (type)
            {
                case 'Z': reply.Add(Wire.Typed('Z', [(byte)'I'])); break;
                case 'C': reply.Add(Wire.Typed('C', Wire.RawStrings("SELECT 1"))); break;
                case 'D': reply.Add(Wire.Typed('D', [.. Wire.Int16(1), .. Wire.Int32(1), (byte)'1'])); break;
                case 'T': reply.Add(Wire.Typed('T', Wire.Int16(0))); break;
                default: reply.Add(Wire.Typed(type)); break;
            }
        }
        return reply.ToArray();
    }
}
