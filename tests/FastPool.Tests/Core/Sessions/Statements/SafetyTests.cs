using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Tests.Core.Sessions;

/// <summary>Uses that transaction pooling breaks are noted, and no others.</summary>
public sealed class SafetyTests
{
    private readonly SessionBench _bench = new("pool_mode=transaction");
    private readonly ClientSession _client;
    private readonly ServerSession _server;

    public SafetyTests() => (_client, _server) = _bench.Linked();

    [Theory]
    [InlineData("SET", SafetyUse.Set)]
    [InlineData("LISTEN", SafetyUse.Listen)]
    [InlineData("PREPARE", SafetyUse.Prepare)]
    [InlineData("DECLARE CURSOR", SafetyUse.HoldCursor)]
    [InlineData("DEALLOCATE", SafetyUse.Deallocate)]
    [InlineData("DEALLOCATE ALL", SafetyUse.Deallocate)]
    public void A_command_tag_outside_a_transaction_tells(string tag, SafetyUse use)
    {
        Run("x", 'I', tag);
        var row = Assert.Single(_bench.Context.Safety.Rows);
        Assert.Equal(("d", use, 1L), (row.Database, row.Use, row.Count));
    }

    [Theory]
    [InlineData("SET")]
    [InlineData("DECLARE CURSOR")]
    public void Within_a_transaction_it_is_no_harm(string tag)
    {
        Run("x", 'T', "BEGIN");
        Run("x", 'T', tag);
        Run("x", 'I', "COMMIT");
        Run("x", 'I', "BEGIN", tag, "COMMIT"); // In one query.
        Assert.Empty(_bench.Context.Safety.Rows);
    }

    [Theory]
    [InlineData("SELECT 1")]
    [InlineData("PREPARE TRANSACTION")]
    [InlineData("DISCARD ALL")]
    [InlineData("INSERT 0 1")]
    public void Other_commands_leave_nothing(string tag)
    {
        Run("x", 'I', tag);
        Assert.Empty(_bench.Context.Safety.Rows);
    }

    [Fact]
    public void A_variable_that_is_carried_over_is_no_harm()
    {
        _server.Expect((byte)'Q');
        _server.Judge((byte)'C', Wire.Typed('C', Wire.Strings("SET")));
        _server.Judge((byte)'S', Wire.Typed('S', Wire.Strings("application_name", "a")));
        _server.Judge((byte)'Z', Wire.Typed('Z', (byte)'I'));
        Assert.Empty(_bench.Context.Safety.Rows);
    }

    [Theory]
    [InlineData("create temp table t (i int)", "CREATE TABLE", SafetyUse.TemporaryTable)]
    [InlineData("\n CREATE LOCAL TEMPORARY TABLE t AS SELECT 1", "SELECT 1", SafetyUse.TemporaryTable)]
    [InlineData("select pg_advisory_lock(1)", "SELECT 1", SafetyUse.AdvisoryLock)]
    [InlineData("SELECT pg_try_advisory_lock_shared(1)", "SELECT 1", SafetyUse.AdvisoryLock)]
    [InlineData("select pg_advisory_xact_lock(1)", "SELECT 1", SafetyUse.None)]
    [InlineData("create table temp (i int)", "CREATE TABLE", SafetyUse.None)]
    [InlineData("select pg_a", "SELECT 1", SafetyUse.None)]
    [InlineData("SELECT set_config('app.tenant', 'x', false)", "SELECT 1", SafetyUse.SetConfig)]
    [InlineData("select pg_catalog.set_config($1, $2, $3)", "SELECT 1", SafetyUse.SetConfig)]
    [InlineData("select set_config('app.tenant', 'x', true)", "SELECT 1", SafetyUse.None)]
    public void The_beginning_of_a_query_tells_a_use_that_its_tag_does_not(string text, string tag, SafetyUse use)
    {
        Run(text, 'I', tag);
        Assert.Equal(use == SafetyUse.None ? [] : [use], _bench.Context.Safety.Rows.Select(static row => row.Use));
    }

    [Fact]
    public void A_failed_command_counts_as_no_use()
    {
        Look("create temp table t (i int)");
        _server.Judge((byte)'E', Wire.Typed('E', 0));
        _server.Judge((byte)'Z', Wire.Typed('Z', (byte)'I'));
        Run("x", 'I', "CREATE TABLE");
        Assert.Empty(_bench.Context.Safety.Rows);
    }

    [Theory]
    [InlineData("max_prepared_statements=0", 1)]
    [InlineData("max_prepared_statements=10", 0)]
    public void A_statement_that_was_prepared_before_the_server_came_is_a_use_where_statements_are_not_tracked(string setting,
        int uses)
    {
        var bench = new SessionBench($"pool_mode=transaction\n{setting}");
        var (_, server) = bench.Linked();
        server.LookAt((byte)'P', Wire.Parse("", "select 1"), 16);
        server.LookAt((byte)'B', Wire.Bind("", ""), 16);
        Assert.Empty(bench.Context.Safety.Rows);
        server.Link.TryEnd();
        (_, server) = bench.Linked();
        server.LookAt((byte)'B', Wire.Bind("", ""), 16);
        server.LookAt((byte)'B', Wire.Bind("", ""), 16);
        Assert.Equal(Enumerable.Repeat((SafetyUse.EarlierStatement, 1L), uses),
            bench.Context.Safety.Rows.Select(static row => (row.Use, row.Count)));
    }

