using FastPool.Core.Pools;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>
/// A Bind gets its server before anybody looks for its names. One whose names have no end costs its client, and the server
/// comes back as it went.
/// </summary>
public sealed class BrokenBindTests
{
    private static readonly byte[] Broken = Wire.Typed('B', [(byte)'p', (byte)'q']);

    private readonly TransactionPath _path = new();

    private Pool Pool => _path.Registry.PoolList[0];

    [Fact]
    public void A_server_that_is_free_hears_nothing_of_it()
    {
        var other = _path.LogIn();
        AssertEnds(_path.LogIn(), sends: Broken);
        AssertIsServed(other);
    }

    [Fact]
    public void A_server_that_is_waited_for_hears_nothing_of_it()
    {
        var other = _path.LogIn();
        var client = _path.LogIn();
        other.PeerWrite(TransactionPath.SimpleQuery());
        _path.Elapse(0.01);
        client.PeerWrite(Broken);
        _path.Elapse(0.01);
        Assert.Equal(1, Pool.Counts.Waiting);
        _path.Server!.PeerTake(TransactionPath.SimpleQuery().Length);
        _path.Server.PeerWrite(TransactionPath.SimpleReply());
        AssertEnds(client, sends: []);
        other.PeerTake(TransactionPath.SimpleReply().Length);
        AssertIsServed(other);
    }

    private void AssertEnds(MemorySocket client, byte[] sends)
    {
        client.PeerWrite(sends);
        _path.Elapse(0.01);
        Assert.True(client.IsPoolerClosed);
        Assert.Equal(0, _path.Server!.PeerInput.Length);
        Assert.False(_path.Server.IsPoolerClosed);
        Assert.Equal((1, 0, 0), (Pool.Counts.Idle, Pool.Counts.Active, Pool.Counts.Waiting));
    }

    private void AssertIsServed(MemorySocket client)
    {
        _path.Transact([client], TransactionPath.SimpleQuery(), TransactionPath.SimpleReply());
        Assert.Equal(1, Pool.Counts.Idle);
    }
}
