using FastPool.Core.Sessions;
using FastPool.Tests.Harness;
using static FastPool.Tests.Harness.PreparedTalk;

namespace FastPool.Tests.Core.Sessions;

/// <summary>
/// A client's unnamed statement stays its own, whatever server it comes to; names count when replies have come.
/// </summary>
public sealed class UnnamedStatementTests
{
    private readonly PreparedTalk _talk = new();
    private readonly ServerSession _server;
    private readonly ClientSession _client;

    public UnnamedStatementTests()
    {
        _server = _talk.NewServer();
        _client = _talk.NewClient(_server);
        _server.Link.Begin(_client);
    }

    /// <summary>The client on another server, or another client on this one.</summary>
    private static void Link(ServerSession server, ClientSession client)
    {
        client.Link?.LoseServer();
        server.Link.LoseServer();
        server.Link.Begin(client);
    }

    private void Prepare(ClientSession client, string text)
    {
        Assert.Equal("P", _talk.Says(client, Parse("", text)));
        _talk.Says(client, Describe(""));
        _talk.Says(client, Sync);
        Answers(client.Server!, "1 n Z");
    }

    private string SaysBind(ClientSession client) => _talk.Says(client, Bind(""));

    [Fact]
    public void On_the_server_that_has_it_a_Bind_goes_as_it_is()
    {
        Prepare(_client, "select 1");
        Link(_server, _client);
        Assert.Equal("B", SaysBind(_client));
        Assert.Equal(0, _server.Context.Figures.UnnamedHealed);
    }

    [Fact]
    public void On_another_server_it_is_prepared_first_and_the_client_does_not_hear_of_it()
    {
        Prepare(_client, "select 1");
        var other = _talk.NewServer();
        Link(other, _client);
        Assert.Equal("P B", SaysBind(_client));
        Assert.Equal(1, other.Context.Figures.UnnamedHealed);
        _talk.Says(_client, Sync);
        Assert.Equal(Verdict.Skip, Answers(other, "1"));
        Assert.Equal(Verdict.Forward, Answers(other, "2 Z"));
        Assert.Equal("B", SaysBind(_client));
    }

    [Fact]
    public void It_is_prepared_again_after_another_client_has_prepared_its_own()
    {
        Prepare(_client, "select 1");
        var next = _talk.NewClient(_server);
        Link(_server, next);
        Prepare(next, "select 2");
        Link(_server, _client);
        Assert.Equal("P B", SaysBind(_client));
    }

    /// <summary>It may not find another client's: PostgreSQL says that it does not exist.</summary>
    [Fact]
    public void A_client_without_one_makes_the_server_drop_what_it_has()
    {
        Prepare(_client, "delete from t");
        var next = _talk.NewClient(_server);
        Link(_server, next);
        Assert.Equal("C B", SaysBind(next));
        _talk.Says(next, Sync);
        Assert.Equal(Verdict.Skip, Answers(_server, "3"));
        Assert.Equal(Verdict.Forward, Answers(_server, "E:26000 Z"));
        Assert.True(_server.OwesNothing);
        Link(_server, _client);
        Assert.Equal("P B", SaysBind(_client)); // It is gone from there.
    }

