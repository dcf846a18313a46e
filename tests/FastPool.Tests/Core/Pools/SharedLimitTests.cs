using System.Collections.Concurrent;
using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

/// <summary>Pools that share max_db_connections and max_user_connections: who gives a place up, and who gets it.</summary>
public sealed class SharedLimitTests
{
    private readonly FakeHost _host = new();
    private readonly List<PoolServer> _closed = [];
    private readonly List<(PoolClient Client, PooledServer Server)> _granted = [];
    private PoolRegistry _registry = null!;
    private bool _areClosesSlow;

    /// <summary>Nothing but decisions: who is dialed is logged in at once, who is to close is gone at once.</summary>
    private sealed class PoolServer : PooledServer
    {
        public PoolServer(Pool pool, long nowUs, PoolClient? only = null)
            : base(pool, 0, nowUs) => OnlyClient = only;
    }

    private void Make(string databases, string users = "", int loops = 1) =>
        _registry =
            new PoolRegistry(
            Loading.Good(
            $"[pgbouncer]\nserver_lifetime=3600\nserver_idle_timeout=0\nserver_check_query=\n[databases]\n{databases}\n[users]\n{users}\n"), loops);

    private Pool PoolOf(string database, string user) => _registry.GetPool(_registry.FindDatabase(database, out _)!, user);

    private FakeClient Ask(Pool pool, byte loop = 0, bool needsOwnServer = false)
    {
        _host.NowUs += 10;
        var client = new FakeClient(loop, needsOwnServer: needsOwnServer) { WaitStartUs = _host.NowUs };
        pool.Join(client, _host);
        if (pool.Acquire(client, _host) is { } server) _granted.Add((client, server));
        CarryOut();
        return client;
    }

    private void CarryOut()
    {
        while (_host.TryTake(out var effect))
        {
            switch (effect.Kind)
            {
                case PoolEffectKind.Dial:
                    effect.Pool.LoginDone(
                    new PoolServer(effect.Pool, _host.NowUs, effect.Client) { LastActivityUs = _host.NowUs }, _host); break;
                case PoolEffectKind.Grant: _granted.Add((effect.Client!, effect.Server!)); break;
                case PoolEffectKind.Close:
                    _closed.Add((PoolServer)effect.Server!);
                    if (!_areClosesSlow) effect.Pool.Remove(effect.Server!, _host);
                    break;
                case PoolEffectKind.MakeRoom: ((SharedLimit)effect.Detail!).MakeRoom(effect.Pool, _host); break;
                case PoolEffectKind.RoomMade: ((SharedLimit)effect.Detail!).TellFirst(_host); break;
            }
        }
    }

    private PooledServer ServerOf(PoolClient client) => _granted.Single(grant => grant.Client == client).Server;

    private void LetGo(PoolClient client)
    {
        _host.NowUs += 10;
        var server = ServerOf(client);
        _granted.RemoveAll(grant => grant.Client == client);
        server.LastActivityUs = _host.NowUs;
        server.Pool.Return(server, _host);
        CarryOut();
    }

    private void Close(PoolClient client)
    {
        var server = ServerOf(client);
        server.Pool.Remove(server, _host);
        CarryOut();
    }

    [Fact]
    public void Only_a_pool_that_holds_a_place_under_the_limit_that_was_hit_is_robbed()
    {
        Make("d = host=h max_db_connections=2\ne = host=h", "ann = max_user_connections=5");
        Pool[] free = [PoolOf("e", "ann"), PoolOf("e", "bob")];
        Pool[] bound = [PoolOf("d", "ann"), PoolOf("d", "bob"), PoolOf("d", "eve")];
        foreach (var pool in free.Concat(bound[..2])) LetGo(Ask(pool));
        foreach (var pool in bound)
        {
            for (var i = 0; i < 5; i++) LetGo(Ask(pool));
        }
        Assert.NotEmpty(_closed);
        Assert.All(_closed, server => Assert.Equal("d", server.Pool.Database.Name));
        Assert.All(free, static pool => Assert.Equal(1, pool.Counts.Idle));
    }

