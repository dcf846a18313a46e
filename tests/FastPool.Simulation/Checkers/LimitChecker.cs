using FastPool.Core.Pools;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>
/// No limit is exceeded at any step, neither in the books nor by connections that are really open. Connections open before a
/// reload may stay.
/// </summary>
internal sealed class LimitChecker(World world) : Checker(world)
{
    private readonly Dictionary<Pool, int> _before = [];

    internal override void AfterTurn()
    {
        var plan = World.Plan;
        foreach (var pool in World.Registry.PoolList)
        {
            var count = pool.Counts.Servers;
            var limit = Math.Max(World.PoolSize + plan.ReservePoolSize, _before.GetValueOrDefault(pool));
            Holds(count <= limit, $"{pool.Database.Name}/{pool.User.Name} has {count} servers, pool_size + reserve is {limit}");
            _before[pool] = count;
            var open = 0;
            foreach (var server in World.Cluster.Servers)
            {
                if (server.IsHeldByPooler && !server.IsCancel && server.User == pool.User.Name
                    && server.Database == pool.Database.Name) open++;
            }
            Holds(open <= count, $"{pool.Database.Name}/{pool.User.Name} counts {count} servers, {open} are open");
        }
        if (plan.MaxDbConnections > 0)
        {
            foreach (var database in World.Registry.Databases)
                Holds(database.Servers.Count <= plan.MaxDbConnections,
                    $"{database.Name} has {database.Servers.Count} servers, max_db_connections is {plan.MaxDbConnections}");
        }
        if (plan.MaxUserConnections > 0)
        {
            foreach (var user in World.Registry.Users)
                Holds(user.Servers.Count <= plan.MaxUserConnections,
                    $"{user.Name} has {user.Servers.Count} servers, max_user_connections is {plan.MaxUserConnections}");
        }
    }
}
