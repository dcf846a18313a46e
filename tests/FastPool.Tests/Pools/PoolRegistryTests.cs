using FastPool.Core.Pools;
using FastPool.Tests.Settings;

namespace FastPool.Tests.Pools;

/// <summary>Pools and databases as they come and go, while others look.</summary>
public sealed class PoolRegistryTests
{
    private static FastPool.Core.Settings.Settings SettingsOf(int poolSize) => Loading.Good($"[pgbouncer]\ndefault_pool_size={poolSize}\n[databases]\nd = host=h\n* = host=h\n");

    [Fact]
    public void Of_threads_that_want_the_same_new_pool_all_get_one_and_the_same()
    {
        const int Rounds = 3_000;
        const int Threads = 3;
        var registry = new PoolRegistry(SettingsOf(5), 1);
        var database = registry.FindDatabase("d", out _)!;
        using var start = new Barrier(Threads);
        var got = new Pool[Threads, Rounds];
        var threads = Enumerable.Range(0, Threads).Select(index => new Thread(() =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                start.SignalAndWait();
                got[index, i] = registry.GetPool(database, "user" + i);
            }
        })).ToList();
        threads.ForEach(static thread => thread.Start());
        threads.ForEach(static thread => thread.Join());
        for (var i = 0; i < Rounds; i++) Assert.True(got[0, i] == got[1, i] && got[1, i] == got[2, i]);
        Assert.Equal(Rounds, registry.PoolList.Count); // A pool that nobody has got would be looked at for ever, and open servers.
    }

    [Fact]
    public void A_pool_that_is_made_while_a_reload_is_applied_has_the_new_limits()
    {
        const int Rounds = 3_000;
        FastPool.Core.Settings.Settings[] settings = [SettingsOf(5), SettingsOf(6)];
        var registry = new PoolRegistry(settings[0], 1);
        var database = registry.FindDatabase("d", out _)!;
        using var start = new Barrier(2);
        var made = new Pool[Rounds];
        var maker = new Thread(() =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                start.SignalAndWait();
                made[i] = registry.GetPool(database, "user" + i);
                start.SignalAndWait();
            }
        });
        maker.Start();
        for (var i = 0; i < Rounds; i++)
        {
            start.SignalAndWait();
            registry.Apply(settings[(i + 1) % 2]);
            start.SignalAndWait();
            Assert.Equal(registry.Settings.DefaultPoolSize, made[i].Limits.PoolSize);
            registry.RemovePools(database);
        }
        maker.Join();
    }

    [Fact]
    public void A_name_that_nobody_logged_in_with_costs_little()
    {
        const int Names = 10_000;
        const int BytesMax = 840; // PgBouncer's.
        var registry = new PoolRegistry(SettingsOf(5), 1);
        registry.FindDatabase("first", out _);
        var names = Enumerable.Range(0, Names).Select(static i => "unknown_database_" + i).ToArray();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        foreach (var name in names) registry.FindDatabase(name, out _);
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Names;
        Assert.InRange(each, 0, BytesMax);
        GC.KeepAlive(registry);
        GC.KeepAlive(names);
    }
}
