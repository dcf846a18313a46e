using System.Text;
using FastPool.Core.Sessions;
using static FastPool.Tests.Harness.PreparedTalk;

namespace FastPool.Tests.Core.Sessions;

/// <summary>
/// Which statements a server is believed to have: after errors, drops and changes of settings that are not announced.
/// </summary>
public sealed class PreparedStatementTests
{
    private readonly PreparedTalk _talk = new();
    private readonly ServerSession _server;
    private readonly ClientSession _client;

    public PreparedStatementTests()
    {
        _server = _talk.NewServer();
        _client = _talk.NewClient(_server);
        _server.Link.Begin(_client);
        Assert.Equal("P1", _talk.Says(_client, Parse("a", "select 1")));
        Assert.Equal("P2", _talk.Says(_client, Parse("b", "select 2")));
        _talk.Says(_client, Sync);
        Answers(_server, "1 1 Z");
        Assert.Equal("B1", _talk.Says(_client, Bind("a")));
        _talk.Says(_client, Sync);
        Answers(_server, "2 Z");
    }

    /// <summary>Another client on the same server.</summary>
    private ClientSession Next()
    {
        var client = _talk.NewClient(_server);
        _server.Link.LoseServer();
        _server.Link.Begin(client);
        return client;
    }

    // ---- dropped behind our back ----------------------------------------------------------------------------------

    /// <summary>A DO block, or whatever drops statements without a tag: one client hears of it, and no other.</summary>
    [Fact]
    public void A_server_that_does_not_know_our_name_is_believed_to_know_none()
    {
        _talk.Says(_client, Bind("a"));
        _talk.Says(_client, Execute);
        _talk.Says(_client, Sync);
        Answers(_server, "E:26000 Z");
        var next = Next();
        Assert.Equal("C1 P1", _talk.Says(next, Parse("x", "select 1")));
        Assert.Equal("B1", _talk.Says(next, Bind("x")));
        _talk.Says(next, Sync);
        Answers(_server, "3 1 2 Z");
        Assert.Equal("C2 P2", _talk.Says(next, Parse("y", "select 2")));
        _talk.Says(next, Sync);
        Answers(_server, "3 1 Z");
        Assert.Equal("B2", _talk.Says(next, Bind("y")));
    }

    [Fact]
    public void So_it_is_when_a_Describe_finds_out()
    {
        var next = Next();
        Assert.Equal(">1", _talk.Says(next, Parse("x", "select 1")));
        _talk.Says(next, Describe("x"));
        _talk.Says(next, Sync);
        Answers(_server, "E:26000 Z");
        Assert.Equal("C1 P1 D1", _talk.Says(next, Describe("x")));
    }

    /// <summary>
    /// While a query is under way a Parse is sent whatever the server has: only a tag tells of what the query drops.
    /// </summary>
    [Theory]
    [InlineData("/**/deallocate all")]
    [InlineData("select 1; deallocate all")]
    [InlineData("discard  all")]
    public void A_drop_that_does_not_look_like_one_spares_what_is_prepared_behind_it(string text)
    {
        var next = Next();
        Assert.Equal("Q", _talk.Says(next, Query(text)));
        Assert.Equal("C1 P1", _talk.Says(next, Parse("x", "select 1")));
        Assert.Equal("B1", _talk.Says(next, Bind("x")));
        _talk.Says(next, Sync);
        Answers(_server, "C:DEALLOCATE~ALL Z 3 1 2 Z");
        Assert.Equal("B1", _talk.Says(next, Bind("x")));
        _talk.Says(next, Sync);
        Answers(_server, "2 Z");
        next = Next();
        Assert.Equal(">1", _talk.Says(next, Parse("x", "select 1")));
        Assert.Equal("P2", _talk.Says(next, Parse("y", "select 2")));
    }

    [Theory]
    [InlineData("DEALLOCATE~ALL")]
    [InlineData("DISCARD~ALL")]
    public void A_reset_query_drops_them_too(string tag)
    {
        _server.Link.LoseServer();
        _server.BeginTest(FastPool.Core.Pools.ServerEvent.Reset);
        Answers(_server, $"C:{tag} Z");
        Assert.Equal(0, _server.StatementCount);
    }

    [Fact]
    public void A_name_that_the_server_has_all_the_same_is_closed_before_the_next_try()
    {
        Assert.Equal("P3", _talk.Says(_client, Parse("c", "select 3")));
        _talk.Says(_client, Sync);
        Answers(_server, "E:42P05 Z");
        Assert.Equal("C3 P3", _talk.Says(_client, Parse("c", "select 3")));
    }

    [Theory]
    [InlineData('B')]
    [InlineData('D')]
    public void A_plan_that_no_longer_fits_is_made_anew_on_each_server(char by)
    {
        _talk.Says(_client, by == 'B' ? Bind("a") : Describe("a"));
        _talk.Says(_client, Sync);
        Answers(_server, "E:0A000 Z");
        var next = Next();
        Assert.Equal("C1 P1", _talk.Says(next, Parse("x", "select 1")));
        _talk.Says(next, Sync);
        Answers(_server, "3 1 Z");
        Assert.Equal(">1", _talk.Says(Next(), Parse("y", "select 2")));
    }

