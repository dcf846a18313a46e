using FastPool.Core.Sessions;
using FastPool.Tests.Harness;

namespace FastPool.Tests.Core.Sessions;

/// <summary>Settings of a startup message that are not tracked: with session_state they are a part of the state.</summary>
public sealed class LoginSettingsTests
{
    private const string Keep = "session_state=keep";

    private static LoginSettings Of(params string[] pairs)
    {
        LoginSettings? settings = null;
        for (var i = 0; i < pairs.Length; i += 2) settings = LoginSettings.TryAdd(settings, pairs[i], pairs[i + 1]);
        return settings!;
    }

    [Fact]
    public void They_become_a_state_in_the_order_of_their_names_and_the_last_value_counts()
    {
        var state = Of("work_mem", "1MB", "Statement_Timeout", "5s", "WORK_MEM", "2MB").State;
        Assert.Equal("SELECT pg_catalog.set_config('statement_timeout','5s',false);"
            + "SELECT pg_catalog.set_config('work_mem','2MB',false);", state.Set);
        Assert.Equal("SELECT pg_catalog.set_config('work_mem',NULL,false);"
            + "SELECT pg_catalog.set_config('statement_timeout',NULL,false);", state.Undo);
        Assert.Equal("", state.Prepared);
    }

    [Fact]
    public void A_role_is_taken_last_and_left_first()
    {
        var state = Of("role", "r", "work_mem", "1MB").State;
        Assert.EndsWith("set_config('role','r',false);", state.Set);
        Assert.StartsWith("RESET ROLE;SELECT", state.Undo);
    }

    [Theory]
    [InlineData("it's", "'it''s'")]
    [InlineData(@"a\b'", @"E'a\\b'''")]
    [InlineData("", "''")]
    [InlineData("\u00c3\u00a4", "pg_catalog.convert_from(pg_catalog.decode('c3a4','hex'),pg_catalog.getdatabaseencoding())")]
    [InlineData("a\nb", "pg_catalog.convert_from(pg_catalog.decode('610a62','hex'),pg_catalog.getdatabaseencoding())")]
    public void Any_value_is_written_in_printable_ASCII(string value, string literal) =>
        Assert.Equal($"SELECT pg_catalog.set_config('app.x',{literal},false);", Of("app.x", value).State.Set);

