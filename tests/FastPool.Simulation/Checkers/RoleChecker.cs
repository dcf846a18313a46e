using FastPool.Core.Settings;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>No server of a database that wants a primary was a standby's when it logged in.</summary>
internal sealed class RoleChecker(World world) : Checker(world)
{
    internal override void AfterTurn()
    {
        if (World.Plan.Target != "primary") return;
        foreach (var server in World.ServerConnections)
        {
            var target = server.Session.Pool.Database.Entry.TargetSessionAttrs;
            if (server.Session.Login is not null || target != TargetSessionAttrs.Primary) continue;
            var backend = World.Cluster.Servers.Find(each => each.Pid == server.Session.BackendPid);
            Holds(backend is not { WasStandby: true }, $"backend {server.Session.BackendPid} is a standby's");
        }
    }
}
