using FastPool.Control.Statistics;
using FastPool.Core.Pools;

namespace FastPool.Tests.Control.Statistics;

public sealed class StatsTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void Averages_are_whole_numbers_cut_off()
    {
        var then = new StatsTotals { Xacts = 10, Queries = 20, XactUs = 1000, QueryUs = 5000 };
        var now =
            new StatsTotals
            {
                ServerAssignments = 3,
                Xacts = 17,
                Queries = 29,
                ReceivedBytes = 1999,
                SentBytes = long.MaxValue / 4,
                XactUs = 2000,
                QueryUs = 5100,
                WaitUs = 11,
                ClientParses = 1,
                ServerParses = 2,
                Binds = 4
            };
        var average = StatsAverages.Over(then, now, 2 * Second);
        Assert.Equal((1, 3, 4, 999), (average.ServerAssignments, average.Xacts, average.Queries, average.ReceivedBytes));
        Assert.Equal(long.MaxValue / 8, average.SentBytes); // Its product with a million is longer than 64 bits.
        Assert.Equal((142, 11, 3), (average.XactUs, average.QueryUs, average.WaitUs));
        Assert.Equal((0, 1, 2), (average.ClientParses, average.ServerParses, average.Binds));
    }

    [Fact]
    public void Nothing_begun_has_no_average_time() =>
        Assert.Equal(default, StatsAverages.Over(default, new StatsTotals { XactUs = 5, QueryUs = 5, WaitUs = 5 }, Second));

    [Fact]
    public void A_period_in_which_nothing_happens_costs_no_memory_however_many_pools_there_are()
    {
        var registry = new PoolRegistry(Loading.Good("[pgbouncer]\n[databases]\n* = host=h\n"), 1);
        for (var i = 0; i < 1_000; i++) registry.GetPool(registry.FindDatabase($"d{i}", out _)!, "u").Stats[0].Logins = 1;
        var windows = new StatsWindows(registry, 0);
        for (var i = 1; i <= 3; i++) windows.Tick(i * Second);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 4; i <= 6; i++) windows.Tick(i * Second);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_window_begins_with_the_tick_before_the_last()
    {
        var world = new ConsoleWorld();
        var stats = world.Client("p0").Pool!.Stats[0];
        stats.Queries = 120;
        world.Pass(59 * Second);
        Assert.Equal("2", Average()); // 120 in 59 s and the second before the start.
        world.Pass(Second);           // First tick.
        stats.Queries += 60;
        world.Pass(30 * Second);
        Assert.Equal("2", Average()); // 180 in 90 s.
        world.Pass(30 * Second);      // Second tick: the window now begins with the first.
        Assert.Equal("1", Average());
        world.Pass(60 * Second);
        Assert.Equal("0", Average());

        string Average() =>
            world.Query("show stats_averages").Rows.Single(static row => row.StartsWith("p0|", StringComparison.Ordinal))
            .Split('|')[3];
    }

    [Fact]
    public void Pools_of_a_database_and_loops_of_a_pool_are_summed()
    {
        var world = new ConsoleWorld(loops: 2);
        var alice = world.Client("p0");
        Fill(alice.Pool!.Stats[0], 1);
        Fill(alice.Pool.Stats[1], 100);
        Fill(world.Client("p0", "bob").Pool!.Stats[0], 10_000);
        var admin = world.Admin();
        admin.Judge((byte)'Q', 20);
        Assert.Equal(
            ["p0|10101|20202|30303|40404|50505|60606|70707|80808|90909|101010|111111|0",
                "pgbouncer|0|1|1|0|0|0|0|0|0|0|0|1"],
            world.Query(admin, "show stats_totals").Rows);
        Assert.StartsWith(
            "p0|10101|20202|30303|40404|50505|60606|70707|80808|90909|101010|111111|0|10101|20202|30303|40404|50505|3|2|8|",
            world.Query(admin, "show stats").Rows[0]);
        var totals = world.Query(admin, "show totals").Rows;
        Assert.Equal(24, totals.Length);
        Assert.Equal("total_server_assignment_count|10101", totals[0]);
        Assert.Equal("total_xact_count|20203", totals[1]); // One of the console's.
        Assert.Equal("total_client_bytes|40404", totals[3]);
        Assert.Equal("total_ps_bind_count|111111", totals[10]);
        Assert.Equal("avg_server_assignment_count|10101", totals[12]);
        Assert.Equal("avg_server_bytes|50505", totals[16]);
        Assert.Equal("avg_ps_bind_count|111111", totals[22]);
    }

    [Fact]
    public void The_names_of_totals_are_their_own()
    {
        var names = new ConsoleWorld().Query("show totals").Rows.Select(static row => row.Split('|')[0]);
        const string Stems =
            "server_assignment_count xact_count query_count client_bytes server_bytes xact_time query_time wait_time ps_client_parse_count ps_server_parse_count ps_bind_count client_login_count";
        Assert.Equal(
            [.. Stems.Split(' ').Select(static stem => "total_" + stem), .. Stems.Split(' ')
            .Select(static stem => "avg_" + stem)], names);
    }

    [Fact]
    public void Every_period_has_its_line()
    {
        var world = new ConsoleWorld("[pgbouncer]\nstats_period=10\n[databases]\np0=host=h\n");
        var stats = world.Client("p0").Pool!.Stats[0];
        stats.Queries = 1000;
        world.Pass(10 * Second);
        stats.Xacts = 20;
        stats.Queries += 40;
        stats.ReceivedBytes = 10_000;
        stats.SentBytes = 20_000;
        stats.XactUs = 400;
        stats.QueryUs = 1200;
        stats.ServerAssignments = 2;
        stats.WaitUs = 7;
        stats.ClientParses = 10;
        stats.ServerParses = 20;
        stats.Binds = 30;
        world.Pass(10 * Second);
        Assert.Equal(
            [
                "LOG stats: 0 xacts/s, 100 queries/s, 0 client parses/s, 0 server parses/s, 0 binds/s, 0 client logins/s, in 0 B/s, out 0 B/s, xact 0 us, query 0 us, wait 0 us",
                "LOG stats: 2 xacts/s, 4 queries/s, 1 client parses/s, 2 server parses/s, 3 binds/s, 0 client logins/s, in 1000 B/s, out 2000 B/s, xact 20 us, query 30 us, wait 3 us",
            ],
            world.Log.Lines);
        world.Query("set log_stats=0");
        world.Pass(10 * Second);
        Assert.Equal(2, world.Log.Lines.Count);
    }

    [Fact]
    public void The_period_is_that_of_the_start()
    {
        var world = new ConsoleWorld("[pgbouncer]\nstats_period=10\n");
        world.Query("set stats_period=1");
        world.Pass(5 * Second);
        Assert.Empty(world.Log.Lines);
        world.Pass(5 * Second);
        Assert.Single(world.Log.Lines);
    }

    private static void Fill(PoolStats stats, long unit)
    {
        stats.ServerAssignments = unit;
        stats.Xacts = 2 * unit;
        stats.Queries = 3 * unit;
        stats.ReceivedBytes = 4 * unit;
        stats.SentBytes = 5 * unit;
        stats.XactUs = 6 * unit;
        stats.QueryUs = 7 * unit;
        stats.WaitUs = 8 * unit;
        stats.ClientParses = 9 * unit;
        stats.ServerParses = 10 * unit;
        stats.Binds = 11 * unit;
    }
}
