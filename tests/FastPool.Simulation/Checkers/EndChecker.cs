using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>Everything ends; and where nothing goes wrong every client gets all it asked for.</summary>
internal sealed class EndChecker(World world) : Checker(world)
{
    internal override void AtEnd()
    {
        if (!World.IsQuiet)
        {
            var lines = World.Clients.Where(client => !client.IsOver).Select(client => client.Progress)
                .Concat(World.Registry.PoolList.Select(pool =>
                    $"pool {pool.Database.Name}/{pool.User.Name}: {Text(pool.Counts)}"))
                .Concat(World.ServerConnections.Select(
                    server =>
                    $"server {server.Session.Id}: {server.Session.State} {server.Session.Phase} cancels {server.Session.CancelsInFlight} outstanding {server.Session.Outstanding.Count}, {server.Flags}, unsent {server.Unsent.Count}, age {(World.Clock.NowUs - server.Session.DialStartUs) / 1000} ms, silent {(World.Clock.NowUs - server.Session.LastActivityUs) / 1000} ms"));
            lines = lines.Concat(World.Cluster.Servers.Select(server => server.Progress));
            throw new SimulationException("the world does not come to rest:\n" + string.Join('\n', lines));
        }
        if (World.Plan.HasFaults) return;
        foreach (var client in World.Clients)
            Holds(client.IsContent || client.WasRefusedPin, "nothing went wrong, yet did not get all: " + client.Progress + " "
            + System.Text.Encoding.Latin1.GetString(client.Received.Span[^Math.Min(120, client.Received.Count)..]) + "\n"
            + client.Said);
    }

    internal static string Text(Core.Pools.PoolCounts counts) =>
        $"clients {counts.Clients} waiting {counts.Waiting} login {counts.Login} idle {counts.Idle} used {counts.Used} tested {counts.Tested} active {counts.Active} being canceled {counts.BeingCanceled} closing {counts.Closing}";
}
