using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Tests.Harness;

internal sealed class FakeClient(byte loop = 0, long connectUs = 0, bool needsOwnServer = false) : PoolClient(loop, connectUs)
{
    public override bool NeedsOwnServer => needsOwnServer;
}

internal sealed class FakeServer : PooledServer
{
    public FakeServer(Pool pool, byte loop, long dialStartUs, PoolClient? only = null)
        : base(pool, loop, dialStartUs) => OnlyClient = only;
}

/// <summary>One loop as a pool sees it: it notes what was decided and lets the test carry it out.</summary>
internal sealed class FakeHost(byte loop = 0) : IPoolHost
{
    private readonly Queue<PoolEffect> _effects = new();

    public byte Loop { get; } = loop;

    public long NowUs { get; set; } = 1_000_000;

    /// <summary>Called once, with the next decision, in the pool's turn.</summary>
    public Action? OnNextAdd { get; set; }

    public void Add(in PoolEffect effect)
    {
        var action = OnNextAdd;
        OnNextAdd = null;
        action?.Invoke();
        _effects.Enqueue(effect);
    }

    public PoolOperation Rent() => new();

    public void Return(PoolOperation operation)
    {
    }

    /// <summary>When the pool is to be looked at; <see cref="long.MaxValue"/>: never.</summary>
    public long TimerUs { get; private set; } = long.MaxValue;

    public long TakeTimer()
    {
        var atUs = TimerUs;
        TimerUs = long.MaxValue;
        return atUs;
    }

    public void SetTimer(Pool pool, long atUs) => TimerUs = Math.Min(TimerUs, atUs);

    /// <summary>The failures in a turn of this host that were another's.</summary>
    public List<(Exception Failure, PoolClient? Client, PooledServer? Server)> Failures { get; } = [];

    public void OnFailed(Exception failure, PoolClient? client, PooledServer? server) => Failures.Add((failure, client, server));

    public bool TryTake(out PoolEffect effect) => _effects.TryDequeue(out effect);

    public List<PoolEffect> TakeAll()
    {
        var all = new List<PoolEffect>(_effects);
        _effects.Clear();
        return all;
    }

    public void PassSeconds(double seconds) => NowUs += (long)(seconds * 1_000_000);
}

/// <summary>One pool with one or more loops, driven by hand.</summary>
internal sealed class PoolBench
{
    public PoolBench(string settings = "", string database = "", int loops = 1)
    {
        Registry = new PoolRegistry(SettingsOf(settings, database), loops);
        Pool = Registry.GetPool(Registry.FindDatabase("d", out _)!, "ann");
        Hosts = [.. Enumerable.Range(0, loops).Select(loop => new FakeHost((byte)loop))];
    }

    public PoolRegistry Registry { get; }
    public Pool Pool { get; }
    public FakeHost[] Hosts { get; }
    public FakeHost Host => Hosts[0];

    private static FastPool.Core.Settings.Settings SettingsOf(string settings, string database) =>
        Loading.Good(
        $"[pgbouncer]\nserver_lifetime=3600\n{settings}\n[databases]\nd = host=127.0.0.1 {database}\ne = host=127.0.0.1 {database}\n");

    public void Reload(string settings, string database = "") => Registry.Apply(SettingsOf(settings, database));

    public FakeClient Join(byte loop = 0, bool needsOwnServer = false)
    {
        var client = new FakeClient(loop, Host.NowUs, needsOwnServer);
        Pool.Join(client, Hosts[loop]);
        return client;
    }

    /// <summary>Asks for a server; the wait begins now if there is none.</summary>
    public PooledServer? Acquire(FakeClient client)
    {
        client.WaitStartUs = Host.NowUs;
        return Pool.Acquire(client, Hosts[client.Loop]);
    }

    public FakeClient JoinAndWait(byte loop = 0)
    {
        var client = Join(loop);
        Assert.Null(Acquire(client));
        return client;
    }

    /// <summary>Carries out the next Dial: the connection begins.</summary>
    public FakeServer Dial(FakeHost? host = null)
    {
        host ??= Host;
        while (host.TryTake(out var effect))
        {
            if (effect.Kind == PoolEffectKind.Dial)
                return new FakeServer(effect.Pool, effect.Loop, host.NowUs, effect.Client) { LastActivityUs = host.NowUs };
        }
        throw new InvalidOperationException("nothing was dialed");
    }

    /// <summary>A server that is logged in and, if nobody waited for it, idle.</summary>
    public FakeServer Serve(FakeServer server)
    {
        server.LastActivityUs = Host.NowUs;
        Pool.LoginDone(server, Host);
        return server;
    }

    /// <summary>Opens a server by way of a client, which leaves it behind idle.</summary>
    public FakeServer[] OpenIdle(int count)
    {
        var clients = Enumerable.Range(0, count).Select(_ => JoinAndWait()).ToArray();
        var dialed = Host.TakeAll().Where(effect => effect.Kind == PoolEffectKind.Dial).ToArray();
        Assert.Equal(count, dialed.Length);
        var servers = new List<FakeServer>();
        foreach (var effect in dialed) servers.Add(Serve(new FakeServer(Pool, effect.Loop, Host.NowUs)));
        foreach (var server in servers) Pool.Return(server, Host);
        foreach (var client in clients) Pool.Leave(client, Host);
        Host.TakeAll();
        Assert.Equal(count, Pool.Counts.Idle);
        return [.. servers];
    }

    public List<PoolEffect> Tick(double afterSeconds)
    {
        Host.PassSeconds(afterSeconds);
        Pool.Tick(Host);
        return Host.TakeAll();
    }
}
