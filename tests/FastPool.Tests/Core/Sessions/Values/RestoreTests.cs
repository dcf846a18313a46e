using FastPool.Core.Sessions;
using FastPool.Tests.Harness;
using static FastPool.Tests.Harness.PreparedTalk;

namespace FastPool.Tests.Core.Sessions;

/// <summary>RESET and DISCARD ALL go back to what a client gave at its login.</summary>
public sealed class RestoreTests
{
    private const int TimeZone = 2;

    private readonly PreparedTalk _talk = new();
    private readonly ServerSession _server;
    private readonly ClientSession _client;

    public RestoreTests()
    {
        _server = _talk.NewServer();
        _client = _talk.NewClient(_server);
        var interner = _talk.Bench.Context.Interner;
        _client.AtLogin = interner.With(_talk.Bench.Context.Tracked.Unknown, TimeZone, "Asia/Tokyo");
        _client.Parameters = interner.With(_client.Parameters, TimeZone, "Asia/Tokyo");
        Assert.Equal("SET TimeZone='Asia/Tokyo';", _server.Link.Begin(_client));
        Assert.Equal(Verdict.ParametersSet, Answers(_server, "S:TimeZone=Asia/Tokyo C:SET Z"));
    }

    [Theory]
    [InlineData("discard all", "DISCARD~ALL")]
    [InlineData("RESET ALL;", "RESET")]
    [InlineData("reset TimeZone", "RESET")]
    [InlineData("reset time zone", "RESET")]
    [InlineData("reset \"TimeZone\"", "RESET")]
    [InlineData("set timezone to default", "SET")]
    [InlineData("SET SESSION TimeZone = DEFAULT ;", "SET")]
    [InlineData("set time zone default", "SET")]
    [InlineData("/* pool */ discard all", "DISCARD~ALL")]
    [InlineData("-- x\nreset timezone", "RESET")]
    public void The_value_comes_back_and_the_client_hears_of_nothing(string text, string tag)
    {
        Assert.Equal("Q Q", _talk.Says(_client, Query(text)));
        Assert.Equal(Verdict.Forward, Answers(_server, "C:" + tag));
        Assert.Equal(Verdict.Skip, Answers(_server, "S:TimeZone=UTC"));
        Assert.Equal(Verdict.Forward, Answers(_server, "Z"));
        Assert.Equal(Verdict.Skip, Answers(_server, "C:SET"));
        Assert.Equal(Verdict.Skip, Answers(_server, "S:TimeZone=Asia/Tokyo"));
        Assert.Equal(Verdict.Skip, Answers(_server, "Z"));
        Assert.True(_server.OwesNothing);
        Assert.Equal("Asia/Tokyo", _client.Parameters[TimeZone]);
        Assert.Same(_client.Parameters, _server.Parameters);
    }

    [Fact]
    public void After_a_SET_of_its_own_the_client_is_told_the_value_of_its_login()
    {
        _talk.Says(_client, Query("set timezone = 'UTC'"));
        Assert.Equal(Verdict.Forward, Answers(_server, "C:SET S:TimeZone=UTC"));
        Answers(_server, "Z");
        _talk.Says(_client, Query("reset all"));
        Answers(_server, "C:RESET Z");
        Assert.Equal(Verdict.Skip, Answers(_server, "C:SET"));
        Assert.Equal(Verdict.Forward, Answers(_server, "S:TimeZone=Asia/Tokyo"));
        Assert.Equal(Verdict.Skip, Answers(_server, "Z"));
        Assert.Equal("Asia/Tokyo", _client.Parameters[TimeZone]);
    }

    [Fact]
    public void The_report_of_a_SET_before_it_in_a_pipeline_is_told()
    {
        _talk.Says(_client, Query("set timezone = 'UTC'"));
        _talk.Says(_client, Query("reset all"));
        Answers(_server, "C:SET");
        Assert.Equal(Verdict.Forward, Answers(_server, "S:TimeZone=UTC"));
        Answers(_server, "Z C:RESET");
        Assert.Equal(Verdict.Skip, Answers(_server, "S:TimeZone=Asia/Kabul"));
        Answers(_server, "Z C:SET");
        Assert.Equal(Verdict.Forward, Answers(_server, "S:TimeZone=Asia/Tokyo"));
    }