    // ---- settings -------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData("DateStyle=German,~DMY")]
    [InlineData("TimeZone=Asia/Tokyo")]
    [InlineData("IntervalStyle=iso_8601")]
    [InlineData("client_encoding=LATIN1")]
    [InlineData("standard_conforming_strings=off")]
    public void A_text_that_is_read_otherwise_is_another_statement(string setting)
    {
        _talk.Says(_client, Query("set"));
        Answers(_server, $"C:SET S:{setting} Z");
        Assert.Equal("P3", _talk.Says(_client, Parse("c", "select 1")));
        Assert.Equal("P4 B4", _talk.Says(_client, Bind("b"))); // The client's own, read as it is read now.
        _talk.Says(_client, Sync);
        Answers(_server, "1 1 2 Z");
        Assert.Equal("B4", _talk.Says(_client, Bind("b")));
        var other = _talk.NewServer();
        var third = _talk.NewClient(other);
        other.Link.Begin(third);
        Assert.Equal("P1", _talk.Says(third, Parse("x", "select 1")));
    }

    [Fact]
    public void Other_variables_are_no_part_of_a_statement()
    {
        _talk.Says(_client, Query("set"));
        Answers(_server, "C:SET S:application_name=me Z");
        Assert.Equal(">1", _talk.Says(_client, Parse("c", "select 1")));
        Assert.Equal("B1", _talk.Says(_client, Bind("a")));
    }

    /// <summary>
    /// A server that may have read the text behind a SET in the same pipeline reads it again before another client uses it.
    /// </summary>
    [Theory]
    [InlineData("C:SET S:DateStyle=German Z 1 Z")]
    [InlineData("S:DateStyle=German C:SET Z 1 Z")]
    public void A_statement_prepared_behind_a_SET_in_a_pipeline_counts_for_neither_setting(string answers)
    {
        _talk.Says(_client, Query("set datestyle = german"));
        Assert.Equal("P3", _talk.Says(_client, Parse("c", "select 3")));
        _talk.Says(_client, Sync);
        Answers(_server, answers);
        _talk.Says(_client, Query("reset"));
        Answers(_server, "C:RESET S:DateStyle=ISO,~MDY Z");
        var next = Next();
        Assert.Equal("C3 P3", _talk.Says(next, Parse("x", "select 3")));
        Assert.Equal("", _talk.Says(next, Parse("y", "select 1"))); // Prepared long before.
    }

    [Fact]
    public void A_statement_prepared_behind_a_SET_LOCAL_without_a_report_counts_for_neither_setting()
    {
        _talk.Says(_client, Parse("", "set local datestyle = german"));
        _talk.Says(_client, Bind(""));
        _talk.Says(_client, Execute);
        Assert.Equal("P3", _talk.Says(_client, Parse("c", "select 3")));
        Answers(_server, "1 2 C:SET");
        Assert.Equal("P4", _talk.Says(_client, Parse("d", "select 4")));
        _talk.Says(_client, Sync);
        Answers(_server, "1 1 Z");
        var next = Next();
        Assert.Equal("C3 P3", _talk.Says(next, Parse("x", "select 3")));
        Assert.Equal("C4 P4", _talk.Says(next, Parse("y", "select 4")));
    }

    // ---- bounds ---------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData("client_statements_max = 3", "too many prepared statements: no more than 3 (client_statements_max)")]
    [InlineData("client_statement_bytes_max = 100",
        "too many prepared statements: no more than 100 bytes (client_statement_bytes_max)")]
    public void A_client_has_no_more_than_its_share(string setting, string told)
    {
        var talk = new PreparedTalk(new SessionBench("pool_mode=transaction", own: setting));
        var server = talk.NewServer();
        var client = talk.NewClient(server);
        server.Link.Begin(client);
        for (var i = 0; i < 200; i++) // Closed ones do not count.
        {
            Assert.Equal(i == 0 ? "P1" : ">1", talk.Says(client, Parse("s", "select 1234567")));
            talk.Says(client, Close("s"));
            talk.Says(client, Sync);
            if (i == 0) Answers(server, "1");
            server.TakeOwnReplies(new Protocol.MessageBuffer());
            Answers(server, "Z");
        }
        for (var i = 0; i < 3; i++)
            Assert.StartsWith("P", talk.Says(client, Parse("n" + i, "select 10000" + i)), StringComparison.Ordinal);
        Assert.Equal(told,
            talk.Says(client, Parse("one more", "select 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0")));
        Assert.Equal("53400", client.Ending.SqlState);
    }

    // ---- cost -----------------------------------------------------------------------------------------------------

    /// <summary>
    /// A slow query, then drops that do not look like it, then Parses: what one reply costs must not grow with what is
    /// outstanding.
    /// </summary>
    [Theory]
    [InlineData(200, 1_000)]
    [InlineData(200, 8_000)]
    public void A_drop_costs_the_same_however_much_is_outstanding(int parses, int drops)
    {
        for (var i = 0; i < drops; i++) _talk.Says(_client, Query("/**/deallocate all"));
        for (var i = 0; i < parses; i++) _talk.Says(_client, Parse("n" + i, "select " + (1000 + i)));
        _talk.Says(_client, Sync);
        var complete = Wire.Typed('C', Encoding.ASCII.GetBytes("DEALLOCATE ALL\0"));
        var ready = Wire.Typed('Z', (byte)'I');
        _server.Judge((byte)'C', complete);
        _server.Judge((byte)'Z', ready);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 1; i < drops; i++)
        {
            _server.Judge((byte)'C', complete);
            _server.Judge((byte)'Z', ready);
        }
        // Lists of what is outstanding would be made for each.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000);
        for (var i = 0; i < parses; i++) _server.Judge((byte)'1', Wire.Typed('1'));
        Assert.Equal(Verdict.Forward, _server.Judge((byte)'Z', ready));
        Assert.Equal(LinkHold.None, _server.Link.Hold);
        Assert.Equal(parses, _server.StatementCount);
        Assert.Equal("B", _talk.Says(_client, Bind("n7"))[..1]);
    }
}
