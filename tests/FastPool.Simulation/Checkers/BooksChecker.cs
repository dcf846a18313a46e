using FastPool.Core.Pools;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>The pools count exactly what exists.</summary>
internal sealed class BooksChecker(World world) : Checker(world)
{
    internal override void AtEnd()
    {
        var registry = World.Registry;
        Holds(registry.Clients.Count == 0, "clients are counted that are gone");
        foreach (var database in registry.Databases)
        {
            Holds(database.Clients.Count == 0, $"clients of {database.Name} are counted that are gone");
            Holds(database.Servers.Count == database.Pools.Sum(pool => pool.Counts.Servers),
                $"the budget of {database.Name} is {database.Servers.Count}");
        }
        foreach (var user in registry.Users)
        {
            Holds(user.Clients.Count == 0, $"clients of {user.Name} are counted that are gone");
            Holds(user.Servers.Count == registry.PoolList.Where(pool => pool.User == user).Sum(pool => pool.Counts.Servers),
                $"the budget of {user.Name} is {user.Servers.Count}");
        }
        foreach (var pool in registry.PoolList) CheckPool(pool);
    }

    private void CheckPool(Pool pool)
    {
        var counts = pool.Counts;
        Holds(counts.Servers == counts.Idle
            + counts.Used, $"a server of {pool.Database.Name}/{pool.User.Name} is lost: {EndChecker.Text(counts)}");
        var isReal =
            World.Cluster.Servers.Count(server =>
            server.IsLoggedIn && server.IsHeldByPooler && server.User == pool.User.Name && server.Database == pool.Database.Name);
        Holds(counts.Servers == isReal,
            $"{pool.Database.Name}/{pool.User.Name} counts {counts.Servers} servers and has {isReal}");
        Holds(pool.Cancels.Count == 0, "a cancel request is counted that is through");
    }
}
