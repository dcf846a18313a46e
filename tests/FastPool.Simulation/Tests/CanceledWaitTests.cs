using System.Buffers.Binary;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>Clients whose request is canceled while it waits for a server, byte by byte.</summary>
public sealed class CanceledWaitTests
{
    private readonly TransactionPath _path = new(loops: 2);
    private readonly MemorySocket _holder;
    private readonly MemorySocket _client;
    private readonly byte[] _key = new byte[8];

    public CanceledWaitTests()
    {
        _holder = _path.LogIn();
        _client = _path.LogIn();
        BinaryPrimitives.WriteUInt64BigEndian(_key, _path.View.Clients[1].CancelKey);
        _holder.PeerWrite(TransactionPath.SimpleQuery());
        TurnAll();
        TakeFromServer();
    }

    private void TurnAll()
    {
        for (var i = 0; i < 20; i++) _path.Turn(i % 2);
    }

    private byte[] TakeFromServer()
    {
        var bytes = _path.Server!.PeerInput.ToArray();
        _path.Server.PeerTake(bytes.Length);
        return bytes;
    }

    /// <summary>The types of the messages that the client has got.</summary>
    private string Got()
    {
        TurnAll();
        var bytes = _client.PeerInput.ToArray();
        _client.PeerTake(bytes.Length);
        var types = "";
        for (int at = 0, length; (length = Wire.Frame(bytes.AsSpan(at), out var type)) > 0; at += length)
        {
            types += type;
            if (type == 'E') Assert.True(bytes.AsSpan(at, length).IndexOf("57014"u8) > 0);
        }
        return types;
    }

    private string Cancel(int loop = 0)
    {
        var requester = _path.ConnectCancel(_key);
        for (var i = 0; i < 4; i++) _path.Turn(loop);
        var types = Got();
        Assert.True(requester.IsPoolerClosed);
        return types;
    }

    private void Say(params byte[][] messages)
    {
        foreach (var message in messages) _client.PeerWrite(message);
        TurnAll();
    }

