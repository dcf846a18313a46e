using FastPool.Base;
using FastPool.Control;
using FastPool.Control.Operations;
using FastPool.Core.Pools;

namespace FastPool.Tests.Control.Operations;

public sealed class ShutdownWatchTests
{
    private int _exitCount;

    [Fact]
    public void Waiting_for_servers_pauses_and_ends_with_the_last_of_them()
    {
        var world = new ConsoleWorld();
        var client = world.Client("p0");
        world.Acquire(client);
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForServers, Exit, static () => true);
        Assert.True(world.Registry.IsShuttingDown);
        Assert.Equal(["active|no", "paused|yes", "suspended|no"], world.Query("show state").Rows);
        Assert.Equal("ERROR/08P01 \"pooler is shutting down\"", world.Query("resume").Error);
        world.Pass(Limits.TickUs);
        Assert.Equal(0, _exitCount);
        world.Release(client);
        world.Pass(Limits.TickUs);
        Assert.Equal(1, _exitCount);
        Assert.Equal("LOG server connections dropped, exiting", world.Log.Lines[^1]);
        world.Pass(Limits.TickUs);
        Assert.Equal(1, _exitCount);
    }

    [Fact]
    public void Waiting_for_servers_waits_for_clients_that_have_yet_to_read_what_they_said()
    {
        var world = new ConsoleWorld();
        world.Client("p0");
        world.Loops[0].Figures.HeldResultBytes = 1000;
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForServers, Exit, static () => true);
        world.Pass(Limits.TickUs);
        Assert.Equal(0, _exitCount);
        world.Loops[0].Figures.HeldResultBytes = 0;
        world.Pass(Limits.TickUs);
        Assert.Equal(1, _exitCount);
    }

    [Fact]
    public void Waiting_for_clients_ends_with_the_last_of_them_console_included()
    {
        var world = new ConsoleWorld();
        var client = world.Client("p0");
        var admin = world.Admin();
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForClients, Exit, static () => true);
        Assert.Equal(PoolerMode.Active, world.Registry.State.Mode);
        client.Leave(world.Loops[0]);
        world.Pass(Limits.TickUs);
        Assert.Equal(0, _exitCount);
        admin.Leave(world.Loops[0]);
        world.Pass(Limits.TickUs);
        Assert.Equal(1, _exitCount);
        Assert.Equal("LOG client connections dropped, exiting", world.Log.Lines[^1]);
    }

    [Fact]
    public void A_pause_while_it_waits_for_clients_can_be_ended()
    {
        var world = new ConsoleWorld();
        world.Client("p0");
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForClients, Exit, static () => true);
        Assert.Equal("PAUSE", world.Query("pause").Tag);
        Assert.Equal("RESUME", world.Query("resume").Tag);
        Assert.Equal(PoolerMode.Active, world.Registry.State.Mode);
        Assert.Equal(0, _exitCount);
    }

    [Fact]
    public void A_second_shutdown_overrides_the_first()
    {
        var world = new ConsoleWorld();
        world.Client("p0");
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForClients, Exit, static () => true);
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForServers, Exit, static () => true);
        Assert.Equal(PoolerMode.Paused, world.Registry.State.Mode);
        world.Pass(Limits.TickUs);
        Assert.Equal(1, _exitCount);
        world.Plane.Shutdown.Begin(ShutdownMode.Immediate, Exit, static () => true);
        Assert.Equal(2, _exitCount);
    }

    [Fact]
    public void A_drain_asks_more_clients_to_go_until_half_of_its_time_and_closes_the_rest_at_its_end()
    {
        var world = new ConsoleWorld(ConsoleWorld.Ini + "\n[fastpool]\ndrain_timeout = 10\n");
        world.Client("p0");
        world.Loops[0].LeftBehind = (2, 0);
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForClients, Exit, static () => true);
        world.Pass(2_500_000);
        Assert.InRange(world.Loops[0].Drains[^1]!.Value, 480, 520);
        world.Pass(3_000_000);
        Assert.Equal(1000, world.Loops[0].Drains[^1]);
        Assert.Equal(0, _exitCount);
        world.Pass(5_000_000);
        Assert.Equal(1, _exitCount);
        Assert.Null(world.Loops[0].Drains[^1]);
        Assert.Equal("LOG drain_timeout: 2 client connections are left and are closed, exiting", world.Log.Lines[^1]);
    }

    [Fact]
    public void A_drain_that_waits_for_servers_tells_nobody_before_its_end()
    {
        var world = new ConsoleWorld(ConsoleWorld.Ini + "\n[fastpool]\ndrain_timeout = 10\n");
        var client = world.Client("p0");
        world.Acquire(client);
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForServers, Exit, static () => true);
        world.Pass(9_900_000);
        Assert.Empty(world.Loops[0].Drains);
        Assert.Equal(0, _exitCount);
        world.Pass(200_000);
        Assert.Equal([null], world.Loops[0].Drains);
        Assert.Equal(1, _exitCount);
        Assert.Equal("LOG drain_timeout: server connections are in use still and are closed, exiting", world.Log.Lines[^1]);
    }

    [Fact]
    public void A_drain_ends_with_the_last_client()
    {
        var world = new ConsoleWorld(ConsoleWorld.Ini + "\n[fastpool]\ndrain_timeout = 10\n");
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForClients, Exit, static () => true);
        world.Pass(Limits.TickUs);
        Assert.Equal(1, _exitCount);
    }

    [Theory]
    [InlineData(ShutdownMode.Immediate, 0)]
    [InlineData(ShutdownMode.WaitForServers, 10_100_000)]
    [InlineData(ShutdownMode.WaitForClients, 10_100_000)]
    public void A_loop_that_does_not_answer_does_not_keep_the_process(ShutdownMode mode, long passUs)
    {
        var world = new ConsoleWorld(ConsoleWorld.Ini + "\n[fastpool]\ndrain_timeout = 10\n");
        world.Acquire(world.Client("p0"));
        world.Loops[0].IsDrainBroken = true;
        world.Plane.Shutdown.Begin(mode, Exit, static () => true);
        world.Pass(passUs);
        Assert.Equal(1, _exitCount);
        Assert.Equal("ERROR control plane: no answer", world.Log.Lines[^1]);
    }

    [Fact]
    public void Clients_are_told_at_the_end_but_not_by_a_process_that_shares_them_with_another()
    {
        var world = new ConsoleWorld();
        world.Plane.Shutdown.Begin(ShutdownMode.Immediate, Exit, static () => true);
        Assert.Equal([null], world.Loops[0].Drains);
        var suspended = new ConsoleWorld();
        suspended.Registry.State.Mode = PoolerMode.Suspended;
        suspended.Plane.Shutdown.Begin(ShutdownMode.Immediate, Exit, static () => true);
        Assert.Empty(suspended.Loops[0].Drains);
        Assert.Equal(2, _exitCount);
    }

    [Fact]
    public void A_process_that_ends_at_once_tells_all_clients_but_those_that_it_shares()
    {
        var world = new ConsoleWorld();
        world.Plane.Shutdown.TellAll();
        Assert.Equal([null], world.Loops[0].Drains);
        world.Registry.State.Mode = PoolerMode.Suspended;
        world.Plane.Shutdown.TellAll();
        Assert.Single(world.Loops[0].Drains);
        Assert.Equal(0, _exitCount);
    }

    [Fact]
    public void A_loop_that_does_not_answer_keeps_the_clients_of_others_from_nothing()
    {
        var world = new ConsoleWorld(loops: 3);
        world.Loops[0].IsDrainBroken = world.Loops[1].IsDrainBroken = true;
        world.Plane.Shutdown.TellAll();
        Assert.Equal([null], world.Loops[2].Drains);
        Assert.Equal("ERROR control plane: no answer", world.Log.Lines[^1]);
    }

    private void Exit() => _exitCount++;
}
