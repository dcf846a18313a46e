using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>
/// Links are mutual, on one loop, and between the living; a linked or travelling server is Active and nothing else is.
/// </summary>
internal sealed class LinkChecker(World world) : Checker(world)
{
    internal override void AfterTurn()
    {
        foreach (var server in World.ServerConnections)
        {
            var session = server.Session;
            if (session.Client is not { } client)
            {
                Holds(server.Client is null, "a connection is linked and its session is not");
                continue;
            }
            Holds(client.Server == session, "a link is not mutual");
            Holds(client.Loop == session.Loop, "a link spans two loops");
            Holds(client.State == ClientState.Active, $"a linked client is {client.State}");
            Holds(server.Client?.Session == client
                && server.Client.Server == server, "connections and sessions are linked differently");
            Holds(session.State == ServerState.Active, $"a linked server is {session.State}");
            Holds(session.Phase is ServerPhase.Linked or ServerPhase.SettingParameters or ServerPhase.Questioned,
                $"a linked server is in {session.Phase}");
        }
    }
}
