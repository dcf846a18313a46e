using System.Text;
using System.Text.RegularExpressions;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Tests.Harness;
using static FastPool.Tests.Harness.PreparedTalk;

namespace FastPool.Tests.Core.Sessions;

/// <summary>session_state = keep: when a server is asked, what becomes of the answer, and what the next client finds.</summary>
public sealed class KeptStateTests
{
    private readonly PreparedTalk _talk =
        new(new SessionBench("pool_mode=transaction\ndefault_pool_size=4\n[fastpool]\nsession_state=keep\npinned_servers_max=1"));

    private readonly ServerSession _server;
    private readonly ClientSession _client;

    public KeptStateTests()
    {
        _server = _talk.NewServer();
        _client = _talk.NewClient(_server);
        _server.Link.Begin(_client);
    }

    private const string BeginUnder = "BEGIN ISOLATION LEVEL READ COMMITTED;under ";

    private static FakeEnd EndOf(ServerSession server) => (FakeEnd)server.Transport;

    private void Says(string text, string tag)
    {
        _talk.Says(_client, Query(text));
        Answers(_client.Server!, $"C:{tag.Replace(' ', '~')} Z");
    }

    /// <summary>The server is asked, and says this.</summary>
    /// <param name="unreported">search_path: null where the session has not set it.</param>
    private static Verdict Tell(ServerSession server, string set, string prepared, string undo, string pin,
        string? unreported = null, string channels = "", string reading = "")
    {
        var question = Encoding.Latin1.GetString(server.BeginQuestion());
        var count = question.Split("(SELECT setting FROM a WHERE").Length - 1;
        string?[] values = [set, prepared, undo, pin, channels, reading, .. Enumerable.Repeat(unreported, count)];
        var body = new List<byte> { 0, (byte)values.Length };
        foreach (var value in values)
        {
            body.AddRange(value is null ? [255, 255, 255, 255] : [0, 0, 0, (byte)value.Length]);
            if (value is not null) body.AddRange(Encoding.Latin1.GetBytes(value));
        }
        server.Judge((byte)'T', Wire.Typed('T'));
        Assert.Equal(Verdict.Skip, server.Judge((byte)'D', Wire.Typed('D', [.. body])));
        return Answers(server, "C:SELECT~1 Z");
    }

    [Theory]
    [InlineData("select 1", "SELECT 1", false)]
    [InlineData("set work_mem = '1MB'", "SET", true)]
    [InlineData("set local work_mem = '1MB'", "SET", false)]
    [InlineData("create temp table t()", "CREATE TABLE", true)]
    public void The_link_ends_when_nothing_may_be_left(string text, string tag, bool isAsked)
    {
        Says(text, tag);
        Assert.Equal(isAsked ? LinkHold.StateUnknown : LinkHold.None, _server.Link.Hold);
        Assert.Equal(!isAsked, _server.Link.TryEnd());
        Assert.Equal(isAsked ? 1 : 0, EndOf(_server).Asked);
    }