    /// <summary>The server becomes free; the client asks for something, gets it, and the server has seen nothing else.</summary>
    private void GoesOnWell(bool isFree = false)
    {
        if (!isFree) _path.Server!.PeerWrite(TransactionPath.SimpleReply());
        TurnAll();
        Assert.Empty(TakeFromServer());
        Say(TransactionPath.SimpleQuery());
        Assert.Equal(TransactionPath.SimpleQuery(), TakeFromServer());
        _path.Server!.PeerWrite(TransactionPath.SimpleReply());
        Assert.Equal("TDCZ", Got());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_query_is_answered_at_once_and_never_runs(int loop)
    {
        Say(TransactionPath.SimpleQuery());
        Assert.Equal("EZ", Cancel(loop));
        GoesOnWell();
    }

    [Fact]
    public void Only_the_first_of_several_queries_is_canceled()
    {
        Say(TransactionPath.SimpleQuery(), Wire.Query("select 2"));
        Assert.Equal("EZ", Cancel());
        _path.Server!.PeerWrite(TransactionPath.SimpleReply());
        TurnAll();
        Assert.Equal(Wire.Query("select 2"), TakeFromServer());
        _path.Server.PeerWrite(TransactionPath.SimpleReply());
        Assert.Equal("TDCZ", Got());
    }

    [Fact]
    public void Two_cancel_requests_cancel_two_queries()
    {
        Say(TransactionPath.SimpleQuery(), Wire.Query("select 2"));
        Assert.Equal("EZ", Cancel());
        Assert.Equal("EZ", Cancel());
        GoesOnWell();
    }

    [Fact]
    public void A_batch_is_read_past_up_to_its_Sync_and_its_statement_was_never_prepared()
    {
        var batch = new[] { Wire.Parse("s", "select 1"), Wire.Bind("", "s", "x"), Wire.Execute("", 0), Wire.Typed('S') };
        Say(batch);
        Assert.Equal("EZ", Cancel());
        Assert.Equal(0, _path.View.Clients[1].StatementCount);
        GoesOnWell();
    }

    [Fact]
    public void The_rest_of_a_batch_that_comes_later_is_read_past_too()
    {
        Say(Wire.Parse("s", "select 1"), Wire.Bind("", "s", "x"));
        Assert.Equal("E", Cancel());
        // PostgreSQL, too, reads past a query there.
        Say(Wire.Execute("", 0), TransactionPath.SimpleQuery(), Wire.Typed('H'), Wire.Parse("s", "select 1")[..7]);
        Assert.Equal("", Got());
        Say(Wire.Parse("s", "select 1")[7..], Wire.Typed('S'), Wire.Typed('S'));
        Assert.Equal("Z", Got()); // The second Sync waits for a server.
        _path.Server!.PeerWrite(TransactionPath.SimpleReply());
        TurnAll();
        Assert.Equal(Wire.Typed('S'), TakeFromServer());
        _path.Server.PeerWrite(TransactionPath.Reply('Z'));
        Assert.Equal("Z", Got());
        GoesOnWell(isFree: true);
    }

    [Fact]
    public void The_rest_of_a_long_query_is_read_past_and_then_it_is_over()
    {
        var query = Wire.Query(new string('x', 100_000));
        Say(query[..50_000]);
        Assert.Equal("E", Cancel());
        Say(query[50_000..]);
        Assert.Equal("Z", Got());
        GoesOnWell();
    }

    [Fact]
    public void A_lone_Sync_has_nothing_to_cancel()
    {
        Say(Wire.Typed('S'));
        Assert.Equal("Z", Cancel());
        GoesOnWell();
    }

    [Fact]
    public void A_lone_Flush_has_nothing_to_cancel_and_does_not_wait()
    {
        Say(Wire.Typed('H'));
        Assert.Equal(0, _path.Registry.PoolList[0].Counts.Waiting);
        Assert.Equal("", Cancel());
        GoesOnWell();
    }

    [Fact]
    public void A_Flush_before_a_Sync_is_nothing_that_could_be_canceled()
    {
        Say(Wire.Typed('H'), Wire.Typed('S'));
        Assert.Equal("Z", Cancel());
        GoesOnWell();
    }

    [Fact]
    public void A_Flush_before_a_query_goes_the_way_of_the_query()
    {
        Say(Wire.Typed('H'), TransactionPath.SimpleQuery());
        Assert.Equal("EZ", Cancel());
        GoesOnWell();
    }

    [Fact]
    public void A_Flush_behind_a_canceled_batch_is_not_canceled_again()
    {
        Say(Wire.Parse("", "select 1"), Wire.Typed('H'));
        Assert.Equal("E", Cancel());
        Say(Wire.Bind("", "", "x"), Wire.Execute("", 0), Wire.Typed('H'), Wire.Typed('S'), Wire.Typed('H'));
        Assert.Equal("Z", Got());
        Assert.Equal(0, _path.Registry.PoolList[0].Counts.Waiting);
        Assert.Equal("", Cancel());
        GoesOnWell();
    }

    [Fact]
    public void A_client_may_say_goodbye_in_the_middle_of_a_canceled_batch()
    {
        Say(Wire.Parse("s", "select 1"));
        Assert.Equal("E", Cancel());
        Say(Wire.Typed('X'));
        Assert.True(_client.IsPoolerClosed);
        Assert.Equal(0, _path.Registry.PoolList[0].Counts.Waiting);
    }

    [Fact]
    public void A_canceled_client_that_waits_again_stands_at_the_end_of_the_queue()
    {
        var other = _path.LogIn();
        Say(TransactionPath.SimpleQuery());
        other.PeerWrite(Wire.Query("select 3"));
        TurnAll();
        Assert.Equal("EZ", Cancel());
        Say(Wire.Query("select 4"));
        _path.Server!.PeerWrite(TransactionPath.SimpleReply());
        TurnAll();
        Assert.Equal(Wire.Query("select 3"), TakeFromServer());
        _path.Server.PeerWrite(TransactionPath.SimpleReply());
        TurnAll();
        Assert.Equal(Wire.Query("select 4"), TakeFromServer());
    }
}
