using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using Microsoft.Extensions.Logging;

namespace FastPool.Tests.Harness;

/// <summary>Sessions without sockets: the surroundings that one test needs.</summary>
internal sealed class SessionBench
{
    public SessionBench(string settings = "", string users = "\"ann\" \"right\"", string database = "d = host=127.0.0.1",
        string extra = "IntervalStyle", string own = "")
    {
        var files = new MemoryFiles { ["users"] = users };
        Registry =
            new PoolRegistry(
            Loading.Good(files, $"[pgbouncer]\nauth_file=users\n{settings}\n[fastpool]\n{own}\n[databases]\n{database}\n"), 1);
        Context =
            new SessionContext(0, Registry, new TrackedParameters([extra]), new ScramVerifiers([1, 2, 3]), new StatementTable(),
            new CountingRandom(), Log)
            { NowUs = 1_000_000 };
    }

    public StartupRequest Read(byte[] parameters) => StartupRequest.Read(parameters, Context, NewClient());

    public PoolRegistry Registry { get; }
    public SessionContext Context { get; }
    public FakeHost Host { get; } = new();
    public LineLog Log { get; } = new();

    private int _clientCount;

    public ClientSession NewClient(bool isUnix = false, bool isOwnUser = false, string? peer = null,
        bool mayOnlyUseConsole = false) =>
        new(Context, 1 + 2 * _clientCount++, isUnix ? EndAddress.OfUnix
            : FastPool.Native.NativeAddress.Ip(System.Net.IPAddress.Loopback, 5000).ToEndAddress(), default, 6432,
            0)
        {
            IsOwnUser = isOwnUser,
            PeerUserName = peer,
            Transport = new FakeEnd(),
            MayOnlyUseConsole = mayOnlyUseConsole,
        };

    public Pool PoolOf(string user = "ann") => Registry.GetPool(Registry.FindDatabase("d", out _)!, user);

    public ServerSession NewServer(string user = "ann") => new(Context, PoolOf(user), 2, 5432) { Transport = new FakeEnd() };

    public static FakeEnd EndOf(ServerSession server) => (FakeEnd)server.Transport;

    /// <summary>A client in the pool, linked to a server that is logged in.</summary>
    public (ClientSession Client, ServerSession Server) Linked()
    {
        var client = NewClient();
        client.Database = Registry.FindDatabase("d", out _);
        client.EnterPool(PoolOf(), Host);
        var server = NewServer();
        server.EndLogin();
        Assert.Null(server.Link.Begin(client));
        return (client, server);
    }

    private sealed class CountingRandom : RandomSource
    {
        private byte _next;

        public override void Fill(Span<byte> bytes)
        {
            foreach (ref var b in bytes) b = _next++;
        }
    }
}

/// <summary>The log as lines.</summary>
internal sealed class LineLog : ILogger
{
    public List<string> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
        string> formatter) => Lines.Add(formatter(state, exception));
}
