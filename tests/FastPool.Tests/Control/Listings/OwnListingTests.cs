using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Control.Listings;

/// <summary>SHOW WAITING, LOOPS and FASTPOOL.</summary>
public sealed class OwnListingTests
{
    private const string Ini = "[pgbouncer]\npool_mode=transaction\ndefault_pool_size=1\nserver_login_retry=15\n[databases]\n";

    [Fact]
    public void Nobody_waits_as_long_as_there_are_servers()
    {
        var world = new ConsoleWorld();
        world.Acquire(world.Client("p0"));
        Assert.Empty(world.Query("show waiting").Rows);
    }

    [Fact]
    public void SHOW_WAITING_names_a_full_pool_as_the_cause_and_lists_the_first_waiter_first()
    {
        var world = new ConsoleWorld(Ini + "d=host=h\n", loops: 2);
        world.Acquire(world.Client("d"));
        var first = world.Client("d", loop: 1);
        world.Acquire(first);
        world.Pass(2_000_007);
        var second = world.Client("d");
        second.Parameters =
            world.Loops[0].Context.Interner.With(second.Parameters, TrackedParameters.ApplicationName, "appA");
        world.Acquire(second);
        var pointer = ConnectionName.Pointer;
        Assert.Equal(
            [
                $"d|alice|{first.Id}|{pointer(first.Id)}||127.0.0.1|50000|2|7|pool full",
                $"d|alice|{second.Id}|{pointer(second.Id)}|appA|127.0.0.1|50000|0|0|pool full",
            ],
            world.Query("show waiting").Rows);
    }

    [Fact]
    public void Each_server_that_is_opening_is_one_waiters()
    {
        var world = new ConsoleWorld(Ini + "d=host=h pool_size=2\n") { HoldsLogins = true };
        for (var i = 0; i < 3; i++) world.Acquire(world.Client("d"));
        Assert.Equal(["connecting", "connecting", "pool full"], Causes(world));
    }

    [Fact]
    public void A_paused_database_holds_everybody()
    {
        var world = new ConsoleWorld();
        world.Query("pause p0");
        world.Acquire(world.Client("p0"));
        Assert.Equal(["paused"], Causes(world));
        world.Query("pause");
        world.Acquire(world.Client("p1"));
        Assert.Equal(["paused", "paused"], Causes(world));
    }

    [Fact]
    public void The_limit_that_is_reached_is_named()
    {
        var world =
            new ConsoleWorld(Ini
            + "d=host=h pool_size=5 max_db_connections=1\ne=host=h pool_size=5\nf=host=h pool_size=5\n[users]\nbob=max_user_connections=1\n");
        world.Acquire(world.Client("d"));
        world.Acquire(world.Client("d", "carl"));
        Assert.Equal(["database limit"], Causes(world));
        world.Acquire(world.Client("e", "bob"));
        world.Acquire(world.Client("f", "bob"));
        Assert.Equal(["database limit", "user limit"], Causes(world));
    }

    [Fact]
    public void After_a_failed_login_one_waits_for_the_next_try()
    {
        var world = new ConsoleWorld(Ini + "d=host=h\n") { HoldsLogins = true };
        world.Acquire(world.Client("d"));
        var server = world.Loops[0].Servers[0];
        world.Loops[0].Servers.Clear();
        server.Pool.LoginFailed(server, new LoginFailure("connect failed", null), world.Loops[0]);
        world.Loops[0].CarryOut();
        Assert.Equal(["login back-off"], Causes(world));
    }

    [Fact]
    public void SHOW_lists_the_holders_of_servers_with_the_oldest_transaction_first()
    {
        var world = new ConsoleWorld(loops: 2);
        var idle = Begin(world, "p0", 0);
        idle.Server!.Judge((byte)'Z', [(byte)'Z', 0, 0, 0, 5, (byte)'T']);
        idle.EndQuery(isTransactionOver: false);
        world.Pass(3_000_005);
        var running = Begin(world, "p1", 1);
        world.Pass(1_000_001);
        world.Acquire(world.Client("p0")); // It has a server, and has sent nothing yet.
        var pointer = FastPool.Core.Sessions.ConnectionName.Pointer;
        var rows = world.Query("show transactions").Rows;
        Assert.Equal(3, rows.Length);
        Assert.StartsWith("p0|alice||127.0.0.1|50000|idle in transaction|4|6|4|6|127.0.0.1|", rows[0], StringComparison.Ordinal);
        Assert.EndsWith($"|{idle.Id}|{pointer(idle.Id)}|{pointer(idle.Server!.Id)}", rows[0], StringComparison.Ordinal);
        Assert.StartsWith("p1|alice||127.0.0.1|50000|running|1|1|1|1|", rows[1], StringComparison.Ordinal);
        Assert.StartsWith("p0|alice||127.0.0.1|50000|idle|0|0|", rows[2], StringComparison.Ordinal);
        world.Release(running);
        Assert.Equal(2, world.Query("show transactions").Rows.Length);
    }

    private static FastPool.Core.Sessions.ClientSession Begin(ConsoleWorld world, string database, int loop)
    {
        var client = world.Client(database, loop: loop);
        client.Judge((byte)'Q', 10);
        world.Acquire(client);
        return client;
    }

    [Fact]
    public void Loops_show_what_they_carry_and_have_done()
    {
        var world = new ConsoleWorld(loops: 2);
        world.Client("p0", loop: 1);
        var figures = world.Loops[1].Figures;
        (figures.WakeUps, figures.ClientMessages, figures.ServerMessages, figures.ClientBytes, figures.ServerBytes,
            figures.Moves, figures.SendsTogether, figures.ClientsIn, figures.ClientsOut) = (1, 2, 3, 4, 5, 6, 7, 8, 9);
        Assert.Equal(["0|1|0|0|0|0|0|0|0|0|0|0|0|1", "1|1|0|1|2|3|4|5|6|7|0|8|9|1"], world.Query("show loops").Rows);
    }

    [Fact]
    public void FastPool_tells_its_own_settings_and_SHOW_CONFIG_does_not()
    {
        var world =
            new ConsoleWorld(
            "[pgbouncer]\n[fastpool]\nloops=2\nmetrics_listen=127.0.0.1:9127\nconsole_extended=1\n[databases]\n");
        Assert.Equal(
            ["version|0.0.1", "engine|memory", "running_loops|1", "broken_invariants|0", "clients_moved|0", "unnamed_healed|0",
                "state_questions|0", "state_batches|0", "abandoned_kept|0", "pinned_servers|0",
                "listeners|0", "notifications|0", "results_held|0", "results_refused|0", "held_result_bytes|0",
                "tls_own_connections|0", "tls_library_connections|0", "loops|2", "min_loops|1",
                "metrics_listen|127.0.0.1:9127", "metrics_histograms|database",
                "log_format|text", "log_min_duration|-1", "console_extended|1", "io_uring|1",
                "tls_records|own", "hba_strict|1"],
            world.Query("show fastpool").Rows[..27]);
        Assert.Equal(100, world.Query("show config").Rows.Length);
    }

    private static IEnumerable<string> Causes(ConsoleWorld world) =>
        world.Query("show waiting").Rows.Select(static row => row.Split('|')[^1]);
}
