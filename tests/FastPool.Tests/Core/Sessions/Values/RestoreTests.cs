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
    [InlineData("reset all; set timezone = 'UTC'")]
    [InlineData("discard plans")]
    [InlineData("resetall")]
    [InlineData("set timezone to 'default'")]
    [InlineData("set local timezone to default")]
    [InlineData("set timezone default")]
    [InlineData("set timezone to default; select 1")]
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

    [Theory]
    [InlineData("a", "SET search_path=\"a\";")]
    [InlineData("\"$user\", Public", "SET search_path=\"$user\",\"public\";")]
    [InlineData("\"a\"\"; drop table t; --\", b", "SET search_path=\"a\"\"; drop table t; --\",\"b\";")]
    [InlineData("", "SET search_path='';")]
    [InlineData("'); drop table t", "SET search_path='';")]
    public void A_search_path_is_a_list_of_quoted_names(string value, string batch)
    {
        var tracked = _talk.Bench.Context.Tracked;
        var login = _talk.Bench.Context.Interner.With(tracked.Unknown, TrackedParameters.SearchPath, value);
        Assert.Equal(batch, SetBatch.Restore(tracked, login, "search_path"u8, isAll: false));
        Assert.Equal(batch, SetBatch.Restore(tracked, login, default, isAll: true));
        Assert.Null(SetBatch.Restore(tracked, login, "datestyle"u8, isAll: false));
    }
}
