using FastPool.Core.Pools;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>
/// A mistake of ours in the middle of a dial: the owner of the place in the pool gives it back, and the next try comes after
/// server_login_retry.
/// </summary>
public sealed class FailingDialTests
{
    private readonly TransactionPath _path = new(settings: "server_login_retry=1\ndefault_pool_size=3");
    private bool _isBroken;

    public FailingDialTests()
    {
        var entry = _path.Registry.FindDatabase("d", out _)!.Entry;
        entry.Hosts = new MinedHosts(entry.Hosts, () =>
        {
            if (_isBroken) throw new MineException();
        });
    }

    private Pool Pool => _path.Registry.PoolList.Single(static pool => pool.Database.Name == "d");

    private long BrokenInvariants => _path.View.Figures.BrokenInvariants;

    private void IsServedInTheEnd(MemorySocket client)
    {
        Assert.Equal(0, Pool.Counts.Login);
        Assert.Equal(0, Pool.Database.Servers.Count);
        _isBroken = false;
        var before = _path.Dialed.Count;
        _path.Elapse(1.5, () => _path.Dialed.Count > before && _path.TryWelcomePooler());
        _path.Elapse(0.01);
        Assert.Equal(before + 1, _path.Dialed.Count);
        Assert.Equal(1, Pool.Counts.Servers);
        Assert.Equal((byte)'R', client.PeerInput[0]);
    }

    [Fact]
    public void When_the_next_address_is_looked_for_the_failed_connection_still_has_the_place()
    {
        var client = _path.Connect("user", "ann", "database", "d");
        _path.Elapse(0.01, () => _path.Server is not null);
        _isBroken = true;
        _path.Server!.PeerClose();
        _path.Elapse(0.5);
        Assert.InRange(BrokenInvariants, 1, 2);
        IsServedInTheEnd(client);
    }

    [Fact]
    public void When_a_dial_begins_the_pool_has_its_place_back()
    {
        _isBroken = true;
        var client = _path.Connect("user", "ann", "database", "d");
        _path.Elapse(0.5);
        Assert.Equal(1, BrokenInvariants);
        IsServedInTheEnd(client);
    }

    [Fact]
    public void After_a_dial_for_one_client_alone_no_more_are_opened_than_are_wanted()
    {
        _isBroken = true;
        var replica = _path.Connect("user", "ann", "database", "d", "replication", "true");
        _path.Elapse(0.5);
        Assert.True(replica.IsPoolerClosed);
        var first = _path.Connect("user", "ann", "database", "d");
        IsServedInTheEnd(first);
        var second = _path.Connect("user", "ann", "database", "d");
        _path.Elapse(0.01);
        first.PeerWrite(TransactionPath.SimpleQuery());
        _path.Elapse(0.01);
        second.PeerWrite(TransactionPath.SimpleQuery());
        _path.Elapse(0.01);
        Assert.Equal((1, 1), (Pool.Counts.Active, Pool.Counts.Login));
    }
}
