using FastPool.Core.Sessions;
using FastPool.Tests.Harness;
using static FastPool.Tests.Harness.PreparedTalk;

namespace FastPool.Tests.Core.Sessions;

/// <summary>DEALLOCATE of a client's name is run by PostgreSQL, which is given a statement of that name first.</summary>
public sealed class DeallocateTests
{
    private readonly PreparedTalk _talk = new();
    private readonly ServerSession _server;
    private readonly ClientSession _client;

    public DeallocateTests()
    {
        _server = _talk.NewServer();
        _client = _talk.NewClient(_server);
        _server.Link.Begin(_client);
        _talk.Says(_client, Parse("k", "select 1"));
        _talk.Says(_client, Sync);
        Answers(_server, "1 Z");
    }

    [Fact]
    public void The_server_gets_the_name_and_the_client_hears_of_its_own_query_alone()
    {
        Assert.Equal("C P S Q", _talk.Says(_client, Query("DEALLOCATE k")));
        Assert.Equal(Verdict.Skip, Answers(_server, "3"));
        Assert.Equal(Verdict.Skip, Answers(_server, "1"));
        Assert.Equal(Verdict.Skip, Answers(_server, "Z"));
        Assert.Equal(Verdict.Forward, Answers(_server, "C:DEALLOCATE"));
        Assert.Equal(0, _client.StatementCount);
        Assert.Equal(Verdict.Forward, Answers(_server, "Z"));
        Assert.False(_server.HasGivenNames);
        Assert.True(_server.OwesNothing);
        Assert.Equal("B0", _talk.Says(_client, Bind("k"))); // PostgreSQL says that it does not exist.
    }

    [Fact]
    public void A_failed_one_drops_nothing_and_the_name_is_taken_back_before_the_next_client()
    {
        _talk.Says(_client, Query("DEALLOCATE k"));
        Answers(_server, "3 1 Z:E E:25P02 Z:E");
        Assert.Equal(1, _client.StatementCount);
        Assert.True(_server.HasGivenNames);
        var output = new FastPool.Protocol.MessageBuffer();
        _server.TakeNamesLeft(output);
        Assert.Equal(Wire.Close('S', "k"), output.WrittenSpan.ToArray());
        Assert.False(_server.HasGivenNames);
    }

    [Fact]
    public void A_name_that_the_client_has_closed_meanwhile_is_taken_back_before_its_next_query()
    {
        _talk.Says(_client, Query("DEALLOCATE k"));
        Answers(_server, "3 1 Z:E E:25P02 Z:E");
        _talk.Says(_client, Close("k"));
        Assert.Equal("C S Q", _talk.Says(_client, Query("PREPARE k AS SELECT 1")));
        Answers(_server, "3 Z:E E:25P02 Z:E");
        Assert.False(_server.HasGivenNames);
        Assert.True(_server.Outstanding.IsEmpty);
    }

    [Fact]
    public void Of_several_commands_those_before_the_error_have_dropped()
    {
        _talk.Says(_client, Parse("j", "select 2"));
        _talk.Says(_client, Sync);
        Answers(_server, "1 Z");
        Assert.Equal("C P C P S Q", _talk.Says(_client, Query("deallocate k; select 1; deallocate sql; deallocate j")));
        Answers(_server, "3 1 3 1 Z C:DEALLOCATE C:SELECT~1 C:DEALLOCATE E:26000 Z");
        Assert.True(_server.HasGivenNames); // j
        Assert.Equal("B0", _talk.Says(_client, Bind("k")));
        Assert.Equal("B2", _talk.Says(_client, Bind("j")));
    }

    [Fact]
    public void The_same_name_twice_is_PostgreSQLs_to_refuse()
    {
        Assert.Equal("C P S Q", _talk.Says(_client, Query("deallocate k; deallocate k")));
        Answers(_server, "3 1 Z C:DEALLOCATE E:26000 Z");
        Assert.False(_server.HasGivenNames);
        Assert.Equal(0, _client.StatementCount);
    }

