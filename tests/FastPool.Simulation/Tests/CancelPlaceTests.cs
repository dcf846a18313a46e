using System.Buffers.Binary;
using FastPool.Core.Sessions;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>
/// Cancel requests of several loops that want one place. The clock stands all but still: no loop looks round by itself.
/// </summary>
public sealed class CancelPlaceTests
{
    private readonly TransactionPath _path = new(
        loops: 3,
        settings: "peer_id=1\ncancel_wait_timeout=0",
        databases: "d = host=127.0.0.1\n[peers]\n2 = host=127.0.0.1 port=6433 pool_size=1");

    private int _requests;

    /// <summary>A request for the other pooler, taken by that loop.</summary>
    private MemorySocket Request(int loop)
    {
        var key = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(key, PeerKey.Of(2, (ulong)++_requests << 8));
        var requester = _path.ConnectCancel(key);
        for (var i = 0; i < 4; i++) _path.Turn(loop);
        return requester;
    }

    private void TurnAll()
    {
        for (var i = 0; i < 12; i++) _path.Turn(i % 3);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void A_place_that_becomes_free_on_one_loop_is_taken_on_another_at_once(int holder, int waiter)
    {
        var first = Request(holder);
        var second = Request(waiter);
        var carrier = Assert.Single(_path.Dialed);
        carrier.PeerClose();
        TurnAll();
        Assert.True(first.IsPoolerClosed);
        Assert.False(second.IsPoolerClosed);
        Assert.Equal(2, _path.Dialed.Count);
        _path.Dialed[1].PeerClose();
        TurnAll();
        Assert.True(second.IsPoolerClosed);
    }

    [Fact]
    public void Places_go_round_in_order_of_arrival_over_all_loops()
    {
        int[] loops = [0, 1, 0, 2, 1, 0, 2];
        var requesters = loops.Select(Request).ToList();
        for (var served = 0; served < requesters.Count; served++)
        {
            Assert.Equal(served + 1, _path.Dialed.Count);
            _path.Dialed[served].PeerClose();
            TurnAll();
            Assert.Equal(served + 1, requesters.Count(static requester => requester.IsPoolerClosed));
            Assert.True(requesters[served].IsPoolerClosed);
        }
    }

    [Fact]
    public void A_requester_that_left_while_it_waited_on_another_loop_holds_nobody_up()
    {
        Request(0);
        var gone = Request(1);
        var last = Request(2);
        _path.ViewOf(1).Close(_path.ViewOf(1).Cancels[0].Client!, "killed");
        TurnAll();
        Assert.True(gone.IsPoolerClosed);
        _path.Dialed[0].PeerClose();
        TurnAll();
        Assert.Equal(2, _path.Dialed.Count);
        _path.Dialed[1].PeerClose();
        TurnAll();
        Assert.True(last.IsPoolerClosed);
    }
}
