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
