using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

/// <summary>Pools and databases as they come and go, while others look.</summary>
public sealed class PoolRegistryTests
{
    private static FastPool.Core.Settings.Settings SettingsOf(int poolSize) =>
        Loading.Good($"[pgbouncer]\ndefault_pool_size={poolSize}\n[databases]\nd = host=h\n* = host=h\n");

    /// <summary>
    /// Two threads at the same work at the same moment, round after round: they spin, for a wait would set them apart.
    /// </summary>
    private static void Race(int rounds, Action<int> one, Action<int> other, Action<int> judge)
    {
        var (arrived, begun) = (0, -1);
        var thread = new Thread(() =>
        {
            for (var i = 0; i < rounds; i++)
            {
                while (Volatile.Read(ref begun) < i) Thread.SpinWait(1); // Pairs: the write below.
                one(i);
                Volatile.Write(ref arrived, i + 1); // Pairs: the read below.
            }
        })
        { IsBackground = true };
        thread.Start();
        for (var i = 0; i < rounds; i++)
        {
            Volatile.Write(ref begun, i);
            other(i);
            while (Volatile.Read(ref arrived) <= i) Thread.Yield();
            judge(i);
        }
        thread.Join();
    }

    [Fact]
    public void The_list_of_pools_is_in_order_and_as_it_is_now()
    {
        var registry = new PoolRegistry(SettingsOf(5), 1);
        foreach (var name in (string[])["z", "d", "a"])
        {
            foreach (var user in (string[])["u2", "u1"]) registry.GetPool(registry.FindDatabase(name, out _)!, user);
        }
        Assert.Equal(["a|u1", "a|u2", "d|u1", "d|u2", "pgbouncer|pgbouncer", "z|u1", "z|u2"], Names());
        Assert.Same(registry.Pools, registry.Pools); // A round through them allocates nothing.
        registry.RemovePools(registry.FindDatabase("d", out _)!);
        Assert.Equal(["a|u1", "a|u2", "pgbouncer|pgbouncer", "z|u1", "z|u2"], Names());
        registry.Apply(Loading.Good("[pgbouncer]\n[databases]\nz = host=h\nb = host=h\n"));
        Assert.Equal(["b", "pgbouncer", "z"], registry.Databases.Select(static database => database.Name));
        Assert.Equal(["pgbouncer|pgbouncer", "z|u1", "z|u2"], Names());

        IEnumerable<string> Names() => registry.Pools.Select(static pool => $"{pool.Database.Name}|{pool.User.Name}");
    }

    [Fact]
    public void Of_threads_that_want_the_same_new_pool_both_get_the_same_and_no_other_is_left()
    {
        const int Rounds = 20_000;
        var registry = new PoolRegistry(SettingsOf(5), 1);
        var database = registry.FindDatabase("d", out _)!;
        var got = new Pool[2];
        Race(Rounds, i => got[0] = registry.GetPool(database, "user" + (i % 100)), i =>
            got[1] = registry.GetPool(database, "user" + (i % 100)), i =>
        {
            Assert.Same(got[0], got[1]);
            // A pool outside of the tables would be looked at for ever, and open servers.
            Assert.Same(got[0], Assert.Single(registry.PoolList));
            registry.RemovePools(database);
        });
    }

    [Fact]
    public void A_pool_that_is_made_while_a_reload_is_applied_has_the_new_limits()
    {
        const int Rounds = 20_000;
        FastPool.Core.Settings.Settings[] settings = [SettingsOf(5), SettingsOf(6)];
        var registry = new PoolRegistry(settings[0], 1);
        var database = registry.FindDatabase("d", out _)!;
        Pool made = null!;
        Race(Rounds, i => made = registry.GetPool(database, "ann"), i => registry.Apply(settings[(i + 1) % 2]), i =>
        {
            Assert.Equal(registry.Settings.DefaultPoolSize, made.Limits.PoolSize);
            registry.RemovePools(database);
        });
    }

    [Fact]
    public void A_name_that_nobody_logged_in_with_costs_little()
    {
        const int Names = 10_000;
        const int BytesMax = 840; // PgBouncer's.
        const int Rounds = 10; // Other tests use the heap beside this one: one quiet round is enough.
        var names = Enumerable.Range(0, Names).Select(static i => "unknown_database_" + i).ToArray();
        var each = long.MaxValue;
        for (var round = 0; round < Rounds && each is < 0 or > BytesMax; round++)
        {
            var registry = new PoolRegistry(SettingsOf(5), 1);
            registry.FindDatabase("first", out _);
            var before = GC.GetTotalMemory(forceFullCollection: true);
            foreach (var name in names) registry.FindDatabase(name, out _);
            each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Names;
            GC.KeepAlive(registry);
        }
        Assert.InRange(each, 0, BytesMax);
        GC.KeepAlive(names);
    }
}