    [Fact]
    public void With_session_state_the_uses_travel_and_no_row_tells_of_them()
    {
        var bench = new SessionBench("pool_mode=transaction", own: "session_state=keep\nsession_warning=notice");
        var (_, server) = bench.Linked();
        foreach (var tag in (string[])["SET", "LISTEN", "PREPARE", "DEALLOCATE"])
        {
            server.Expect((byte)'Q');
            server.Judge((byte)'C', Wire.Typed('C', Wire.Strings(tag)));
            server.Judge((byte)'Z', Wire.Typed('Z', (byte)'T'));
        }
        Assert.Empty(bench.Context.Safety.Rows);
        Assert.False(server.HasOwnReplies);
    }

    [Theory]
    [InlineData("off", "SET", false, null)]
    [InlineData("log", "SET", false, "SET outside a transaction does not work in transaction pooling "
        + "(session_state = keep carries it along)")]
    [InlineData("notice", "SET", true, "SET outside a transaction does not work in transaction pooling "
        + "(session_state = keep carries it along)")]
    [InlineData("notice", "LISTEN", true, "LISTEN does not work in transaction pooling "
        + "(session_state = keep makes it work, by one connection for all listeners of the pool)")]
    public void A_client_is_warned_once_before_the_end_of_its_query(string setting, string tag, bool isTold, string? line)
    {
        var bench = new SessionBench("pool_mode=transaction", own: $"session_warning={setting}");
        var (_, server) = bench.Linked();
        for (var round = 0; round < 2; round++)
        {
            server.Expect((byte)'Q');
            Assert.Equal(Verdict.Forward, server.Judge((byte)'C', Wire.Typed('C', Wire.Strings(tag))));
            var ready = Wire.Typed('Z', (byte)'T');
            if (isTold && round == 0)
            {
                if (tag == "SET") Assert.Equal(Verdict.FakesFirst, server.Judge((byte)'Z', ready));
                Assert.True(server.HasOwnReplies);
                var told = new MessageBuffer();
                server.TakeOwnReplies(told);
                Assert.Equal(PoolerNotice.Of(line!.Split(" (")[0], line.Split(" (")[1].TrimEnd(')')), told.WrittenSpan.ToArray());
            }
            Assert.False(server.HasOwnReplies);
            Assert.Equal(Verdict.Forward, server.Judge((byte)'Z', ready));
        }
        Assert.Equal(line is null ? 0 : 1, bench.Log.Lines.Count(logged => logged.Contains(line ?? "does not work",
            StringComparison.Ordinal)));
    }

    [Fact]
    public void In_session_mode_everything_is_allowed()
    {
        var bench = new SessionBench("pool_mode=session");
        var (_, server) = bench.Linked();
        server.Expect((byte)'Q');
        server.Judge((byte)'C', Wire.Typed('C', Wire.Strings("LISTEN")));
        server.Judge((byte)'Z', Wire.Typed('Z', (byte)'I'));
        Assert.Empty(bench.Context.Safety.Rows);
    }

    [Fact]
    public void The_last_example_and_how_often_are_kept_by_application()
    {
        Named("a");
        _bench.Context.WallUs = 5;
        Run("x", 'I', "LISTEN");
        _bench.Context.WallUs = 9;
        Run("x", 'I', "LISTEN");
        Named("b");
        Run("x", 'I', "LISTEN");
        Assert.Equal(
            [("a", 2L, 9L), ("b", 1L, 9L)],
            _bench.Context.Safety.Rows.Select(static row => (row.ApplicationName, row.Count, row.LastWallUs)).Order());
    }

    [Fact]
    public void So_many_names_that_nobody_would_read_them_are_one()
    {
        for (var i = 0; i < 600; i++)
        {
            Named($"app{i}");
            Run("x", 'I', "LISTEN");
        }
        var rows = _bench.Context.Safety.Rows.ToArray();
        Assert.Equal(513, rows.Length);
        Assert.Equal(88, rows.Single(static row => row.ApplicationName == SafetyTable.Others).Count);
    }

    private void Named(string application) =>
        _client.Parameters = _bench.Context.Interner.With(_client.Parameters, TrackedParameters.ApplicationName, application);

    private void Run(string text, char status, params string[] tags)
    {
        Look(text);
        foreach (var tag in tags) _server.Judge((byte)'C', Wire.Typed('C', Wire.Strings(tag)));
        _server.Judge((byte)'Z', Wire.Typed('Z', (byte)status));
    }

    private void Look(string text)
    {
        _server.LookAt((byte)'Q', Wire.Typed('Q', Wire.Strings(text)), 0);
        _server.Expect((byte)'Q');
    }
}
