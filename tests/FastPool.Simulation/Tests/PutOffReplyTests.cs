using FastPool.Base;
using FastPool.Net;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>A reply that is put off, to leave with others, does not wait for all else that its loop has to do.</summary>
public sealed class PutOffReplyTests
{
    private readonly TransactionPath _path = new();
    private readonly Loop _loop;
    private readonly MemorySocket _client;

    public PutOffReplyTests()
    {
        _loop = _path.Group.All[0];
        _client = _path.LogIn();
        _path.Turn();
    }

    /// <summary>The first letter of a mail: a reply is ready.</summary>
    private void PostReply() =>
        _loop.Post(new ActionLetter(loop => Assert.True(loop.Engine.Send(loop.ClientList[0], "reply"u8))));

    [Fact]
    public void It_waits_for_a_few_letters_of_a_long_mail()
    {
        var waitedFor = 0;
        PostReply();
        for (var i = 0; i < 1_000; i++) _loop.Post(new ActionLetter(_ => waitedFor += _client.PeerInput.IsEmpty ? 1 : 0));
        _path.Turn();
        Assert.InRange(waitedFor, 1, Limits.DeliveriesPutOffMax);
        Assert.Equal("reply"u8, _client.PeerInput);
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(2 * Limits.DeliveriesPutOffMax, true)]
    public void It_waits_for_the_timers_of_a_few_pools(int pools, bool hasLeft)
    {
        var database = _path.Registry.PoolList[0].Database;
        for (var i = 0; i < pools; i++)
            _loop.SetTimer(_path.Registry.GetPool(database, $"u{i}"), _path.NowUs);
        PostReply();
        _path.Turn();
        Assert.Equal(hasLeft, !_client.PeerInput.IsEmpty);
        _path.Turn();
        Assert.Equal("reply"u8, _client.PeerInput);
    }
}
