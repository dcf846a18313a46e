using FastPool.Core.Sessions;
using static FastPool.Tests.Harness.PreparedTalk;

namespace FastPool.Tests.Core.Sessions;

/// <summary>Syncs around COPY data, of which the replies alone do not tell whether they were answered.</summary>
public sealed class CopyInDoubtTests
{
    private readonly PreparedTalk _talk = new();
    private readonly ServerSession _server;
    private readonly ClientSession _client;

    public CopyInDoubtTests()
    {
        _server = _talk.NewServer();
        _client = _talk.NewClient(_server);
        _server.Link.Begin(_client);
        Assert.Equal("P1", _talk.Says(_client, Parse("known", "select 1")));
        _talk.Says(_client, Sync);
        Answers(_server, "1 Z");
    }

    private string Fakes()
    {
        var output = new Protocol.MessageBuffer();
        _server.TakeOwnReplies(output);
        return System.Text.Encoding.Latin1.GetString(output.WrittenSpan).TrimEnd('\0', '\u0004');
    }

    /// <summary>
    /// The COPY read past the first Sync and failed at its data, so the second Sync got the ReadyForQuery. The place that is too
    /// many goes when the reply to the third statement comes, and before that reply goes out the pooler's own to the second one.
    /// </summary>
    [Fact]
    public void A_faked_reply_behind_an_unanswered_Sync_goes_out_before_the_reply_behind_it()
    {
        foreach (var message in new[] { Execute, Sync, Wire.Typed('d', 1), Sync, Wire.Typed('c') })
            _talk.Says(_client, message);
        Assert.Equal("", _talk.Says(_client, Close("known")));
        Assert.Equal("P2", _talk.Says(_client, Parse("other", "select 2")));
        _talk.Says(_client, Sync);

        Assert.Equal(Verdict.Forward, Answers(_server, "G E:22P04 Z"));
        Assert.Equal(Verdict.FakesFirst, Answers(_server, "1"));
        Assert.Equal("3", Fakes());
        Assert.Equal(Verdict.Forward, Answers(_server, "1"));
        Assert.Equal(Verdict.Forward, Answers(_server, "Z"));
        Assert.Equal(LinkHold.None, _server.Link.Hold);
        Assert.True(_server.OwesNothing);
        Assert.Equal(2, _server.StatementCount);
    }

    /// <summary>
    /// Behind a Query that may be a COPY itself no fence may go, and so a Sync is left that was read past. When the client says
    /// something new, having all its replies, the fence goes out first: the faked replies of later pipelines stand in their
    /// places.
    /// </summary>
    [Theory]
    [InlineData("3 Z:E")]
    [InlineData("Z:E 3 Z:E")]
    public void A_Sync_left_in_doubt_is_fenced_off_before_the_clients_next_message(string answers)
    {
        foreach (
            var message in new[] { Query("begin"), Parse("", "copy t from stdin"), Bind(""), Execute, Sync,
            Wire.Typed('d', 1) }) _talk.Says(_client, message);
        Assert.Equal("c", _talk.Says(_client, Wire.Typed('c')));
        Assert.Equal("S", _talk.Says(_client, Sync));
        Answers(_server, "C:BEGIN Z:T 1 2 G E:22P04 Z:E");
        Assert.Equal(1, _server.Outstanding.Count);

        Assert.Equal("C0 S Q", _talk.Says(_client, Query("rollback")));
        Answers(_server, answers);
        Assert.Equal(1, _server.Outstanding.Count); // The rollback's.
        Assert.Equal("Q", _talk.Says(_client, Query("select 1")));
        Answers(_server, "C:ROLLBACK Z C:SELECT~1 Z");
        Assert.Equal(LinkHold.None, _server.Link.Hold);
    }

    /// <summary>A fence has a Sync, and a Sync in the middle of a segment would end it.</summary>
    [Fact]
    public void No_fence_goes_into_a_segment_that_is_open()
    {
        foreach (
            var message in new[] { Parse("", "copy v from stdin"), Bind(""), Execute, Sync, Wire.Typed('c'), Sync,
            Query("begin"), Parse("", "set timezone = 'x'"), Bind(""), Execute }) _talk.Says(_client, message);
        Answers(_server, "1 2 G E:55000 Z Z C:BEGIN Z:T 1 2 C:SET");
        Assert.Equal("P", _talk.Says(_client, Parse("", "select 1")));
    }

    [Fact]
    public void A_reply_of_the_servers_never_takes_the_place_of_a_faked_one()
    {
        var queue = new OutstandingQueue();
        queue.Add((byte)'P', ReplyAction.Fake);
        Assert.False(queue.TryPop((byte)'P', out _));
        Assert.Equal(1, queue.FakeCount);
    }
}
