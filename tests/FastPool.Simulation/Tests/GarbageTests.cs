using FastPool.Base;
using FastPool.Net;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>Garbage is counted for the whole process: no other test runs meanwhile.</summary>
[CollectionDefinition(nameof(GarbageTests), DisableParallelization = true)]
[Collection(nameof(GarbageTests))]
public sealed class GarbageTests
{
    private static void Leave(TransactionPath path, IEnumerable<MemorySocket> clients)
    {
        foreach (var client in clients) client.PeerClose();
        path.Elapse(0.1);
        Assert.Equal(0, path.Registry.Clients.Count);
    }

    [Fact]
    public void Clients_that_leave_are_garbage()
    {
        const int Count = 50;
        var path = new TransactionPath();
        var clients = Enumerable.Range(0, Count).Select(_ => path.LogIn()).ToArray();
        var before = GivenUp.Bytes;
        Leave(path, clients);
        Assert.Equal(Count * Loop.ClientBytes, GivenUp.Bytes - before);
    }

    [Fact]
    public void Room_that_a_crowd_has_needed_goes_when_the_pooler_has_come_to_rest()
    {
        const int Count = 1_000;
        var path = new TransactionPath(clientsMax: Count);
        var loop = path.Group.All[0];
        var clients = Enumerable.Range(0, Count).Select(_ => path.LogIn()).ToArray();
        Assert.True(loop.ClientList.Peers.Room >= Count / DueBlocks.Size);
        Leave(path, clients);
        Assert.True(loop.ClientList.Peers.Room >= Count / DueBlocks.Size);
        var before = GivenUp.Bytes;
        MemoryRest.Begin();
        path.Elapse(2);
        Assert.True(GivenUp.Bytes > before);
        foreach (var list in new[] { loop.ClientList, loop.LoginList })
        {
            Assert.InRange(list.Room, 0, 2 * ConnectionList<ClientConnection>.SmallestRoom);
            Assert.InRange(list.Peers.Room, 0, 8);
            Assert.InRange(list.TimeOuts.Room, 0, 8);
        }
        path.Transact([path.LogIn()], TransactionPath.SimpleQuery(), TransactionPath.SimpleReply());
    }

    [Fact]
    public void One_that_moves_is_none_before_it_leaves()
    {
        var path = new TransactionPath(loops: 2);
        var client = path.LogIn();
        var before = GivenUp.Bytes;
        Assert.True(path.Group.All[0].ClientList[0].TryMoveTo(1));
        path.Elapse(0.01);
        Assert.Single(path.Group.All[1].ClientList);
        Assert.Equal(0, GivenUp.Bytes - before);
        Leave(path, [client]);
        Assert.Equal(Loop.ClientBytes, GivenUp.Bytes - before);
    }
}
