using System.Runtime.CompilerServices;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>
/// A server has prepared what the pooler believes, and nothing else but what is in doubt. It has no more than
/// max_prepared_statements. Once the clients are gone, the table of all statements has those that servers hold and no other.
/// </summary>
internal sealed class StatementChecker(World world) : Checker(world)
{
    internal override void AtEnd()
    {
        if (World.Plan.Mode == PoolMode.Session) return; // The names are the clients' own, and end with the reset.
        var held = new HashSet<Statement>();
        foreach (var server in World.ServerConnections)
        {
            var real =
                World.Cluster.Servers.Single(fake => fake.Pid == server.Session.BackendPid).Backend.StatementNames.ToHashSet();
            var believed = StatementsOf(server.Session)?.All.ToList() ?? [];
            foreach (var (statement, isStale) in believed)
            {
                held.Add(statement);
                Holds(isStale
                    || real.Contains(statement.Name),
                    $"server {server.Session.Id} is believed to have {statement.Name} and has {string.Join(' ', real)}");
            }
            real.ExceptWith(believed.Select(pair => pair.Statement.Name));
            Holds(real.Count == 0, $"server {server.Session.Id} has {string.Join(' ', real)}, of which the pooler knows nothing");
            Holds(believed.Count <= Math.Max(1, World.Plan.MaxPreparedStatements)
                + StaleMost(believed), $"server {server.Session.Id} keeps {believed.Count} statements");
        }
        Holds(World.Statements.Count == held.Count,
            $"{World.Statements.Count} statements are in the table, {held.Count} on servers");
    }

    /// <summary>Those whose Close was skipped come on top until one more is prepared.</summary>
    private static int StaleMost(List<(Statement Statement, bool IsStale)> believed) => believed.Count(pair => pair.IsStale);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_statements")]
    private static extern ref ServerStatements? StatementsField(ServerSession session);

    private static ServerStatements? StatementsOf(ServerSession session) => StatementsField(session);
}