    [Fact]
    public void The_server_that_has_been_idle_longest_goes_and_no_more_than_are_wanted()
    {
        Make("d = host=h max_db_connections=4");
        Pool[] pools = [PoolOf("d", "a"), PoolOf("d", "b"), PoolOf("d", "c"), PoolOf("d", "e")];
        FakeClient[] first = [.. pools.Select(pool => Ask(pool))];
        foreach (var client in first.Reverse()) LetGo(client); // The last pool's is idle longest.
        var newcomer = PoolOf("d", "new");
        var waiters = new[] { Ask(newcomer), Ask(newcomer) };
        Assert.Equal([pools[3], pools[2]], _closed.Select(static server => server.Pool));
        Assert.Equal(2, newcomer.Counts.Active);
        LetGo(waiters[0]);
        LetGo(waiters[1]);
        for (var i = 0; i < 20; i++) LetGo(Ask(newcomer));
        Assert.Equal(2, _closed.Count);
    }

    [Fact]
    public void Free_room_is_the_next_ones_when_another_limit_stops_the_first()
    {
        Make("d = host=h max_db_connections=2\ne = host=h", "ann = max_user_connections=1");
        var holder = Ask(PoolOf("e", "ann")); // ann has all she may have.
        var busy = Ask(PoolOf("d", "bob"));
        var other = Ask(PoolOf("d", "bob"));
        var stopped = Ask(PoolOf("d", "ann")); // By the database first, and by her own limit behind that.
        var next = Ask(PoolOf("d", "eve"));
        Close(busy);
        Assert.Contains(_granted, grant => grant.Client == next);
        Close(holder);
        Assert.DoesNotContain(_granted, grant => grant.Client == stopped); // The database is full again.
        Close(other);
        Assert.Contains(_granted, grant => grant.Client == stopped);
    }

    [Fact]
    public void Places_go_to_pools_in_the_order_of_their_oldest_waiters()
    {
        Make("d = host=h max_db_connections=1");
        var holder = Ask(PoolOf("d", "ann"));
        var waiters = new List<FakeClient>();
        foreach (var user in new[] { "c", "a", "d", "b" })
        {
            _host.NowUs += Limits.ClaimStepUs + 1;
            waiters.Add(Ask(PoolOf("d", user)));
        }
        foreach (var waiter in waiters)
        {
            Close(holder);
            Assert.Contains(_granted, grant => grant.Client == waiter);
            holder = waiter;
        }
    }

    [Fact]
    public void A_pool_whose_waiter_has_left_does_not_hold_others_up()
    {
        Make("d = host=h max_db_connections=1");
        var holder = Ask(PoolOf("d", "ann"));
        var leaver = Ask(PoolOf("d", "bob"));
        var waiter = Ask(PoolOf("d", "eve"));
        PoolOf("d", "bob").Leave(leaver, _host);
        LetGo(holder);
        Assert.Contains(_granted, grant => grant.Client == waiter);
    }

    [Fact]
    public void A_pool_whose_idle_server_has_just_been_taken_passes_the_request_on()
    {
        Make("d = host=h max_db_connections=2");
        var (asked, next) = (PoolOf("d", "bob"), PoolOf("d", "eve"));
        LetGo(Ask(next));
        var taker = Ask(asked); // Had been idle a moment ago.
        var newcomer = PoolOf("d", "ann");
        var waiter = new FakeClient { WaitStartUs = ++_host.NowUs };
        newcomer.Join(waiter, _host);
        Assert.Null(newcomer.Acquire(waiter, _host));
        Assert.Single(_host.TakeAll(), static effect => effect.Kind == PoolEffectKind.MakeRoom);
        asked.Evict(asked.Database.Servers, _host); // It came to this one while the other's server was younger.
        CarryOut();
        Assert.Equal(next, Assert.Single(_closed).Pool);
        Assert.Contains(_granted, grant => grant.Client == waiter);
        Assert.Contains(_granted, grant => grant.Client == taker);
    }

