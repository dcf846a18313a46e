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
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForServers, Exit);
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
    public void Waiting_for_clients_ends_with_the_last_of_them_console_included()
    {
        var world = new ConsoleWorld();
        var client = world.Client("p0");
        var admin = world.Admin();
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForClients, Exit);
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
    public void A_second_shutdown_overrides_the_first()
    {
        var world = new ConsoleWorld();
        world.Client("p0");
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForClients, Exit);
        world.Plane.Shutdown.Begin(ShutdownMode.WaitForServers, Exit);
        Assert.Equal(PoolerMode.Paused, world.Registry.State.Mode);
        world.Pass(Limits.TickUs);
        Assert.Equal(1, _exitCount);
        world.Plane.Shutdown.Begin(ShutdownMode.Immediate, Exit);
        Assert.Equal(2, _exitCount);
    }

    private void Exit() => _exitCount++;
}