    [Fact]
    public void A_function_that_is_called_by_number_may_leave_anything()
    {
        _talk.Says(_client, Wire.Typed('F', [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
        Answers(_server, "V Z");
        Assert.Equal(LinkHold.StateUnknown, _server.Link.Hold);
    }

    [Fact]
    public void A_SET_LOCAL_that_fails_hides_no_SET()
    {
        _talk.Says(_client, Query("set local nonsense = 1"));
        Answers(_server, "E:42704 Z");
        Says("set work_mem = '1MB'", "SET");
        Assert.Equal(LinkHold.StateUnknown, _server.Link.Hold);
    }

    [Fact]
    public void A_state_of_prepared_statements_alone_has_an_empty_batch_that_is_sent_all_the_same()
    {
        Says("prepare p as select 1", "PREPARE");
        Tell(_server, "", "\u0001prepare p as select 1", "undo it;", "");
        Assert.True(_server.Link.TryEnd());
        var other = _talk.NewServer();
        Assert.Equal(("", true), (other.Link.Begin(_client), other.HasSetBatch));
        Assert.Equal(["prepare p as select 1"], other.QueriesBehindSet);
        Assert.Equal(Verdict.Skip, Answers(other, "Z"));
        Assert.Equal(Verdict.ParametersSet, Answers(other, "C:PREPARE Z"));
    }

    [Fact]
    public void A_statement_is_prepared_again_under_the_search_path_that_it_was_prepared_under()
    {
        Says("prepare p as select v from t", "PREPARE");
        Tell(_server, "", "\u0001prepare p as select v from t", "undo it;", "", reading: "under one");
        Says("reset all", "RESET");
        Says("prepare q as select 1", "PREPARE");
        Tell(_server, "", "\u0001prepare p as select v from t\u0001prepare q as select 1", "undo it;", "", reading: "under two");
        Assert.True(_server.Link.TryEnd());
        var other = _talk.NewServer();
        other.Link.Begin(_client);
        Assert.Equal(
            [BeginUnder + "one", "prepare p as select v from t", "COMMIT", "prepare q as select 1"], other.QueriesBehindSet);
        Assert.Equal(Verdict.ParametersSet, Answers(other, "Z C:BEGIN C:SELECT~1 Z C:PREPARE Z C:COMMIT Z C:PREPARE Z"));
    }

    [Fact]
    public void A_statement_that_cannot_be_prepared_again_is_lost_and_its_server_is_reset_before_the_next_client()
    {
        const string Both = "\u0001prepare p as select v from t\u0001prepare q as select 1";
        Says("prepare p as select v from t; prepare q as select 1", "PREPARE");
        Tell(_server, "", Both, "undo it;", "", reading: "under one");
        Assert.True(_server.Link.TryEnd());
        var other = _talk.NewServer();
        other.Link.Begin(_client);
        Assert.Equal(Verdict.ParametersSet, Answers(other, "Z E:42P01 Z C:PREPARE Z"));
        Assert.True(other.MustDiscard);

        // The client prepares it once more, and this time it means something else.
        Says("prepare p as select v from t", "PREPARE");
        Tell(other, "", Both, "undo it;", "", reading: "under two");
        Assert.False(other.MustDiscard); // The server has said what it holds.
        Assert.True(other.Link.TryEnd());
        var third = _talk.NewServer();
        third.Link.Begin(_client);
        Assert.Equal(
            ["prepare p as select v from t", BeginUnder + "one", "prepare q as select 1", "COMMIT"], third.QueriesBehindSet);
    }

    [Fact]
    public void State_goes_along_and_is_taken_away_for_the_next_client()
    {
        Says("set work_mem = '1MB'", "SET");
        Tell(_server, "do it;", "\u0001prepare p as select 1\u0001prepare q as select 2", "undo it;", "");
        Assert.True(_server.Link.TryEnd());

        var other = _talk.NewServer();
        Assert.Equal("do it;", other.Link.Begin(_client));
        Assert.Equal(["prepare p as select 1", "prepare q as select 2"], other.QueriesBehindSet);
        Assert.Equal(Verdict.Skip, Answers(other, "C:SET Z C:PREPARE Z"));
        Assert.Equal(Verdict.ParametersSet, Answers(other, "C:PREPARE Z"));
        Says("select 1", "SELECT 1");
        Assert.True(other.Link.TryEnd());
        Assert.Null(other.Link.Begin(_client)); // It is still there.
        other.Link.LoseServer();

        var next = _talk.NewClient(_server);
        Assert.Equal("undo it;", _server.Link.Begin(next));
        Answers(_server, "C:RESET Z");
        Assert.Null(_server.Kept);
    }

    [Fact]
    public void A_SET_LOCAL_that_fails_in_a_transaction_hides_no_SET()
    {
        Says("begin", "BEGIN");
        _talk.Says(_client, Query("set local nonsense = 1"));
        Answers(_server, "E:42704 Z:E");
        _talk.Says(_client, Query("rollback to a"));
        Answers(_server, "C:ROLLBACK Z:T");
        _talk.Says(_client, Query("/* c */ set work_mem = 1"));
        Answers(_server, "C:SET Z:T");
        Says("commit", "COMMIT");
        Assert.Equal(LinkHold.StateUnknown, _server.Link.Hold);
    }

    [Fact]
    public void The_same_state_of_two_clients_needs_no_batch()
    {
        Says("set work_mem = '1MB'", "SET");
        Tell(_server, "do it;", "", "undo it;", "");
        Assert.True(_server.Link.TryEnd());
        var other = _talk.NewServer();
        var next = _talk.NewClient(other);
        other.Link.Begin(next);
        _talk.Says(next, Query("set work_mem = '1MB'"));
        Answers(other, "C:SET Z");
        Tell(other, "do it;", "", "undo it;", "");
        Assert.True(other.Link.TryEnd());
        Assert.Null(_server.Link.Begin(next));
    }

    [Fact]
    public void A_temporary_table_keeps_the_server_until_it_has_gone()
    {
        Says("create temp table t()", "CREATE TABLE");
        Tell(_server, "", "", "", "temporary table");
        Assert.Equal(LinkHold.Pinned, _server.Link.Hold);
        Assert.Equal(1, _server.Pool.PinnedServers);
        Says("select 1", "SELECT 1"); // Nothing in it tells of anything, and still: only the server knows.
        Assert.Equal(LinkHold.StateUnknown, _server.Link.Hold);
        Tell(_server, "", "", "", "");
        Assert.Equal(0, _server.Pool.PinnedServers);
        Assert.True(_server.Link.TryEnd());
        Assert.False(_server.MustDiscard);
    }

    [Fact]
    public void More_pins_than_allowed_end_the_link()
    {
        Says("listen a", "LISTEN");
        Tell(_server, "", "", "", "LISTEN");
        var other = _talk.NewServer();
        var next = _talk.NewClient(other);
        other.Link.Begin(next);
        _talk.Says(next, Query("listen b"));
        Answers(other, "C:LISTEN Z");
        Assert.Equal(Verdict.Disconnect, Tell(other, "", "", "", "LISTEN"));
        Assert.Equal("too many pinned servers (LISTEN)", other.Ending.Reason);
        Assert.Equal(1, _server.Pool.PinnedServers);
        Assert.Equal(1, _talk.Bench.Context.Safety.Rows.Single().Count); // It has not kept a server.
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void A_client_that_leaves_before_the_answer_leaves_a_server_that_must_be_cleaned(bool isQuestioned, bool isPinned)
    {
        Says("set work_mem = '1MB'", "SET");
        if (isPinned) Tell(_server, "", "", "", "advisory lock");
        else if (isQuestioned) _server.BeginQuestion();
        _server.Link.LoseClient();
        Assert.Equal("released", EndOf(_server).LastEnd);
        Assert.True(_server.MustDiscard);
        Assert.Equal(0, _server.Pool.PinnedServers);
        _server.BeginTest(ServerEvent.Reset);
        if (isQuestioned && !isPinned) Assert.Equal(Verdict.Skip, Answers(_server, "T D C:SELECT~1 Z"));
        Assert.Equal(Verdict.Tested, Answers(_server, "C:DISCARD~ALL Z"));
        Assert.False(_server.MustDiscard);
    }

    /// <summary>The client's client_min_messages brings some about the pooler's own query.</summary>
    [Theory]
    [InlineData("00000", false)]
    [InlineData("22P06", false)]
    [InlineData("57P02", true)] // The server crashes.
    public void Notices_of_the_question_are_not_told_but_for_the_end_of_the_server(string sqlState, bool isTold)
    {
        Says("set client_min_messages = debug5", "SET");
        _server.BeginQuestion();
        var notice = Wire.Typed('N', [.. Wire.Strings("SWARNING", "C" + sqlState, "Mtext"), 0]);
        Assert.Equal(notice.Length, _server.BytesToJudge((byte)'N', notice.Length));
        Assert.Equal(isTold ? Verdict.Forward : Verdict.Skip, _server.Judge((byte)'N', notice));
    }

    /// <summary>standard_conforming_strings may be off.</summary>
    [Fact]
    public void No_literal_of_the_question_has_a_backslash_but_in_one_that_says_so()
    {
        Says("set standard_conforming_strings = off", "SET");
        var text = Encoding.Latin1.GetString(_server.BeginQuestion());
        foreach (Match literal in Regex.Matches(text, "(E?)'((?:''|[^'])*)'"))
            Assert.False(literal.Groups[2].Value.Contains('\\') && literal.Groups[1].Length == 0, literal.Value);
    }

    [Fact]
    public void A_question_that_fails_keeps_the_server()
    {
        Says("set statement_timeout = 1", "SET");
        _server.BeginQuestion();
        Answers(_server, "E:57014 Z");
        Assert.Equal(LinkHold.Pinned, _server.Link.Hold);
        Assert.Equal("a state that cannot be carried", _server.Pin);
    }

    [Fact]
    public void A_name_that_the_text_does_not_tell_keeps_the_server()
    {
        _talk.Says(_client, Query("select set_config(n, 'x', false) from names"));
        Answers(_server, "C:SELECT~1 Z");
        Tell(_server, "", "", "", "");
        Assert.Equal("set_config of a name that its query does not tell", _server.Pin);
    }

    private const string Tracking = "pool_mode=transaction\nmax_prepared_statements=10\n[fastpool]\nsession_state=keep";

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    public void A_name_that_is_bound_is_asked_for(string statement)
    {
        var talk = new PreparedTalk(new SessionBench(Tracking));
        var server = talk.NewServer();
        var client = talk.NewClient(server);
        server.Link.Begin(client);
        talk.Says(client, Parse(statement, "select set_config($2, $1, false)"));
        talk.Says(client, Wire.Bind("", statement, "x", "App.Bound"));
        talk.Says(client, Execute);
        talk.Says(client, Sync);
        Answers(server, "1 2 C:SELECT~1 Z");
        Assert.Equal(LinkHold.StateUnknown, server.Link.Hold);
        Assert.Contains("'app.bound'", Encoding.Latin1.GetString(server.BeginQuestion()), StringComparison.Ordinal);
        Answers(server, "C:SELECT~0 Z");
        // Bound again, with another name.
        talk.Says(client, Wire.Bind("", statement, "x", "app.second"));
        talk.Says(client, Execute);
        talk.Says(client, Sync);
        Answers(server, "2 C:SELECT~1 Z");
        Assert.Contains("'app.second'", Encoding.Latin1.GetString(server.BeginQuestion()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_is_bound_and_cannot_be_read_keeps_the_server()
    {
        var talk = new PreparedTalk(new SessionBench(Tracking));
        var server = talk.NewServer();
        var client = talk.NewClient(server);
        server.Link.Begin(client);
        talk.Says(client, Parse("", "select set_config($2, $1, false)"));
        talk.Says(client, Wire.Bind("", "", "x")); // One value too few.
        talk.Says(client, Sync);
        Answers(server, "1 2 Z");
        Tell(server, "", "", "", "");
        Assert.Equal("set_config of a name that its query does not tell", server.Pin);
    }

    /// <summary>It may come in several pieces, and only the first would be looked at.</summary>
    [Theory]
    [InlineData('Q')]
    [InlineData('P')]
    public void A_text_is_seen_whole(char type)
    {
        Assert.True(_client.WantsWhole((byte)type, FastPool.Base.Limits.CommandBytesMax));
        var off = new PreparedTalk(new SessionBench("pool_mode=transaction\nmax_prepared_statements=0"));
        Assert.False(off.NewClient(off.NewServer()).WantsWhole((byte)type, 100));
    }

    [Theory]
    [InlineData("SET C:SET", true)]
    [InlineData("SET", false)] // It was the one that stands at the beginning.
    [InlineData("SET C:DO", true)]
    [InlineData("DO", true)]
    [InlineData("INSERT~0~1", false)]
    [InlineData("CREATE~FUNCTION", false)]
    public void A_text_too_long_to_be_seen_whole_may_set_what_nobody_knows(string tag, bool isPinned)
    {
        var query = Query("set work_mem = '1MB'; set app.tenant = 1");
        _server.LookAt((byte)'Q', query.AsSpan(0, 20), query.Length);
        _server.Expect((byte)'Q');
        Answers(_server, $"C:{tag} Z");
        Tell(_server, "", "", "", "");
        Assert.Equal(isPinned, _server.Pin is not null);
    }

    [Fact]
    public void Behind_other_requests_the_first_name_of_a_long_text_tells_nothing()
    {
        var query = Query("set work_mem = '1MB'; set app.tenant = 1");
        _talk.Says(_client, Query("select 1"));
        _server.LookAt((byte)'Q', query.AsSpan(0, 20), query.Length);
        _server.Expect((byte)'Q');
        Answers(_server, "C:SELECT~1 Z C:SET Z");
        Tell(_server, "", "", "", "");
        Assert.NotNull(_server.Pin);
    }

    [Fact]
    public void A_role_is_set_again_behind_another_session_authorization()
    {
        Says("set role r", "SET");
        Tell(_server, "set role r;", "", "undo it;", "");
        Assert.True(_server.Link.TryEnd());
        var other = _talk.NewServer();
        other.Judge((byte)'S', Wire.Typed('S', Wire.Strings("session_authorization", "bob")));
        _client.Link?.LoseServer();
        Assert.EndsWith("set role r;", other.Link.Begin(_client), StringComparison.Ordinal);
        Answers(other, "S:session_authorization=ann C:SET Z");
        Says("select 1", "SELECT 1");
        Assert.True(other.Link.TryEnd());
        other.Judge((byte)'S', Wire.Typed('S', Wire.Strings("session_authorization", "bob")));
        var batch = other.Link.Begin(_client)!;
        Assert.Contains("session_authorization", batch, StringComparison.Ordinal);
        Assert.EndsWith("set role r;", batch, StringComparison.Ordinal); // Though it is there.
    }

    [Fact]
    public void A_custom_variable_is_asked_for_by_its_name()
    {
        Says("set app.tenant = 1", "SET");
        Assert.Contains("'app.tenant'", Encoding.Latin1.GetString(_server.BeginQuestion()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_variable_that_is_not_reported_is_the_clients_own()
    {
        Says("set search_path = s", "SET");
        Tell(_server, "", "", "", "", "s");
        Assert.True(_server.Link.TryEnd());
        Assert.Equal("s", _client.Parameters[TrackedParameters.SearchPath]);
        var other = _talk.NewServer();
        Assert.Contains("set_config('search_path','s',false)", other.Link.Begin(_client), StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_that_come_meanwhile_stand_behind_the_question()
    {
        Says("set work_mem = '1MB'", "SET");
        _server.BeginQuestion();
        Assert.Equal("Q", _talk.Says(_client, Query("select 2")));
        Assert.Equal(Verdict.Skip, Answers(_server, "T C:SELECT~1 Z"));
        Assert.Equal(ServerPhase.Linked, _server.Phase);
        Assert.Equal(LinkHold.RepliesOutstanding, _server.Link.Hold);
        Assert.Equal(Verdict.Forward, Answers(_server, "T C:SELECT~1 Z"));
    }

    // ---- LISTEN ------------------------------------------------------------------------------------------------------

    private static byte[] Notification(string channel, string payload, int pid = 77) =>
        Wire.Typed('A', [0, 0, (byte)(pid >> 8), (byte)pid, .. Encoding.UTF8.GetBytes(channel), 0,
            .. Encoding.UTF8.GetBytes(payload), 0]);

    private static Verdict Notifies(ServerSession server, string channel, string payload, int pid = 77) =>
        server.Judge((byte)'A', Notification(channel, payload, pid));

    private ListenHub NewHub() => new(_server.Pool, "mark", static _ => { });

    private Subscription Subscribe(ListenHub hub) => _client.Subscription = new Subscription(hub, 5, null!, static _ => { });

    private void Listens(string channels = "\u0001a")
    {
        Says("listen a", "LISTEN");
        Tell(_server, "set it;", "", "undo it;", "", channels: channels);
        Assert.Equal(LinkHold.Listening, _server.Link.Hold);
        Assert.False(_server.Link.TryEnd());
        Assert.Equal(1, EndOf(_server).Unlistened);
    }

    [Fact]
    public void The_first_listener_leaves_its_server_as_the_listening_connection()
    {
        Listens("\u0001a\u0001b \"c");
        Assert.Equal(["a", "b \"c"], _client.Kept!.ChannelNames);
        Assert.Equal(0, _server.Pool.PinnedServers);
        var hub = NewHub();
        Assert.Equal("undo it;LISTEN \"mark\";", _server.BeginOpening(hub));
        Assert.Equal(Verdict.Forward, Notifies(_server, "a", "x"));
        Assert.Equal(Verdict.Unlistened, Answers(_server, "C:LISTEN Z"));
        Assert.Equal(ListenStep.Opened, _server.ListenStep);
        Assert.Same(hub, _server.TakeHubToBe());
        _server.Link.GiveUpServer();
        _server.BecomeHub(hub);
        Assert.Equal(ServerPhase.Listening, _server.Phase);
        Assert.Null(_server.Kept);
        Assert.False(_server.MustDiscard);
        Assert.Equal(Verdict.Skip, Notifies(_server, "a", "y"));
        _server.EndHub();
        Assert.True(_server.MustDiscard);
    }

    [Fact]
    public void Up_to_the_mark_the_server_tells_and_behind_it_the_hub()
    {
        Listens();
        Subscribe(NewHub());
        Assert.Equal(["a"], _server.BeginAsk());
        Assert.Equal(LinkHold.Listening, _server.Link.Hold);
        _server.OnHubAnswer(ListenAnswer.Listens);
        Assert.Equal(ListenStep.Ready, _server.ListenStep);
        Assert.Equal("LISTEN \"mark\";NOTIFY \"mark\", '5+';", _server.BeginMark());
        Assert.Equal(1, _server.Pool.Listening.CutsUnderWay);
        Assert.Equal(Verdict.Forward, Notifies(_server, "a", "1"));
        Assert.Equal(Verdict.Skip, Notifies(_server, "mark", "6+")); // Another client's.
        Assert.Equal(Verdict.Forward, Notifies(_server, "a", "2"));
        Assert.Equal(Verdict.Skip, Notifies(_server, "mark", "5+"));
        Assert.Equal(Verdict.Skip, Notifies(_server, "a", "3"));
        Assert.Equal(Verdict.Unlistened, Answers(_server, "C:LISTEN C:NOTIFY Z"));
        Assert.Equal("UNLISTEN *", _server.BeginUnlisten());
        Assert.Equal(Verdict.Skip, Notifies(_server, "a", "4"));
        Assert.Equal(Verdict.Unlistened, Answers(_server, "C:UNLISTEN Z"));
        Assert.Equal(ListenStep.Done, _server.ListenStep);
        Assert.True(_server.Link.TryEnd());
        Assert.False(_server.MustDiscard);
        Assert.Equal("undo it;", _server.Kept!.Undo);

        // It listens again with its next server, whose words behind the mark wait for those of the hub.
        Assert.Equal("undo it;set it;LISTEN \"a\";LISTEN \"mark\";NOTIFY \"mark\", '5-';", _server.Link.Begin(_client));
        Assert.Equal(["UNLISTEN \"mark\";"], _server.QueriesBehindSet);
        Assert.Equal(Verdict.Skip, Notifies(_server, "a", "5"));
        Assert.Equal(Verdict.Skip, Notifies(_server, "mark", "5-"));
        var behind = Notification("a", "6");
        Assert.Equal(Verdict.Skip, _server.Judge((byte)'A', behind));
        Assert.Equal(Verdict.Skip, Notifies(_server, "mark", "7+"));
        Assert.Equal(Verdict.Skip, Answers(_server, "C:NOTIFY Z C:UNLISTEN Z"));
        Assert.Equal(ServerPhase.SettingParameters, _server.Phase);
        Assert.True(_server.OnHubThrough());
        Assert.Equal(ServerPhase.Linked, _server.Phase);
        Assert.Equal(behind, _server.TakeEarly()!.WrittenSpan.ToArray());
        Assert.Equal(LinkHold.Listening, _server.Link.Hold);
        Assert.Equal(ListenStep.Ready, _server.ListenStep); // Nothing has changed: nobody need be asked.
    }

    [Theory]
    [InlineData('D')]
    [InlineData('d')]
    [InlineData('V')]
    [InlineData('t')]
    [InlineData('H')]
    [InlineData('N')]
    public void Other_messages_that_begin_with_the_process_id_are_no_notifications(char type)
    {
        _server.CancelKey = 77UL << 32;
        _talk.Says(_client, Query("select 1"));
        Assert.Equal(Verdict.Forward, _server.Judge((byte)type, Wire.Typed(type, [0, 0, 0, 77, .. "a\0x\0"u8])));
    }

    [Fact]
    public void A_notification_of_its_own_has_the_process_id_that_the_client_knows()
    {
        _server.CancelKey = 77UL << 32;
        Assert.Equal(Verdict.OwnNotification, Notifies(_server, "a", "x"));
        Assert.Equal(Verdict.Forward, Notifies(_server, "a", "x", pid: 78));
        var message = Notification("a", "x");
        _server.Sign(message);
        Assert.Equal(_client.Pid, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(5)));
    }

    [Fact]
    public void A_mark_that_fails_keeps_the_server_with_its_client()
    {
        Listens();
        Subscribe(NewHub());
        _server.BeginAsk();
        _server.OnHubAnswer(ListenAnswer.Listens);
        _server.BeginMark();
        Assert.Equal(Verdict.Unlistened, Answers(_server, "E:53400 Z"));
        Assert.Equal(ListenStep.Refused, _server.ListenStep);
        Assert.True(_server.TryKeepListening());
        Assert.Equal(1, _server.Pool.PinnedServers);
        Assert.False(_server.Link.TryEnd());
        Says("unlisten *", "UNLISTEN");
        Tell(_server, "", "", "", "");
        Assert.Equal(0, _server.Pool.PinnedServers);
        Assert.Null(_client.Subscription);
        Assert.True(_server.Link.TryEnd());
    }

    [Fact]
    public void A_listener_that_leaves_leaves_a_server_that_must_be_cleaned()
    {
        Listens();
        _server.Link.LoseClient();
        Assert.Equal("released", EndOf(_server).LastEnd);
        Assert.True(_server.MustDiscard);
    }

    [Fact]
    public void A_hub_that_never_opens_gives_its_place_back()
    {
        Listens();
        var hub = NewHub();
        Assert.True(_server.Pool.TryBeginListening(hub, _server.IsPinCounted));
        _server.BeginOpening(hub);
        _server.Link.LoseClient();
        Assert.Null(_server.Pool.Listening.Holder);
        Assert.Equal(0, _server.Pool.PinnedServers);
    }
}
