namespace FastPool.Tests.Control.Operations;

using FastPool.Core.Pools;

/// <summary>Pools that nobody uses any more, with pool_idle_timeout.</summary>
public sealed class IdlePoolTests
{
    private const string Ini =
        "[pgbouncer]\npool_idle_timeout=60\nserver_idle_timeout=0\nmin_pool_size=1\npool_mode=transaction\n[databases]\n"
        + "p0=host=127.0.0.1\np1=host=127.0.0.1 user=forced pool_size=2\n";
    private const long Second = 1_000_000;

    private readonly ConsoleWorld _world = new(Ini);

    [Fact]
    public void One_that_nobody_uses_goes_with_its_statistics()
    {
        Use("alice");
        Use("bob");
        Look(after: 60 * Second);
        Assert.Equal(["alice", "bob"], Users);
        Use("bob");
        Look(after: 1);
        Assert.Equal(["bob"], Users);
        Assert.DoesNotContain(_world.Query("SHOW POOLS").Rows, static row => row.Contains("alice", StringComparison.Ordinal));
    }

    [Fact]
    public void A_client_or_a_server_keeps_it()
    {
        _world.Client("p0", "idle");
        var client = _world.Client("p0", "busy");
        _world.Acquire(client);
        _world.Release(client);
        _world.Loops[0].Close(client, "gone");
        Look(after: 0);
        Look(after: 1000 * Second);
        Assert.Equal(["busy", "idle"], Users);
    }

    [Fact]
    public void Without_the_setting_or_while_paused_all_stay()
    {
        Use("alice");
        _world.Query("SET pool_idle_timeout=0");
        Look(after: 1000 * Second);
        Assert.Equal(["alice"], Users);
        _world.Query("SET pool_idle_timeout=60");
        _world.Query("PAUSE p0");
        Look(after: 1000 * Second);
        Look(after: 1000 * Second);
        Assert.Equal(["alice"], Users);
    }

    [Fact]
    public void A_client_that_comes_while_it_is_about_to_go_keeps_it()
    {
        Use("alice");
        _world.Clock.Pass(61 * Second);
        var pool = PoolOf("alice");
        _world.Registry.DropIdlePools(_world.Clock.NowUs,
            () => Assert.Same(pool, _world.Registry.GetPool(pool.Database, "alice")));
        Assert.Same(pool, PoolOf("alice"));
        Look(after: 61 * Second);
        Look(after: 61 * Second);
        Assert.Empty(Users);
    }

    [Fact]
    public void A_client_that_comes_after_it_has_gone_gets_another()
    {
        Use("alice");
        var gone = PoolOf("alice");
        Look(after: 61 * Second);
        Assert.Empty(Users);
        var client = _world.Client("p0", "alice");
        Assert.NotSame(gone, client.Pool);
        gone.Tick(_world.Loops[0]); // Somebody had found it before: nothing is opened for it.
        gone.OnTimer(_world.Loops[0]);
        Assert.Equal(0, gone.Counts.Servers);
        _world.Acquire(client);
        Assert.NotNull(client.Server);
    }

    /// <summary>Four threads ask for a pool and use it while a fifth takes idle ones away: nobody has one that is gone.</summary>
    [Fact]
    public async Task Nobody_is_left_in_a_pool_that_has_gone()
    {
        var registry = new PoolRegistry(Loading.Good(Ini), 4);
        var database = registry.FindDatabase("p0", out _)!;
        using var turns = new ReaderWriterLockSlim();
        var hasEnded = false;
        var strayCount = 0;
        var users = Enumerable.Range(0, 4).Select(index => Task.Run(() =>
        {
            var host = new FakeHost((byte)index);
            for (var i = 0; i < 20_000; i++)
            {
                var client = new FakeClient((byte)index);
                turns.EnterReadLock(); // A loop's delivery: the remover waits for its end, once.
                var pool = registry.GetPool(database, "u");
                pool.Join(client, host);
                turns.ExitReadLock();
                if (!ReferenceEquals(pool, registry.GetPool(database, "u"))) Interlocked.Increment(ref strayCount);
                turns.EnterReadLock(); // Another delivery: with the pool's turn it may run somebody else's join.
                pool.Leave(client, host);
                turns.ExitReadLock();
            }
        })).ToArray();
        var remover = Task.Run(() =>
        {
            var nowUs = 1L;
            while (!Volatile.Read(ref hasEnded))
            {
                registry.DropIdlePools(nowUs += 61 * Second, () =>
                {
                    turns.EnterWriteLock();
                    turns.ExitWriteLock();
                });
            }
        });
        await Task.WhenAll(users);
        Volatile.Write(ref hasEnded, true);
        await remover;
        Assert.Equal(0, strayCount);
    }

    private string[] Users => [.. Find("p0").Pools.Select(static pool => pool.User.Name).Order(StringComparer.Ordinal)];

    private Database Find(string name) => _world.Registry.Databases.Single(database => database.Name == name);

    private Pool PoolOf(string user) => Find("p0").Pools.Single(pool => pool.User.Name == user);

    private void Use(string user)
    {
        _world.Loops[0].Close(_world.Client("p0", user), "gone");
        Look(after: 0);
    }

    private void Look(long after)
    {
        _world.Pass(after);
        _world.Plane.SettingsInForce.DropIdleDatabases();
    }
}
