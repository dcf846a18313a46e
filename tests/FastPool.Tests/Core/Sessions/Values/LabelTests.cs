using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Tests.Harness;
using static FastPool.Tests.Harness.PreparedTalk;

namespace FastPool.Tests.Core.Sessions;

/// <summary>
/// A server that does not report search_path: the pooler knows what it has set, and what it does not know it sets again.
/// </summary>
public sealed class LabelTests
{
    private const string SetS1 = "SELECT pg_catalog.set_config('search_path','s1',false);";

    private readonly SessionBench _bench = new("pool_mode=transaction\nmax_prepared_statements=10");
    private readonly PreparedTalk _talk;
    private readonly ServerSession _server;

    public LabelTests()
    {
        _talk = new PreparedTalk(_bench);
        _server = _talk.NewServer();
    }

    /// <summary>As after its welcome.</summary>
    private ClientSession NewClient(string? searchPath = null)
    {
        var client = _talk.NewClient(_server);
        client.Parameters = ((WelcomeParameters)_bench.PoolOf().Welcome!).Tracked;
        if (searchPath is not null)
            client.Parameters = With(client, searchPath);
        return client;
    }

    private ParameterValues With(ClientSession client, string searchPath) =>
        _bench.Context.Interner.With(client.Parameters, TrackedParameters.SearchPath, searchPath);

    /// <returns>The batch that had to be run.</returns>
    private string? Link(ClientSession client)
    {
        if (_server.Link.Client is not null) _server.Link.LoseServer();
        if (_server.Link.Begin(client) is not { } batch) return null;
        Assert.Equal(Verdict.ParametersSet, Answers(_server, "C:SET Z"));
        return batch;
    }

    private void Runs(string text, string tag)
    {
        _talk.Says(_server.Client!, Query(text));
        Answers(_server, "C:" + tag.Replace(' ', '~') + " Z");
    }

    [Fact]
    public void Each_client_finds_its_own_and_the_server_s_where_it_has_none()
    {
        var (one, two, none) = (NewClient("s1"), NewClient("s2"), NewClient());
        Assert.Null(Link(none));
        Assert.Equal(SetS1, Link(one));
        Assert.Null(Link(one));
        Assert.Equal(SetS1.Replace("s1", "s2", StringComparison.Ordinal), Link(two));
        Assert.Equal(SetS1, Link(one));
        Assert.Equal("RESET search_path;", Link(none));
        Assert.Null(Link(none));
    }

    [Theory]
    [InlineData("SET")]
    [InlineData("RESET")]
    [InlineData("DISCARD ALL")]
    public void A_client_s_own_command_is_no_other_client_s(string tag)
    {
        Link(NewClient("s1"));
        Runs("set search_path = evil", tag);
        Assert.Equal(SetS1, Link(NewClient("s1")));
        Runs("set search_path = evil", tag);
        Assert.Equal("RESET search_path;", Link(NewClient()));
    }

    [Fact]
    public void A_reset_query_brings_back_the_server_s_own()
    {
        Link(NewClient("s1"));
        _server.Link.LoseServer();
        _server.BeginTest(ServerEvent.Reset);
        Answers(_server, "C:DISCARD~ALL Z");
        Assert.Null(Link(NewClient()));
        Assert.Equal(SetS1, Link(NewClient("s1")));
    }

    /// <summary>Plans are made with it: the same text is another statement.</summary>
    [Fact]
    public void A_statement_is_that_of_its_search_path()
    {
        Link(NewClient("s1"));
        Assert.Equal("P1", _talk.Says(_server.Client!, Parse("k", "select 1")));
        _talk.Says(_server.Client!, Sync);
        Answers(_server, "1 Z");
        Link(NewClient("s2"));
        Assert.Equal("P2", _talk.Says(_server.Client!, Parse("k", "select 1")));
    }

    [Fact]
    public void The_welcome_has_what_the_server_reports_and_nothing_else()
    {
        var welcome = (WelcomeParameters)_bench.PoolOf().Welcome!;
        var output = new FastPool.Protocol.MessageBuffer();
        welcome.Write(_bench.Context.Tracked, NewClient("s1").Parameters, 1, _bench.Registry.Settings,
            _bench.PoolOf().Limits, output);
        var text = System.Text.Encoding.Latin1.GetString(output.WrittenSpan);
        Assert.DoesNotContain("search_path", text, StringComparison.Ordinal);
        Assert.Contains("DateStyle", text, StringComparison.Ordinal);
    }

    /// <summary>An earlier version of the pooler tells nothing of search_path, nor does its welcome.</summary>
    [Fact]
    public void A_server_and_a_client_of_an_earlier_version_have_labels_too()
    {
        var interner = _bench.Context.Interner;
        var client = NewClient();
        client.Parameters = interner.FillOwn(interner.With(client.Parameters, TrackedParameters.SearchPath, null));
        Assert.Equal(ParameterValues.OwnDefault, client.Parameters[TrackedParameters.SearchPath]);
        Assert.Null(interner.FillOwn(_bench.Context.Tracked.Unknown)[TrackedParameters.ApplicationName]);
        Assert.Equal(SetS1, Link(NewClient("s1")));
        Assert.Equal("RESET search_path;", Link(client));
    }

    /// <summary>A forced user may be another one after a reload: no client has chosen that role.</summary>
    [Fact]
    public void The_role_of_the_login_is_no_client_s_wish()
    {
        var server = _bench.NewServer();
        Report(server.Login!, "session_authorization", "old");
        server.EndLogin();
        var (client, next) = (_talk.NewClient(server), _talk.NewClient(server));
        Assert.Null(server.Link.Begin(client));
        _talk.Says(client, Query("set session authorization bob"));
        server.Judge((byte)'S', Wire.Typed('S', Wire.Strings("session_authorization", "bob")));
        Answers(server, "C:SET Z");
        server.Link.LoseServer();
        Assert.Equal("RESET session_authorization;", server.Link.Begin(next));
        server.Judge((byte)'S', Wire.Typed('S', Wire.Strings("session_authorization", "old")));
        Assert.Equal(Verdict.ParametersSet, Answers(server, "C:RESET Z"));
        server.Link.LoseServer();
        Assert.Equal("SET session_authorization='bob';", server.Link.Begin(client));
    }

    private static void Report(ServerLogin login, string name, string value) =>
        login.OnMessage((byte)'S', Wire.Strings(name, value));
}
