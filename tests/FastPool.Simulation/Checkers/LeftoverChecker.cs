using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Simulation.Postgres;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>
/// Pinned servers are counted as they are, and no more than allowed. A server that no client has any more has in its session what
/// the pooler believes: a state that travels, values of variables, and nothing else.
/// </summary>
internal sealed class LeftoverChecker(World world) : Checker(world)
{
    private readonly Dictionary<Pool, int> _pinned = [];

    internal override void AfterTurn()
    {
        if (!World.Plan.HasPins) return;
        _pinned.Clear();
        foreach (var server in World.ServerConnections)
        {
            if (server.Session.IsPinCounted)
                _pinned[server.Session.Pool] = _pinned.GetValueOrDefault(server.Session.Pool) + 1;
        }
        var most = Math.Max(World.Plan.PinnedServersMax, Math.Max(1, World.Plan.PoolSize / 2));
        foreach (var pool in World.Registry.PoolList)
        {
            var pinned = _pinned.GetValueOrDefault(pool);
            Holds(pool.PinnedServers == pinned, $"{pool.PinnedServers} servers are counted as pinned, {pinned} are");
            Holds(pinned <= most, $"{pinned} servers are pinned, {most} may be");
        }
    }

    internal override void AtEnd()
    {
        if (World.Plan.Mode == PoolMode.Session) return; // They are reset before the next client.
        foreach (var server in World.ServerConnections)
        {
            var session = server.Session;
            if (session.Login is not null || session.Client is not null) continue;
            var real = World.Cluster.Servers.Single(fake => fake.Pid == session.BackendPid).Backend;
            CheckState(session, real.Session);
            foreach (var name in real.Reported) CheckReported(session, name, real.Session[name]);
        }
    }

    private static void CheckState(ServerSession session, Session real)
    {
        Holds(real.Tables.Count + real.Locks.Count + real.HeldCursors.Count == 0,
            $"server {session.Id} has what cannot travel: {real.InShort()}");
        var kept = session.Kept is { } state ? state.Set + state.Prepared + state.Undo : "";
        foreach (var (name, value) in real.Values)
        {
            var isKnown = Variables.IsTracked(name) || value.Length == 0 || (name == Variables.Role && value == "none");
            Holds(isKnown || kept.Contains($"'{name}',{SqlText.Literal(value)}", StringComparison.Ordinal),
                $"server {session.Id} has {name} = {value}, and is believed to have {kept}");
        }
        foreach (var name in real.Prepared.Keys)
        {
            Holds(kept.Contains($"DEALLOCATE {name};", StringComparison.Ordinal),
                $"server {session.Id} has prepared {name}, and is believed to have {kept}");
        }
    }

    private void CheckReported(ServerSession session, string name, string value)
    {
        var index = session.Context.Tracked.IndexOf(Wire.Raw(name));
        var believed = session.Parameters[index];
        var isOwn = name == Variables.SessionAuthorization && believed == "\0" && value == session.Pool.User.Name;
        Holds(isOwn || believed == value, $"server {session.Id} has {name} = {value}, and is believed to have {believed}");
    }
}