    [Fact]
    public void A_server_opened_for_nobody_costs_the_pools_waiters_no_place_in_the_limits_queue()
    {
        Make("d = host=h max_db_connections=5\ne = host=h", "ann = max_user_connections=4", loops: 2);
        var pool = PoolOf("d", "ann");
        var elsewhere = Ask(PoolOf("e", "ann"));
        FakeClient[] holders = [Ask(pool), Ask(pool), Ask(pool)]; // ann has all she may have.
        var waiter = Ask(pool, needsOwnServer: true);
        _areClosesSlow = true;
        foreach (var holder in holders) LetGo(holder);
        Assert.True(pool.Counts.Idle > 0);
        for (var i = 0; i < Limits.MovesPerTick; i++) LetGo(Ask(pool, loop: 1));
        FakeClient[] others = [Ask(PoolOf("d", "bob")), Ask(PoolOf("d", "bob"))]; // Now the database is full, too.
        Ask(pool, loop: 1); // From here the second loop would be better off with one of its own.
        _areClosesSlow = false;
        Close(elsewhere);
        Assert.DoesNotContain(_granted, grant => grant.Client == waiter);
        Close(others[0]);
        Assert.Contains(_granted, grant => grant.Client == waiter);
    }

    [Fact]
    public void A_paused_pool_passes_on_what_it_is_told_of()
    {
        Make("d = host=h\ne = host=h", "ann = max_user_connections=1");
        var holder = Ask(PoolOf("d", "ann"));
        Ask(PoolOf("e", "ann"));
        _registry.FindDatabase("e", out _)!.IsPaused = true;
        var waiter = Ask(PoolOf("d", "ann"));
        Close(holder);
        Assert.Contains(_granted, grant => grant.Client == waiter);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void No_place_stays_free_while_somebody_waits_for_it(int seed)
    {
        Make("d = host=h max_db_connections=3\ne = host=h max_db_connections=2\nf = host=h",
            "ann = max_user_connections=2\nbob = max_user_connections=3");
        Pool[] pools =
            [.. from database in new[] { "d", "e", "f" } from user in new[] { "ann", "bob", "eve" } select PoolOf(database,
            user)];
        var random = new Random(seed);
        var waiting = new List<FakeClient>();
        for (var i = 0; i < 5_000; i++)
        {
            _host.NowUs += random.Next(40_000);
            var holders = _granted.Select(static grant => grant.Client).ToList();
            if (holders.Count > 0 && random.Next(2) == 0)
            {
                var holder = holders[random.Next(holders.Count)];
                if (random.Next(4) == 0)
                {
                    Close(holder);
                    _granted.RemoveAll(grant => grant.Client == holder);
                }
                else LetGo(holder);
            }
            else if (_granted.Count + pools.Sum(static pool => pool.Counts.Waiting) < 20)
                waiting.Add(Ask(pools[random.Next(pools.Length)]));
            foreach (var pool in pools)
            {
                Assert.True(pool.Counts.Waiting == 0 || pool.Database.Servers.Count >= Limit(pool.Database.Servers)
                    || pool.User.Servers.Count >= Limit(pool.User.Servers),
                    $"step {i}: {pool.Database.Name}/{pool.User.Name} waits with {pool.Database.Servers.Count} and {pool.User.Servers.Count} places taken");
            }
            Assert.All(pools,
                static pool =>
                Assert.True(pool.Database.Servers.Count <= Limit(pool.Database.Servers)
                && pool.User.Servers.Count <= Limit(pool.User.Servers)));
        }

        static int Limit(SharedLimit limit) => limit.Limit > 0 ? limit.Limit : int.MaxValue;
    }

    /// <summary>
    /// Each thread has a pool of its own, all of them one limit. Nothing ticks: who is not told waits for ever.
    /// </summary>
    [Fact]
    public void Threads_that_share_a_limit_all_come_to_their_ends()
    {
        const int Threads = 4;
        const int Rounds = 5_000;
        var registry =
            new PoolRegistry(Loading.Good("[pgbouncer]\nquery_wait_timeout=0\n[databases]\nd = host=h max_db_connections=2\n"),
            Threads);
        var workers = new LimitWorker[Threads];
        for (var i = 0; i < Threads; i++)
            workers[i] = new LimitWorker(registry.GetPool(registry.FindDatabase("d", out _)!, "user" + i), (byte)i, workers);
        var threads = workers.Select(worker => new Thread(() => worker.Run(Rounds))).ToList();
        threads.ForEach(static thread => thread.Start());
        Assert.All(threads, static thread =>
            Assert.True(thread.Join(TimeSpan.FromSeconds(60)), "a pool was not told of a free place"));
        Assert.All(workers, static worker => Assert.Empty(worker.Problems));
        Assert.InRange(registry.FindDatabase("d", out _)!.Servers.Count, 0, 2);
    }

    private sealed class LimitWorker(Pool pool, byte loop, LimitWorker[] all) : IPoolHost
    {
        private readonly Queue<PoolEffect> _effects = new();
        private readonly ConcurrentQueue<PoolEffect> _mail = new();
        private PooledServer? _held;
        private volatile bool _isDone;

        public ConcurrentQueue<string> Problems { get; } = new();
        public byte Loop => loop;
        public long NowUs { get; private set; } = 1_000_000;
        public void Add(in PoolEffect effect) => _effects.Enqueue(effect);
        public PoolOperation Rent() => new();

        public void Return(PoolOperation operation)
        {
        }

        public void SetTimer(Pool pool, long atUs)
        {
        }

        public void OnFailed(Exception failure, PoolClient? client, PooledServer? server) => Problems.Enqueue(failure.ToString());

        public void Run(int rounds)
        {
            try
            {
                var client = new FakeClient(loop);
                pool.Join(client, this);
                for (var i = 0; i < rounds; i++)
                {
                    client.WaitStartUs = ++NowUs;
                    _held = pool.Acquire(client, this);
                    while (_held is null) Turn();
                    var server = _held;
                    _held = null;
                    server.LastActivityUs = ++NowUs;
                    if (i % 3 == 0) pool.Remove(server, this);
                    else pool.Return(server, this);
                    Turn();
                }
                pool.Leave(client, this);
                _isDone = true;
                while (all.Any(static worker => !worker._isDone)) Turn();
            }
            catch (Exception failure)
            {
                Problems.Enqueue(failure.ToString());
                _isDone = true;
            }
        }

        private void Turn()
        {
            while (_mail.TryDequeue(out var letter)) CarryOut(letter);
            while (_effects.TryDequeue(out var effect))
            {
                var to = effect.Kind switch
                {
                    PoolEffectKind.Dial => effect.Loop,
                    PoolEffectKind.Grant => effect.Client!.Loop,
                    PoolEffectKind.Close => effect.Server!.Loop,
                    _ => loop,
                };
                if (to == loop) CarryOut(effect);
                else all[to]._mail.Enqueue(effect);
            }
            Thread.Yield();
        }

        private void CarryOut(in PoolEffect effect)
        {
            switch (effect.Kind)
            {
                case PoolEffectKind.Dial:
                    effect.Pool.LoginDone(
                    new FakeServer(effect.Pool, loop, NowUs) { LastActivityUs = NowUs }, this); break;
                case PoolEffectKind.Grant:
                    effect.Pool.Arrived(effect.Server!, this); // Or its removal would put the client back into the queue.
                    _held = effect.Server;
                    break;
                case PoolEffectKind.Close: effect.Pool.Remove(effect.Server!, this); break;
                case PoolEffectKind.MakeRoom: ((SharedLimit)effect.Detail!).MakeRoom(effect.Pool, this); break;
                case PoolEffectKind.RoomMade: ((SharedLimit)effect.Detail!).TellFirst(this); break;
            }
        }
    }
}