    [Theory]
    [InlineData("")]
    [InlineData("a'b")]
    [InlineData("a b")]
    [InlineData("1a")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a.")]
    [InlineData("\u00e4")]
    [InlineData("time-zone")]
    public void A_name_that_no_server_takes_is_refused(string name) => Assert.Null(LoginSettings.TryAdd(null, name, "1"));

    [Fact]
    public void There_is_an_end_to_their_number()
    {
        var settings = Of([.. Enumerable.Range(0, 64).SelectMany(static i => new[] { $"a.n{i}", "1" })]);
        Assert.Null(LoginSettings.TryAdd(settings, "b.n", "1"));
        Assert.NotNull(LoginSettings.TryAdd(settings, "a.n7", "2"));
    }

    [Fact]
    public void RESET_brings_one_back_and_DISCARD_ALL_all_of_them()
    {
        var settings = Of("work_mem", "1MB", "app.x", "y");
        const string One = "SELECT FROM pg_catalog.set_config('app.x','y',false) AS c(v) WHERE v IS NULL;";
        Assert.Equal(One, settings.Restore("App.X", isAll: false, hasRole: false));
        Assert.Null(settings.Restore("lock_timeout", isAll: false, hasRole: false));
        Assert.StartsWith(
            One + "SELECT FROM pg_catalog.set_config('work_mem','1MB',", settings.Restore("", isAll: true, hasRole: true));
    }

    /// <summary>As in PostgreSQL, RESET ALL leaves the role as it is, and that of the login comes with its user.</summary>
    [Fact]
    public void A_role_comes_back_by_its_own_name_with_the_session_user_and_by_DISCARD_ALL_alone()
    {
        var settings = Of("role", "r", "app.x", "y");
        const string Other = "SELECT FROM pg_catalog.set_config('app.x','y',false) AS c(v) WHERE v IS NULL;";
        const string Role = "SELECT FROM pg_catalog.set_config('role','r',false) AS c(v) WHERE v IS NULL;";
        Assert.Equal(Other, settings.Restore("", isAll: true, hasRole: false));
        Assert.Equal(Other + Role, settings.Restore("", isAll: true, hasRole: true));
        Assert.Equal(Role, settings.Restore("role", isAll: false, hasRole: false));
        Assert.Equal(Role, settings.Restore("session_authorization", isAll: false, hasRole: false));
    }

    // ---- at the login --------------------------------------------------------------------------------------------------

    private static StartupRequest Read(SessionBench bench, params string[] pairs) => bench.Read([.. Wire.Strings(pairs), 0]);

    [Theory]
    [InlineData(Keep, "", "d = host=127.0.0.1", true)]
    [InlineData("session_state=always", "", "d = host=127.0.0.1", true)]
    [InlineData("", "", "d = host=127.0.0.1", false)]
    [InlineData("", "", "d = host=127.0.0.1 session_state=keep", true)]
    [InlineData(Keep, "", "d = host=127.0.0.1 session_state=off", false)]
    [InlineData("", "[users]\nann = session_state=keep", "d = host=127.0.0.1", true)]
    [InlineData("", "[users]\nann = session_state=keep", "d = host=127.0.0.1 user=forced", false)]
    [InlineData("", "[users]\nforced = session_state=keep", "d = host=127.0.0.1 user=forced", true)]
    [InlineData("", "", "* = host=127.0.0.1 session_state=keep", true)]
    [InlineData(Keep, "", "other = host=127.0.0.1", false)]
    public void They_are_taken_where_the_state_is_kept(string own, string users, string database, bool isTaken)
    {
        var bench = new SessionBench(database: database + "\n" + users, own: own);
        foreach (var pairs in (string[][])[
            ["work_mem", "1MB", "user", "ann", "database", "d"],
            ["user", "ann", "options", "-c work_mem=1MB", "database", "d"],
            ["user", "ann", "options", "--work-mem=1MB", "database", "d"]])
        {
            var request = Read(bench, pairs);
            Assert.Equal(isTaken, !request.Fault.IsSet);
            Assert.Equal(isTaken ? [("work_mem", "1MB")] : null, request.Settings?.All);
        }
    }

    [Fact]
    public void A_hyphen_in_a_name_of_options_is_an_underscore_as_in_PostgreSQL()
    {
        var bench = new SessionBench(own: Keep);
        var request = Read(bench, "user", "ann", "database", "d", "options",
            "-c search-path=s --statement-timeout=5s");
        Assert.Equal([("statement_timeout", "5s")], request.Settings?.All);
        Assert.Equal("s", request.Parameters[bench.Context.Tracked.IndexOf("search_path"u8)]);
    }

    [Fact]
    public void A_parameter_is_stronger_than_options_wherever_they_stand_as_in_PostgreSQL()
    {
        var bench = new SessionBench(own: Keep);
        string[] options = ["options", "-c work_mem=7MB -c TimeZone=UTC"];
        string[] others = ["work_mem", "5MB", "TimeZone", "Asia/Tokyo"];
        foreach (var pairs in new[] { options.Concat(others), others.Concat(options) })
        {
            var request = Read(bench, ["user", "ann", "database", "d", .. pairs]);
            Assert.Equal([("work_mem", "5MB")], request.Settings?.All);
            Assert.Equal("Asia/Tokyo", request.Parameters[bench.Context.Tracked.IndexOf("TimeZone"u8)]);
        }
        Assert.Equal("unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed",
            Read(bench, "user", "ann", "database", "d", "options", "-x").Fault.Message);
    }

    [Fact]
    public void An_ignored_one_is_ignored_and_a_replication_client_has_none()
    {
        var bench = new SessionBench("ignore_startup_parameters=work_mem", own: Keep);
        Assert.Null(Read(bench, "user", "ann", "database", "d", "work_mem", "1MB").Settings);
        Assert.Equal("unsupported startup parameter: lock_timeout",
            Read(bench, "user", "ann", "database", "d", "lock_timeout", "1", "replication", "true").Fault.Message);
        Assert.Equal("unsupported startup parameter: lock_timeout",
            Read(bench, "user", "ann", "database", "pgbouncer", "lock_timeout", "1").Fault.Message);
        Assert.Equal("unsupported startup parameter: time-zone",
            Read(bench, "user", "ann", "database", "d", "time-zone", "1").Fault.Message);
    }
}
