namespace FastPool.Tests.Control.Operations;

/// <summary>Databases made from the * entry, once they are unused.</summary>
public class IdleDatabaseTests
{
    private const string Ini =
        "[pgbouncer]\nautodb_idle_timeout=60\nserver_idle_timeout=0\n[databases]\np0=host=127.0.0.1\n*=host=127.0.0.1\n";
    private const string Dropped = "WARNING dropping database 'a' as it does not exist anymore or inactive auto-database";
    private const long Second = 1_000_000;

    private readonly ConsoleWorld _world = new(Ini);

    [Fact]
    public void One_that_nobody_uses_goes_after_its_time()
    {
        Use();
        Look(after: 60 * Second);
        Assert.NotNull(Find("a"));
        Assert.Empty(Warnings);
        Look(after: 1);
        Assert.Null(Find("a"));
        Assert.Equal([Dropped], Warnings);
        Assert.NotNull(Find("p0"));
    }

    [Fact]
    public void One_that_is_used_again_begins_anew()
    {
        Use();
        Look(after: 50 * Second);
        var client = _world.Client("a");
        Look(after: 50 * Second);
        _world.Loops[0].Close(client, "gone");
        Look(after: 0);
        Look(after: 50 * Second);
        Assert.NotNull(Find("a"));
        Look(after: 10 * Second + 1);
        Assert.Null(Find("a"));
    }

    [Fact]
    public void Servers_keep_it_alive()
    {
        var client = _world.Client("a");
        _world.Acquire(client);
        _world.Release(client);
        _world.Loops[0].Close(client, "gone");
        Look(after: 0);
        Look(after: 1000 * Second);
        Assert.NotNull(Find("a"));
    }

    [Fact]
    public void A_paused_one_stays_and_so_do_all_without_a_timeout()
    {
        Use();
        Find("a")!.IsPaused = true;
        Look(after: 1000 * Second);
        Assert.NotNull(Find("a"));
        Find("a")!.IsPaused = false;
        _world.Query("SET autodb_idle_timeout=0");
        Look(after: 1000 * Second);
        Assert.NotNull(Find("a"));
    }

    private IEnumerable<string> Warnings => _world.Log.Lines.Where(line => line.StartsWith("WARNING", StringComparison.Ordinal));

    private void Use()
    {
        _world.Loops[0].Close(_world.Client("a"), "gone");
        Look(after: 0);
    }

    private void Look(long after)
    {
        _world.Pass(after);
        _world.Plane.SettingsInForce.DropIdleDatabases();
    }

    private FastPool.Core.Pools.Database? Find(string name) =>
        _world.Registry.Databases.FirstOrDefault(database => database.Name == name);
}
