using FastPool.Core.Pools;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;

namespace FastPool.Simulation.Worlds;

/// <summary>The faults, and the acts of operators, at moments that the seed picks.</summary>
internal sealed class Faults(World world, Dice dice)
{
    private readonly int _chance = dice.Between(50, 1_000); // One fault in so many rounds.

    internal void Step()
    {
        if (!dice.OneIn(_chance)) return;
        var cluster = world.Cluster;
        switch (dice.Below(14))
        {
            case 0 or 1:
                if (cluster.Servers.Count > 0) dice.Of(cluster.Servers).Crash();
                break;
            case 2: cluster.IsDown = !cluster.IsDown && dice.OneIn(2); break;
            case 3: cluster.IsBlackHole = !cluster.IsBlackHole && dice.OneIn(2); break;
            case 4:
                cluster.LoginRefusal = dice.Below(4) switch
                {
                    0 => ("57P03", "the database system is starting up"),
                    1 => ("53300", "sorry, too many clients already"),
                    _ => null,
                };
                break;
            case 5: AnyPool()?.Invalidate(); break;
            case 6: world.Reload(dice.Between(1, world.Plan.PoolSize)); break;
            case 7: PauseOrResume(); break;
            case 8:
                if (cluster.Servers.Count > 0) dice.Of(cluster.Servers).Notify("payload");
                break;
            case 9 or 10 or 11: TurnHost(); break;
            case 12 or 13: ChangeRole(); break;
        }
    }

    /// <summary>A host dies, falls silent or is well again. Often some other is well.</summary>
    private void TurnHost() =>
        world.Cluster.Turn(dice.Of(SimulatedResolver.Addresses),
            dice.Of([HostMood.Well, HostMood.Well, HostMood.Dead, HostMood.Silent]));

    /// <summary>One begins anew as a standby, or is promoted.</summary>
    private void ChangeRole()
    {
        var address = dice.Of(SimulatedResolver.Addresses);
        if (world.Cluster.Standbys.Remove(address)) return;
        world.Cluster.Standbys.Add(address);
        world.Cluster.Turn(address, HostMood.Dead);
        world.Cluster.Turn(address, HostMood.Well);
    }

    private Pool? AnyPool() => world.Registry.PoolList.Count > 0 ? dice.Of(world.Registry.PoolList) : null;

    private void PauseOrResume()
    {
        if (AnyPool() is not { } pool) return;
        if (pool.Database.IsPaused) Resume(pool.Database);
        else Pause(pool.Database);
    }

    private void Pause(Database database)
    {
        database.IsPaused = true;
        foreach (var pool in database.Pools) Post(loop => pool.Drain("pause mode", loop));
    }

    private void Resume(Database database)
    {
        database.IsPaused = false;
        foreach (var pool in database.Pools) Post(loop => pool.Serve(loop));
    }

    private void Post(Action<IPoolHost> action) => world.Group.Post(dice.Below(world.Group.Count), view => action(view.Host));

    /// <summary>Everything works again, for good.</summary>
    internal void End()
    {
        world.Cluster.IsDown = false;
        world.Cluster.IsBlackHole = false;
        world.Cluster.Moods.Clear();
        world.Cluster.Standbys.Clear();
        world.Cluster.LoginRefusal = null;
        foreach (var name in WorldPlan.Databases)
        {
            if (world.Registry.FindDatabase(name, out _) is { IsPaused: true } database) Resume(database);
        }
    }
}
