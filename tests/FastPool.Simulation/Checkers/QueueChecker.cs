using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>
/// Waiters are served in order of arrival, and none waits longer than query_wait_timeout. A client that left the queue during
/// a turn and has, or gets, a server must have stood before all that still wait in it. Those of other loops that came in the
/// same step of time do not count.
/// </summary>
internal sealed class QueueChecker(World world) : Checker(world)
{
    private const long SlackUs = 3_000_000; // The janitor's period, and turns of the loops that come late.

    private readonly List<(ClientSession Client, Chain<PoolClient> Queue, long SinceUs)> _before = [];

    internal override void BeforeTurn()
    {
        _before.Clear();
        foreach (var connection in World.ClientConnections)
        {
            if (connection.Session.Queue is { } queue && queue.Oldest == connection.Session) Note(queue);
        }
    }

    private void Note(Chain<PoolClient> queue)
    {
        for (var client = queue.Oldest; client is not null; client = client.Newer)
            _before.Add(((ClientSession)client, queue, client.WaitStartUs));
    }

    internal override void AfterTurn()
    {
        CheckOrder();
        if (World.Plan.QueryWaitTimeoutUs == 0) return;
        foreach (var connection in World.ClientConnections)
        {
            var client = connection.Session;
            if (client.Queue is null) continue;
            Holds(World.Clock.NowUs - client.WaitStartUs < World.Plan.QueryWaitTimeoutUs
                + SlackUs, $"client {client.Id} has waited for {(World.Clock.NowUs - client.WaitStartUs) / 1000} ms");
        }
    }

    private void CheckOrder()
    {
        for (var i = _before.Count - 1; i >= 0; i--)
        {
            var (client, queue, sinceUs) = _before[i];
            if (client.Queue is not null || !HasServer(client)) continue;
            for (var older = i - 1; older >= 0 && _before[older].Queue == queue; older--)
            {
                var other = _before[older];
                var isSameStep = other.Client.Loop != client.Loop && sinceUs - other.SinceUs < Limits.ArrivalStepUs;
                // Canceled in the queue, and back behind the others, with its next request, within the same turn.
                var cameBack = other.Client.WaitStartUs != other.SinceUs;
                Holds(isSameStep || cameBack || other.Client.Queue != queue,
                    $"client {client.Id} was served before client {other.Client.Id}, who came first");
            }
        }
    }

    private bool HasServer(ClientSession client)
    {
        if (client.Server is not null) return true;
        foreach (var server in World.ServerConnections)
        {
            if (server.Session.Grantee == client) return true;
        }
        return false;
    }
}
