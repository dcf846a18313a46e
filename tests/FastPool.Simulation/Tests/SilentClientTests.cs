using FastPool.Native;
using FastPool.Net;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>dead_peer_timeout: clients that acknowledge nothing any more.</summary>
public sealed class SilentClientTests
{
    private static TransactionPath PathWith(int seconds) =>
        new(settings: "query_wait_timeout=0", databases: $"d = host=127.0.0.1\n[fastpool]\ndead_peer_timeout={seconds}");

    /// <summary>From now on those with a server acknowledge nothing.</summary>
    private static void Silence(TransactionPath path)
    {
        var asked = 0;
        path.Engines[0].Health = endpoint => endpoint is ClientConnection { Server: not null }
            ? new TcpHealth(true, 10, path.NowUs / 1_000, ++asked, 0) : new TcpHealth(true, 0, 0, 0, 0);
    }

    [Fact]
    public void One_that_was_quiet_while_it_waited_is_asked_about_once_it_has_a_server()
    {
        var path = PathWith(20);
        path.Engines[0].Health = static _ => new TcpHealth(true, 0, 0, 0, 0);
        var holder = path.LogIn();
        for (var i = 0; i < DueBlocks.Size; i++) path.LogIn(); // So the waiter is in another block than the holder.
        var waiter = path.LogIn();
        holder.PeerWrite(TransactionPath.SimpleQuery());
        path.Elapse(0.01);
        waiter.PeerWrite(TransactionPath.SimpleQuery());
        path.Elapse(40);
        Silence(path);
        path.Server!.PeerWrite(TransactionPath.SimpleReply());
        path.Elapse(40, () => waiter.IsPoolerClosed);
        Assert.True(waiter.IsPoolerClosed);
        Assert.False(holder.IsPoolerClosed);
    }

    [Fact]
    public void A_lower_time_holds_at_once()
    {
        var path = PathWith(3_600);
        var client = path.LogIn();
        client.PeerWrite(TransactionPath.SimpleQuery());
        path.Elapse(1);
        Silence(path);
        path.Elapse(1);
        path.Registry.Apply(PathWith(20).Registry.Settings); // As a RELOAD does.
        path.Elapse(40, () => client.IsPoolerClosed);
        Assert.True(client.IsPoolerClosed);
    }
}
