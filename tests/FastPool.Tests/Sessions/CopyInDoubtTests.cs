using FastPool.Core.Sessions;
using static FastPool.Tests.Sessions.PreparedTalk;

namespace FastPool.Tests.Sessions;

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
        _server.Link(_client);
        Assert.Equal("P1", _talk.Says(_client, Parse("known", "select 1")));
        _talk.Says(_client, Sync);
        Answers(_server, "1 Z");
    }

    private string Fakes()
    {
        var output = new Protocol.MessageBuffer();
        _server.TakeFakes(output);
        return System.Text.Encoding.Latin1.GetString(output.WrittenSpan).TrimEnd('\0', '\u0004');
    }

    /// <summary>
    /// The COPY read past the first Sync and failed at its data, so the second Sync got the ReadyForQuery. The place that is too many goes when the reply to
    /// the third statement comes, and before that reply goes out the pooler's own to the second one.
    /// </summary>
    [Fact]
    public void A_faked_reply_behind_an_unanswered_Sync_goes_out_before_the_reply_behind_it()
    {
        foreach (var message in new[] { Execute, Sync, Raw.Message('d', 1), Sync, Raw.Message('c') }) _talk.Says(_client, message);
        Assert.Equal("", _talk.Says(_client, Parse("same", "select 1")));
        Assert.Equal("P2", _talk.Says(_client, Parse("other", "select 2")));
        _talk.Says(_client, Sync);

        Assert.Equal(Verdict.Forward, Answers(_server, "G E:22P04 Z"));
        Assert.Equal(Verdict.FakesFirst, Answers(_server, "1"));
        Assert.Equal("1", Fakes());
        Assert.Equal(Verdict.Forward, Answers(_server, "1"));
        Assert.Equal(Verdict.ForwardAndRelease, Answers(_server, "Z"));
        Assert.True(_server.OwesNothing);
        Assert.Equal(2, _server.StatementCount);
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