    [Fact]
    public void A_value_that_the_server_spells_in_its_own_way_is_told_again()
    {
        const int DateStyle = 0;
        var interner = _talk.Bench.Context.Interner;
        var client = _talk.NewClient(_server);
        client.AtLogin = interner.With(_talk.Bench.Context.Tracked.Unknown, DateStyle, "German");
        client.Parameters = interner.With(client.Parameters, DateStyle, "German");
        var server = _talk.NewServer();
        server.Link.Begin(client);
        Answers(server, "S:DateStyle=German,~DMY C:SET Z");
        Assert.Equal("German, DMY", client.AtLogin[DateStyle]);
        _talk.Says(client, Query("set datestyle = iso"));
        Answers(server, "C:SET S:DateStyle=ISO,~DMY Z");
        _talk.Says(client, Query("reset all"));
        Assert.Equal(Verdict.Skip, Answers(server, "C:RESET S:DateStyle=ISO,~MDY"));
        Answers(server, "Z C:SET");
        Assert.Equal(Verdict.Forward, Answers(server, "S:DateStyle=German,~DMY"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    public void A_statement_of_an_earlier_segment_is_looked_at_when_it_is_bound(string name)
    {
        _talk.Says(_client, Parse(name, "reset all"));
        _talk.Says(_client, Sync);
        Answers(_server, "1 Z");
        _talk.Says(_client, Bind(name));
        _talk.Says(_client, PreparedTalk.Execute);
        Assert.Equal("S Q", _talk.Says(_client, Sync));
    }

    /// <summary>The SET is a simple query: it drops the unnamed statement, which the client may bind once more.</summary>
    [Fact]
    public void The_unnamed_statement_outlives_it()
    {
        _talk.Says(_client, Parse("", "reset all"));
        _talk.Says(_client, Bind(""));
        _talk.Says(_client, PreparedTalk.Execute);
        Assert.Equal("S Q", _talk.Says(_client, Sync));
        Assert.Equal("waits", _talk.Says(_client, Bind("")));
        Answers(_server, "1 2 C:RESET Z C:SET Z");
        Assert.Equal("P B", _talk.Says(_client, Bind("")));
    }

    [Theory]
    [InlineData('Q')]
    [InlineData('P')]
    public void A_short_message_is_waited_for(char type)
    {
        var talk = new PreparedTalk(new SessionBench("pool_mode=session\nmax_prepared_statements=0"));
        var client = talk.NewClient(talk.NewServer());
        Assert.False(client.WantsWhole((byte)type, 30));
        client.AtLogin = _client.AtLogin;
        Assert.True(client.WantsWhole((byte)type, 30));
    }

    /// <summary>SHOW SAFETY: the report of TimeZone at the link was of the pooler's own SET.</summary>
    [Fact]
    public void The_first_SET_that_nobody_reports_counts_as_a_use_that_breaks()
    {
        _talk.Says(_client, Query("set work_mem = '8MB'"));
        Answers(_server, "C:SET Z");
        Assert.Equal([SafetyUse.Set], _talk.Bench.Context.Safety.Rows.Select(static row => row.Use));
    }

    [Theory]
    [InlineData("reset datestyle")] // Not given at the login.
    [InlineData("discard plans")]
    [InlineData("resetall")]
    [InlineData("set timezone to 'default'")]
    [InlineData("set local timezone to default")]
    [InlineData("set timezone default")]
    [InlineData("set session authorization default")] // Not given at the login.
    [InlineData("settle")]
    [InlineData("select 1")]
    public void Nothing_else_is_followed_by_anything(string text) => Assert.Equal("Q", _talk.Says(_client, Query(text)));

    /// <summary>A message may have more bytes behind the text: nothing goes out in the middle of it.</summary>
    [Fact]
    public void A_command_that_is_not_whole_is_followed_by_nothing()
    {
        var query = Wire.Query("reset all");
        _server.LookAt((byte)'Q', query, query.Length + 1);
        Assert.False(_server.Expect((byte)'Q'));
        _server.LookAt((byte)'Q', query, query.Length);
        Assert.True(_server.Expect((byte)'Q'));
    }

    /// <summary>RESET in a failed transaction is refused, and so is what stands behind it.</summary>
    [Fact]
    public void An_error_behind_a_failed_command_is_the_poolers_alone()
    {
        _talk.Says(_client, Query("reset all"));
        Answers(_server, "E:25P02 Z:E");
        Assert.Equal(Verdict.Skip, Answers(_server, "E:25P02"));
        Assert.Equal(Verdict.Skip, Answers(_server, "Z:E"));
        Assert.True(_server.Outstanding.IsEmpty && !_server.IsReady);
        Assert.Equal("Asia/Tokyo", _client.Parameters[TimeZone]);
    }

    [Theory]
    [InlineData("reset all", false)]
    [InlineData(" discard all", true)]
    [InlineData("reset role", true)]
    [InlineData("set session authorization default", true)]
    [InlineData("SET SESSION SESSION AUTHORIZATION DEFAULT", true)]
    [InlineData("reset session authorization", true)]
    public void The_role_of_the_login_comes_back_as_PostgreSQL_brings_it_back(string text, bool isBack)
    {
        _client.SettingsAtLogin = LoginSettings.TryAdd(LoginSettings.TryAdd(null, "app.tenant", "t"), "role", "r");
        Assert.Equal("Q Q", _talk.Says(_client, Query(text)));
        Assert.Equal(isBack,
            System.Text.Encoding.Latin1.GetString(_talk.Sent).Contains("set_config('role','r',", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("set time zone local")]
    [InlineData("SET SESSION TIME ZONE LOCAL;")]
    [InlineData("set session time zone default")]
    public void Other_words_for_the_default_zone_are_followed_by_that_of_the_login(string text)
    {
        Assert.Equal("Q Q", _talk.Says(_client, Query(text)));
        Assert.Contains(
            "SET TimeZone='Asia/Tokyo';", System.Text.Encoding.Latin1.GetString(_talk.Sent), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("reset app.tenant", "SELECT FROM pg_catalog.set_config('app.tenant','t',false) AS c(v) WHERE v IS NULL;")]
    [InlineData("set \"App\" . tenant to default", "SELECT FROM pg_catalog.set_config('app.tenant','t',false) AS c(v)")]
    [InlineData("discard all",
        "SET TimeZone='Asia/Tokyo';SELECT FROM pg_catalog.set_config('app.tenant','t',false) AS c(v)")]
    public void Settings_of_the_login_that_are_not_tracked_come_back_too_and_the_answer_is_the_poolers(string text, string batch)
    {
        _client.SettingsAtLogin = LoginSettings.TryAdd(null, "app.tenant", "t");
        Assert.Equal("Q Q", _talk.Says(_client, Query(text)));
        Assert.Contains(batch, System.Text.Encoding.Latin1.GetString(_talk.Sent), StringComparison.Ordinal);
        Answers(_server, "C:RESET Z");
        foreach (var reply in (string[])["T", "C:SELECT~0", "Z"])
            Assert.Equal(Verdict.Skip, Answers(_server, reply));
        Assert.True(_server.OwesNothing);
    }

    [Fact]
    public void By_the_extended_protocol_it_follows_the_Sync()
    {
        _talk.Says(_client, Parse("", "discard all"));
        Assert.Equal("S", _talk.Says(_client, Sync)); // Not executed.
        _talk.Says(_client, Parse("", "discard all"));
        _talk.Says(_client, Bind(""));
        _talk.Says(_client, Execute);
        Assert.Equal("S Q", _talk.Says(_client, Sync));
        Assert.Equal("S", _talk.Says(_client, Sync));
    }

    /// <summary>A batch of one client's values never reaches another client.</summary>
    [Fact]
    public void A_command_that_was_only_prepared_is_followed_by_nothing()
    {
        _talk.Says(_client, Parse("", "reset all"));
        _talk.Says(_client, Sync);
        _talk.Says(_client, PreparedTalk.Execute);
        Assert.Equal("S", _talk.Says(_client, Sync));
        _talk.Says(_client, Parse("", "reset all"));
        _server.Link.LoseServer();
        while (!_server.Outstanding.IsEmpty) _server.Outstanding.Pop();
        var next = _talk.NewClient(_server);
        _server.Link.Begin(next);
        _talk.Says(next, PreparedTalk.Execute);
        Assert.Equal("S", _talk.Says(next, Sync));
    }

    [Fact]
    public void Another_process_knows_the_values_of_the_login()
    {
        var context = _talk.Bench.Context;
        var state = new FastPool.Core.Sessions.Handover.HandedState();
        var settings = LoginSettings.TryAdd(null, "app.tenant", "t");
        var named = state.Named(context.Tracked, _client.Parameters, _client.AtLogin, settings);
        var (present, login, others) = context.ClientValuesOf(named);
        Assert.Equal((_client.Parameters, _client.AtLogin), (present, login));
        Assert.Equal(settings!.All, others!.All);
        Assert.Equal(_client.Parameters, context.ValuesOf(named)); // One that does not know of them.
        Assert.Null(context.ClientValuesOf(state.Named(context.Tracked, _client.Parameters)).Login);
    }

    /// <summary>PostgreSQL takes the list of a login apart as it does in set_config: my-schema needs no quotes there.</summary>
    [Theory]
    [InlineData("a")]
    [InlineData("\"$user\", $user, Public, my-schema, 1st")]
    [InlineData("")]
    [InlineData("'); drop table t")]
    public void A_search_path_comes_back_as_the_list_that_it_was(string value)
    {
        var tracked = _talk.Bench.Context.Tracked;
        var login = _talk.Bench.Context.Interner.With(tracked.Unknown, TrackedParameters.SearchPath, value);
        var literal = value.Replace("'", "''", StringComparison.Ordinal);
        var batch = $"SELECT FROM pg_catalog.set_config('search_path','{literal}',false) AS c(v) WHERE v IS NULL;";
        Assert.Equal(batch, SetBatch.Restore(tracked, login, "search_path"u8, isAll: false));
        Assert.Equal(batch, SetBatch.Restore(tracked, login, default, isAll: true));
        Assert.Null(SetBatch.Restore(tracked, login, "datestyle"u8, isAll: false));
    }

    // ---- among other commands ------------------------------------------------------------------------------------------

    private string SentText => System.Text.Encoding.Latin1.GetString(_talk.Sent);

    private const string IfReset = "CASE WHEN 'timezone' OPERATOR(pg_catalog.=) ANY (a) THEN "
        + "pg_catalog.set_config('TimeZone','Asia/Tokyo',false) END";

    /// <summary>asyncpg says the second one whenever a connection goes back to its pool.</summary>
    [Theory]
    [InlineData("reset all; set timezone = 'UTC'")]
    [InlineData("SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;")]
    [InlineData("set timezone to default; select 1")]
    [InlineData("select 1; set session time zone local")]
    [InlineData("begin; reset all; commit")]
    public void Behind_several_commands_goes_what_brings_back_only_what_is_reset(string text)
    {
        Assert.Equal("Q Q", _talk.Says(_client, Query(text)));
        Assert.Contains(IfReset, SentText, StringComparison.Ordinal);
        Answers(_server, "C:RESET");
        Assert.Equal(Verdict.Skip, Answers(_server, "S:TimeZone=UTC"));
        Assert.Equal(Verdict.Forward, Answers(_server, "Z"));
        Assert.Equal(Verdict.Skip, Answers(_server, "T"));
        Assert.Equal(Verdict.Skip, Answers(_server, "C:SELECT~0"));
        Assert.Equal(Verdict.Skip, Answers(_server, "S:TimeZone=Asia/Tokyo"));
        Assert.Equal(Verdict.Skip, Answers(_server, "Z"));
        Assert.True(_server.OwesNothing && !_server.HasOwnReplies);
        Assert.Equal("Asia/Tokyo", _client.Parameters[TimeZone]);
    }

    [Fact]
    public void A_value_that_is_set_behind_a_reset_is_told_once_it_is_known_to_stay()
    {
        _talk.Says(_client, Query("reset all; set timezone = 'UTC'"));
        Answers(_server, "C:RESET C:SET");
        Assert.Equal(Verdict.Skip, Answers(_server, "S:TimeZone=UTC"));
        Answers(_server, "Z T C:SELECT~0 Z");
        Assert.Equal("UTC", _client.Parameters[TimeZone]);
        Assert.True(_server.HasOwnReplies);
        var words = new FastPool.Protocol.MessageBuffer();
        _server.TakeOwnReplies(words);
        Assert.Equal(Wire.Typed('S', Wire.Strings("TimeZone", "UTC")), words.WrittenSpan.ToArray());
    }

    /// <summary>The segment may fail before it, and behind it.</summary>
    [Theory]
    [InlineData("select 1/0", "reset timezone")]
    [InlineData("reset timezone", "select 1/0")]
    public void In_a_segment_too_only_what_is_reset_is_brought_back(params string[] texts)
    {
        foreach (var text in texts)
        {
            _talk.Says(_client, Parse("", text));
            _talk.Says(_client, Bind(""));
            _talk.Says(_client, PreparedTalk.Execute);
        }
        Assert.Equal("S Q", _talk.Says(_client, Sync));
        Assert.Contains(IfReset, SentText, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("select 1; select 'reset all'")]
    [InlineData("set local timezone = 'UTC'; select 'default'")]
    [InlineData("begin; set timezone = 'UTC'; commit;")]
    [InlineData("select 1 as discard; set default_statistics_target = 1;")]
    [InlineData("/* reset all */ select 1")]
    [InlineData("reset;")]
    [InlineData("reset datestyle; select 1")] // Not given at the login. TimeZone may have been set since: it is left alone.
    public void Several_commands_without_a_reset_are_followed_by_nothing(string text) =>
        Assert.Equal("Q", _talk.Says(_client, Query(text)));

    [Theory]
    [InlineData("select 1; reset all", false)]
    [InlineData("select 1; discard all", true)]
    [InlineData("select 1; reset role", true)]
    [InlineData("select 1; reset session authorization", true)]
    public void Among_others_the_role_comes_back_where_it_may_have_been_reset(string text, bool isBack)
    {
        _client.SettingsAtLogin = LoginSettings.TryAdd(LoginSettings.TryAdd(null, "app.tenant", "t"), "role", "r");
        Assert.Equal("Q Q", _talk.Says(_client, Query(text)));
        Assert.Equal(text.EndsWith("all", StringComparison.Ordinal),
            SentText.Contains("CASE WHEN pg_catalog.current_setting('app.tenant',true) OPERATOR(pg_catalog.=) '' THEN "
                + "pg_catalog.set_config('app.tenant','t',false) END", StringComparison.Ordinal));
        const string Back = "CASE WHEN pg_catalog.current_setting('role',true) OPERATOR(pg_catalog.=) 'none' THEN "
            + "pg_catalog.set_config('role','r',";
        Assert.Equal(isBack, SentText.Contains(Back, StringComparison.Ordinal));
    }

    /// <summary>A query among messages of a segment that has failed is read past, and so is what stands behind it.</summary>
    [Fact]
    public void A_reset_that_is_read_past_leaves_nothing_under_way()
    {
        _talk.Says(_client, Parse("", "selec"));
        Assert.Equal("Q Q", _talk.Says(_client, Query("reset all")));
        _talk.Says(_client, Sync);
        Answers(_server, "E:42601 Z");
        Assert.True(_server.OwesNothing);
        for (var round = 0; round < 2; round++)
        {
            _talk.Says(_client, Parse("", "select 1"));
            _talk.Says(_client, Sync);
            if (round == 0) Answers(_server, "1 Z");
        }
        Assert.Equal("B", _talk.Says(_client, Bind(""))); // No query of the pooler's is on its way.
    }
}