    [Theory]
    [InlineData("DEALLOCATE sql")]
    [InlineData("DEALLOCATE K2")]
    [InlineData("select 1")]
    [InlineData("DEALLOCATE \"K\"")]
    public void Other_names_go_to_PostgreSQL_as_they_are(string text) => Assert.Equal("Q", _talk.Says(_client, Query(text)));

    /// <summary>The Bind has failed, and a cursor of the portal's name stands in its place.</summary>
    [Fact]
    public void A_portal_that_is_suspended_has_dropped_nothing()
    {
        _talk.Says(_client, Parse("s", "deallocate k"));
        _talk.Says(_client, Bind("s"));
        _talk.Says(_client, Execute);
        _talk.Says(_client, Sync);
        Answers(_server, "1 3 1 2 s Z");
        Assert.True(_server.OwesNothing);
        Assert.Equal("B1", _talk.Says(_client, Bind("k")));
    }

    [Fact]
    public void A_message_behind_it_waits_until_it_is_known_what_the_name_means()
    {
        _talk.Says(_client, Query("deallocate k"));
        Assert.Equal("waits", _talk.Says(_client, Bind("k")));
        Assert.Equal("waits", _talk.Says(_client, Parse("k", "select 2")));
        Assert.Equal("waits", _talk.Says(_client, Query("deallocate k")));
        Answers(_server, "3 1 Z C:DEALLOCATE");
        Assert.Equal("P2", _talk.Says(_client, Parse("k", "select 2")));
    }

    /// <summary>No reply may come before that Sync.</summary>
    [Fact]
    public void In_a_segment_without_its_Sync_nothing_waits()
    {
        _talk.Says(_client, Describe("k"));
        Assert.Equal("C P Q", _talk.Says(_client, Query("deallocate k")));
        Assert.NotEqual("waits", _talk.Says(_client, Parse("k", "select 2")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    public void By_the_extended_protocol_it_counts_when_the_portal_has_run(string statement)
    {
        _talk.Says(_client, Parse(statement, "deallocate k"));
        Assert.StartsWith("C P B", _talk.Says(_client, Bind(statement)), StringComparison.Ordinal);
        Assert.Equal("E", _talk.Says(_client, Execute));
        _talk.Says(_client, Sync);
        Assert.Equal(Verdict.Skip, Answers(_server, "1 3 1"));
        Assert.Equal(Verdict.Forward, Answers(_server, "2 C:DEALLOCATE"));
        Assert.False(_server.HasGivenNames);
        Answers(_server, "Z");
        Assert.True(_server.OwesNothing);
        Assert.Equal("B0", _talk.Says(_client, Bind("k")));
    }

    [Fact]
    public void A_portal_that_has_not_run_drops_nothing()
    {
        _talk.Says(_client, Parse("", "deallocate k"));
        _talk.Says(_client, Bind(""));
        _talk.Says(_client, Execute);
        _talk.Says(_client, Sync);
        Answers(_server, "1 3 1 E:25P02 Z:E");
        Assert.True(_server.HasGivenNames);
        Assert.Equal("B1", _talk.Says(_client, Bind("k")));
        _talk.Says(_client, Execute); // Another portal of the same name.
        _talk.Says(_client, Sync);
        Answers(_server, "2 C:SELECT~1 Z");
        Assert.Equal(1, _client.StatementCount);
    }

    [Fact]
    public void A_command_that_drops_all_is_found_wherever_it_stands()
    {
        _talk.Says(_client, Query("select 1; discard all"));
        Assert.Equal("waits", _talk.Says(_client, Parse("k", "select 2")));
        Answers(_server, "C:SELECT~1 C:DISCARD~ALL Z");
        Assert.Equal("P2", _talk.Says(_client, Parse("k", "select 2")));
    }

    [Fact]
    public void A_query_drops_the_unnamed_statement_too()
    {
        _talk.Says(_client, Query("deallocate k"));
        _talk.Says(_client, Parse("", "select 3"));
        _talk.Says(_client, Sync);
        Answers(_server, "3 1 Z C:DEALLOCATE Z 1 Z");
        Assert.Equal("B", _talk.Says(_client, Bind("")));
    }
}