    [Theory]
    [InlineData("query")]
    [InlineData("close")]
    [InlineData("failed parse")]
    public void A_query_a_Close_and_a_failed_Parse_drop_it_as_in_PostgreSQL(string what)
    {
        Prepare(_client, "select 1");
        switch (what)
        {
            case "query":
                _talk.Says(_client, Query("select 2"));
                Answers(_server, "C:SELECT~1 Z");
                break;
            case "close":
                _talk.Says(_client, Close(""));
                _talk.Says(_client, Sync);
                Answers(_server, "3 Z");
                break;
            default:
                _talk.Says(_client, Parse("", "selec 1"));
                _talk.Says(_client, Sync);
                Answers(_server, "E:42601 Z");
                break;
        }
        Link(_talk.NewServer(), _client);
        Assert.Equal("C B", SaysBind(_client));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_skipped_request_changes_nothing(bool isQuery)
    {
        Prepare(_client, "select 1");
        var other = _talk.NewServer();
        Link(other, _client);
        _talk.Says(_client, Execute);
        _talk.Says(_client, isQuery ? Query("select 2") : Parse("", "select 2"));
        _talk.Says(_client, Sync);
        Answers(other, "E:34000 Z");
        Assert.Equal("P B", SaysBind(_client)); // The first one, and this server has none.
        Assert.EndsWith("select 1\0\0\0", Text(_client), StringComparison.Ordinal);
    }

    private static string Text(ClientSession client) => System.Text.Encoding.Latin1.GetString(client.Unnamed!.Text);

    [Fact]
    public void A_Bind_waits_while_the_Parse_before_it_may_have_been_skipped()
    {
        _talk.Says(_client, Parse("", "select 1"));
        _talk.Says(_client, Sync);
        Assert.Equal("waits", SaysBind(_client));
        Answers(_server, "1 Z");
        Assert.Equal("B", SaysBind(_client));
    }

    [Fact]
    public void A_query_of_the_poolers_own_drops_it_on_the_server_alone()
    {
        Prepare(_client, "select 1");
        _server.Link.LoseServer();
        _server.BeginTest(FastPool.Core.Pools.ServerEvent.Reset);
        Answers(_server, "C:DISCARD~ALL Z");
        _server.Link.Begin(_client);
        Assert.Equal("P B", SaysBind(_client));
    }

    [Fact]
    public void One_too_long_to_be_kept_is_bound_where_it_was_prepared_and_nowhere_else()
    {
        Assert.Equal("P B", Kept(_talk, isLong: false));
        Assert.Equal("C B", Kept(_talk, isLong: true));
    }

    private static string Kept(PreparedTalk talk, bool isLong)
    {
        var server = talk.NewServer();
        var client = talk.NewClient(server);
        server.Link.Begin(client);
        var message = Parse("", "select 1");
        var length = isLong ? message.Length + 1 : message.Length; // The rest has not come.
        Assert.True(client.ApplyUnnamed((byte)'P', StatementNames.Find((byte)'P', message, length), message, length,
            new FastPool.Protocol.MessageBuffer()));
        Answers(server, "1");
        talk.Says(client, Sync);
        Answers(server, "Z");
        Assert.Equal("B", talk.Says(client, Bind("")));
        talk.Says(client, Sync);
        Answers(server, "2 Z");
        Link(talk.NewServer(), client);
        return talk.Says(client, Bind(""));
    }

    // ---- names ----------------------------------------------------------------------------------------------------

    /// <summary>PostgreSQL skips to the Sync, and has the old one.</summary>
    [Fact]
    public void A_Close_and_a_Parse_behind_an_error_leave_the_name_as_it_was()
    {
        Assert.Equal("P1", _talk.Says(_client, Parse("k", "select 1")));
        _talk.Says(_client, Sync);
        Answers(_server, "1 Z");
        _talk.Says(_client, Execute);
        Assert.Equal("", _talk.Says(_client, Close("k")));
        Assert.Equal("P2", _talk.Says(_client, Parse("k", "select 2")));
        _talk.Says(_client, Sync);
        Assert.Equal("waits", _talk.Says(_client, Bind("k")));
        Answers(_server, "E:34000 Z");
        Assert.Equal("B1", _talk.Says(_client, Bind("k")));
        Assert.Equal(1, _client.StatementCount);
    }

    [Fact]
    public void A_name_in_use_is_refused_by_the_server_and_the_connection_goes_on()
    {
        Assert.Equal("P1", _talk.Says(_client, Parse("k", "select 1")));
        _talk.Says(_client, Sync);
        Answers(_server, "1 Z");
        Assert.Equal("P1", _talk.Says(_client, Parse("k", "select 2")));
        _talk.Says(_client, Sync);
        Assert.Equal(Verdict.Skip, _server.Judge((byte)'E', Wire.Typed('E',
            [.. Wire.Strings("SERROR", "C42P05", "Mprepared statement \"PGBOUNCER_1\" already exists", "Fprepare.c"), 0])));
        var output = new FastPool.Protocol.MessageBuffer();
        _server.TakeOwnReplies(output);
        Assert.Equal(Wire.Typed('E',
            [.. Wire.Strings("SERROR", "C42P05", "Mprepared statement \"k\" already exists", "Fprepare.c"), 0]),
            output.WrittenSpan.ToArray());
        Assert.False(_server.HasOwnReplies);
        Answers(_server, "Z");
        Assert.Equal("B1", _talk.Says(_client, Bind("k")));
        Assert.True(_server.StatementCount == 1 && _client.StatementCount == 1);
    }

    [Fact]
    public void A_name_that_does_not_exist_is_refused_by_the_server_and_the_connection_goes_on()
    {
        Assert.Equal("B0", _talk.Says(_client, Bind("k")));
        _talk.Says(_client, Sync);
        _server.Judge((byte)'E', Wire.Typed('E', [.. Wire.Strings("SERROR", "C26000", "M\"PGBOUNCER_0\" is not there"), 0]));
        var output = new FastPool.Protocol.MessageBuffer();
        _server.TakeOwnReplies(output);
        var error = System.Text.Encoding.Latin1.GetString(output.WrittenSpan);
        Assert.Contains("\"k\" is not there", error, StringComparison.Ordinal);
        Answers(_server, "Z");
        Assert.True(_server.OwesNothing);
    }

    /// <summary>A command that drops all may fail: then the name is still in use.</summary>
    [Fact]
    public void A_Parse_of_a_name_that_a_command_may_drop_waits_for_the_reply_to_it()
    {
        Assert.Equal("P1", _talk.Says(_client, Parse("k", "select 1")));
        _talk.Says(_client, Sync);
        Answers(_server, "1 Z");
        _talk.Says(_client, Query("discard all"));
        Assert.Equal("waits", _talk.Says(_client, Parse("k", "select 2")));
        Answers(_server, "E:25001 Z:E");
        Assert.Equal("P1", _talk.Says(_client, Parse("k", "select 2"))[^2..]); // Refused.
        _talk.Says(_client, Parse("", "deallocate all"));
        _talk.Says(_client, Bind(""));
        _talk.Says(_client, Execute);
        Assert.NotEqual("waits", _talk.Says(_client, Parse("k", "select 2"))); // No reply may come before the Sync.
    }

    /// <summary>The reply to a drop has come; that to the present segment comes behind a Sync, which has not been sent.</summary>
    [Fact]
    public void A_Parse_does_not_wait_for_a_Sync_that_has_not_been_sent()
    {
        Assert.Equal("P1", _talk.Says(_client, Parse("k", "select 1")));
        _talk.Says(_client, Sync);
        Answers(_server, "1 Z");
        _talk.Says(_client, Query("deallocate all"));
        _talk.Says(_client, Parse("j", "select 3"));
        Answers(_server, "C:DEALLOCATE~ALL Z"); // The Parse behind it is outstanding.
        Assert.NotEqual("waits", _talk.Says(_client, Parse("k", "select 2")));
    }

    /// <summary>PostgreSQL refuses a Parse in a transaction that has failed, whatever the server has.</summary>
    [Fact]
    public void In_a_failed_transaction_no_Parse_is_answered_for_the_server()
    {
        Assert.Equal("P1", _talk.Says(_client, Parse("k", "select 1")));
        _talk.Says(_client, Sync);
        Answers(_server, "1 Z:E");
        Assert.Equal("C1 P1", _talk.Says(_client, Parse("j", "select 1")));
    }
}
