using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Control.Operations;

public sealed class SettingsInForceTests
{
    private const string Main = "[pgbouncer]\npool_mode=transaction\n";

    private readonly MemoryFiles _files = new();

    [Fact]
    public void A_database_that_is_no_more_loses_its_connections()
    {
        var world = World("[databases]\np0=host=h\np1=host=h\n");
        var gone = world.Client("p0");
        world.Acquire(gone);
        var server = gone.Server!;
        var login = world.Connect();
        login.Database = gone.Database;
        var stays = world.Client("p1");
        Apply(world, "[databases]\np1=host=h\n");
        Assert.Contains($"C{gone.Id} database removed", world.Closed);
        Assert.Contains($"C{login.Id} database removed", world.Closed);
        Assert.Contains(world.Closed, closed => closed.StartsWith($"S{server.Id} ", StringComparison.Ordinal));
        Assert.Equal(ClientState.Active, stays.State);
        Assert.Equal(["p1", "pgbouncer"], world.Query("show databases").Rows.Select(static row => row.Split('|')[0]));
        Assert.Equal(["tls", "applied"], world.Process.Calls);
    }

    [Fact]
    public void A_changed_connection_has_its_servers_replaced()
    {
        var world = World("[databases]\np0=host=h\n");
        var client = world.Client("p0");
        world.Acquire(client);
        world.HoldsLogins = true;
        world.Acquire(world.Client("p0"));
        var login = world.Loops[0].Servers[^1];
        Apply(world, "[databases]\np0=host=h pool_size=9\n");
        Assert.False(client.Server!.IsCloseNeeded);
        Assert.Equal(9, client.Pool!.Limits.PoolSize);
        Apply(world, "[databases]\np0=host=i\n");
        Assert.True(client.Server!.IsCloseNeeded);
        Assert.Contains($"S{login.Id} connect string changed", world.Closed);
        Assert.Equal(ClientState.Active, client.State);
    }

    [Fact]
    public void Changed_server_TLS_replaces_all_servers_once_it_is_built()
    {
        var world = World("[databases]\np0=host=h\n");
        var client = world.Client("p0");
        world.Acquire(client);
        world.Process.HasGoodTls = false;
        Apply(world, "[databases]\np0=host=h\n[pgbouncer]\npool_mode=transaction\nserver_tls_sslmode=require\n", isGood: false);
        Assert.False(client.Server!.IsCloseNeeded);
        world.Process.HasGoodTls = true;
        Apply(world, "[databases]\np0=host=h\n[pgbouncer]\npool_mode=transaction\nserver_tls_sslmode=disable\n");
        Assert.True(client.Server!.IsCloseNeeded);
    }

    [Fact]
    public void A_removed_peer_takes_its_cancel_requests_along()
    {
        var world = World("[peers]\n2=host=h\n3=host=h\n");
        var second = world.Connect();
        var third = world.Connect();
        world.Loops[0].Cancels.Add(new CancelView(second, null, 2, null));
        world.Loops[0].Cancels.Add(new CancelView(third, null, 3, null));
        Apply(world, "[peers]\n3=host=h\n");
        Assert.Equal([$"C{second.Id} peer removed"], world.Closed);
    }

    private ConsoleWorld World(string sections) => new(Loading.Good(_files, Main + sections));

    private void Apply(ConsoleWorld world, string sections, bool isGood = true) =>
        Assert.Equal(isGood, world.Plane.SettingsInForce.Apply(Loading.Good(_files, Main + sections, world.Registry.Settings)));
}
