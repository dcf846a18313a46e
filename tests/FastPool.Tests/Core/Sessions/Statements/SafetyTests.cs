using FastPool.Core.Sessions;

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
