using System.Text;
using FastPool.Core.Pools;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>abandoned_transaction = rollback, with a server whose every word is given.</summary>
public sealed class AbandonedTests
{
    private const string Lines = "server_login_retry=1\nmax_prepared_statements=20\n";
    private const string Own = "[fastpool]\nabandoned_transaction=rollback\n";

    private MemorySocket _server = null!;
    private TransactionPath _path = null!;
    private MemorySocket _client = null!;

    public AbandonedTests() => _server = Begin("");

    private MemorySocket Begin(string settings, string own = "")
    {
        _path = new TransactionPath(settings: Lines + settings + Own + own);
        _client = _path.LogIn();
        return _path.Server!;
    }

    private Pool Pool => _path.Registry.PoolList.Single(static pool => pool.Database.Name == "d");

    private ServerPhase Phase => _path.View.Servers[0].Phase;

    private static byte[] Ready(char status) => Wire.Typed('Z', [(byte)status]);

    private static byte[] Done(string tag) => Wire.Typed('C', Wire.RawStrings(tag));

    private static byte[] Closed(int count) => [.. Enumerable.Repeat(Wire.Typed('3'), count).SelectMany(static close => close)];

    /// <summary>The messages that a server has been sent, a letter each; queries with their text.</summary>
    private string Heard(MemorySocket server)
    {
        _path.Elapse(0.02);
        var said = new StringBuilder();
        var input = server.PeerInput;
        while (Wire.Frame(input, out var type) is > 0 and var length)
        {
            said.Append(type);
            if (type == 'Q') said.Append('(').Append(Wire.RawStrings(input[5..length])[0]).Append(')');
            input = input[length..];
        }
        Assert.True(input.IsEmpty);
        server.PeerTake(server.PeerInput.Length);
        return said.ToString();
    }

    private void Say(params byte[][] replies)
    {
        foreach (var reply in replies) _server.PeerWrite(reply);
        _path.Elapse(0.02);
    }

    private void BeginTransaction(char status = 'T')
    {
        _client.PeerWrite(Wire.Query("begin"));
        Assert.Equal("Q(begin)", Heard(_server));
        Say(Done("BEGIN"), Ready(status));
    }

    /// <summary>The cancel request that the pooler has sent is taken, and acted on.</summary>
    private void TakeCancel()
    {
        _path.Elapse(0.02);
        var cancel = _path.Dialed[^1];
        Assert.NotSame(_server, cancel);
        Assert.Equal(16, cancel.PeerInput.Length);
        Assert.Equal("", Heard(_server)); // Nothing is sent before the request is through.
        Assert.Equal(1, Pool.Counts.BeingCanceled);
        cancel.PeerClose();
    }

    /// <summary>The server is free, and the next client gets it.</summary>
    private void NextClientIsServed()
    {
        _path.Elapse(0.02);
        Assert.Equal((1, 1), (Pool.Counts.Idle, Pool.Counts.Servers));
        var next = _path.Connect("user", "ann", "database", "d");
        _path.Elapse(0.02);
        next.PeerTake(next.PeerInput.Length);
        next.PeerWrite(TransactionPath.SimpleQuery());
        Assert.Equal("Q(select 1)", Heard(_server));
        Say(TransactionPath.SimpleReply());
        Assert.Equal(TransactionPath.SimpleReply(), next.PeerInput.ToArray());
    }

    [Theory]
    [InlineData('T')]
    [InlineData('E')]
    public void A_server_in_an_idle_transaction_is_rolled_back_and_kept(char status)
    {
        BeginTransaction(status);
        _client.PeerReset();
        Assert.Equal("Q(ROLLBACK)", Heard(_server));
        Assert.Equal((1, ServerPhase.Abandoned), (Pool.Counts.Tested, Phase));
        Say(Done("ROLLBACK"), Ready('I'));
        NextClientIsServed();
        Assert.Single(_path.Dialed);
    }

    [Fact]
    public void A_running_query_is_canceled_before_anything_else_is_sent()
    {
        BeginTransaction();
        _client.PeerWrite(Wire.Query("select pg_sleep(60)"));
        Assert.Equal("Q(select pg_sleep(60))", Heard(_server));
        _client.PeerClose();
        TakeCancel();
        Assert.Equal("fSCS", Heard(_server));
        Say(TransactionPath.Reply('T'), Wire.Error("ERROR", "57014", "canceling statement"), Ready('E'));
        Say(Ready('E'), Closed(1));
        Assert.Equal("", Heard(_server));
        Say(Ready('E'));
        Assert.Equal("Q(ROLLBACK)", Heard(_server));
        Say(Done("ROLLBACK"), Ready('I'));
        NextClientIsServed();
    }

    [Fact]
    public void A_query_outside_a_transaction_needs_no_rollback()
    {
        _client.PeerWrite(TransactionPath.SimpleQuery());
        Assert.Equal("Q(select 1)", Heard(_server));
        _client.PeerClose();
        TakeCancel();
        Assert.Equal("fSCS", Heard(_server));
        Say(TransactionPath.SimpleReply(), Ready('I'), Closed(1), Ready('I'));
        NextClientIsServed();
    }

    [Fact]
    public void The_clients_own_Closes_are_not_taken_for_the_markers()
    {
        for (var i = 0; i < 3; i++) _client.PeerWrite([.. Wire.Close('P', "p"), .. Wire.Sync]);
        _client.PeerWrite([.. Wire.Close('P', "p"), .. Wire.Close('P', "q")]);
        Assert.Equal("CSCSCSCC", Heard(_server));
        _client.PeerClose();
        TakeCancel();
        Assert.Equal("fS" + new string('C', 6) + "S", Heard(_server));
        Say(Closed(1), Ready('I'), Closed(1), Ready('I'), Closed(1), Ready('I'));
        Say(Closed(2), Ready('I'));
        Assert.Equal((1, ServerPhase.Abandoned), (Pool.Counts.Tested, Phase));
        Say(Closed(6));
        Assert.Equal(ServerPhase.Abandoned, Phase);
        Say(Ready('I'));
        NextClientIsServed();
    }

    /// <summary>The Sync behind the Execute is read in COPY, and never answered.</summary>
    [Fact]
    public void A_COPY_that_the_client_has_not_ended_is_ended()
    {
        _client.PeerWrite(TransactionPath.ExtendedQuery());
        Assert.Equal("PBDES", Heard(_server));
        Say(TransactionPath.Reply('1', '2'), Wire.Typed('n'), Wire.Typed('G', 0, 0, 0));
        _client.PeerWrite(Wire.CopyData("row"));
        Assert.Equal("d", Heard(_server));
        _client.PeerClose();
        TakeCancel();
        Assert.Equal("fSCS", Heard(_server));
        Say(Wire.Error("ERROR", "57014", "COPY from stdin failed"), Ready('I'), Closed(1), Ready('I'));
        NextClientIsServed();
    }

    [Fact]
    public void A_server_that_has_a_message_in_part_is_closed()
    {
        BeginTransaction();
        const int Part = 150_000;
        _client.PeerWrite(Wire.Query(new string(' ', 200_000)).AsSpan(0, Part));
        _path.Elapse(0.02);
        Assert.Equal(Part, _server.PeerInput.Length);
        _client.PeerClose();
        _path.Elapse(0.02);
        Assert.True(_server.IsPoolerClosed);
        Assert.Equal(Part, _server.PeerInput.Length); // No Terminate: it would be the rest of that message.
    }

    private static readonly byte[] Rows =
        [.. Enumerable.Repeat(TransactionPath.Reply('D'), 3_000).SelectMany(static row => row)];

    /// <summary>The reply is cut in the head of a row.</summary>
    private const int Cut = 12 * 2_000 + 3;

    [Fact]
    public void A_reply_that_the_client_did_not_read_is_read_by_the_pooler()
    {
        BeginTransaction();
        _client.PeerTake(_client.PeerInput.Length);
        _client.PeerWrite(TransactionPath.SimpleQuery());
        Assert.Equal("Q(select 1)", Heard(_server));
        _client.Capacity = 4;
        Say(TransactionPath.Reply('T'), Rows[..Cut]);
        _client.PeerClose();
        EndRows();
    }

    /// <summary>The client turns out to be gone when the reply is sent to it: all that stands behind it counts.</summary>
    [Fact]
    public void The_rest_behind_a_reply_that_could_not_be_sent_is_read()
    {
        _client = _path.Connect("user", "ann", "database", "d");
        _path.Elapse(0.02);
        BeginTransaction();
        _client.PeerWrite(TransactionPath.SimpleQuery());
        Assert.Equal("Q(select 1)", Heard(_server));
        _client.PeerClose();
        Say(TransactionPath.Reply('T'), Rows[..Cut]);
        EndRows();
    }

    private void EndRows()
    {
        TakeCancel();
        Assert.Equal("fSCS", Heard(_server));
        Say(Rows[Cut..], Done("SELECT 3000"), [.. Ready('T'), .. Ready('T'), .. Closed(1), .. Ready('T')]);
        Assert.Equal("Q(ROLLBACK)", Heard(_server));
        Say(Done("ROLLBACK"), Ready('I'));
        NextClientIsServed();
    }

    [Fact]
    public void A_server_that_does_not_come_to_an_end_is_closed()
    {
        BeginTransaction();
        _client.PeerClose();
        Assert.Equal("Q(ROLLBACK)", Heard(_server));
        _path.Elapse(6, () => _server.IsPoolerClosed);
        Assert.True(_server.IsPoolerClosed);
        Assert.Equal(0, Pool.Counts.Servers);
    }

    [Fact]
    public void A_server_that_stays_in_its_transaction_is_closed()
    {
        BeginTransaction();
        _client.PeerClose();
        Assert.Equal("Q(ROLLBACK)", Heard(_server));
        Say(Wire.Error("ERROR", "XX000", "no"), Ready('E'));
        Assert.True(_server.IsPoolerClosed);
    }

    [Fact]
    public void A_cancel_request_that_is_not_taken_ends_with_the_server()
    {
        _client.PeerWrite(TransactionPath.SimpleQuery());
        Assert.Equal("Q(select 1)", Heard(_server));
        _client.PeerClose();
        _path.Elapse(6, () => _server.IsPoolerClosed);
        Assert.True(_server.IsPoolerClosed);
        Assert.Equal("", Heard(_server).Replace("X", "", StringComparison.Ordinal));
    }

    [Fact]
    public void The_reset_query_runs_behind_the_rollback()
    {
        var server = Begin("server_reset_query_always=1\nserver_reset_query=DISCARD ALL\n");
        _client.PeerWrite(Wire.Query("begin"));
        Assert.Equal("Q(begin)", Heard(server));
        server.PeerWrite([.. Done("BEGIN"), .. Ready('T')]);
        _path.Elapse(0.02);
        _client.PeerClose();
        Assert.Equal("Q(ROLLBACK)", Heard(server));
        server.PeerWrite([.. Done("ROLLBACK"), .. Ready('I')]);
        Assert.Equal("Q(DISCARD ALL)", Heard(server));
        Assert.Equal((1, ServerPhase.Resetting), (Pool.Counts.Tested, Phase));
        server.PeerWrite([.. Done("DISCARD ALL"), .. Ready('I')]);
        _path.Elapse(0.02);
        Assert.Equal(1, Pool.Counts.Idle);
    }

    [Fact]
    public void A_client_that_waits_gets_the_server_at_once()
    {
        BeginTransaction();
        var waiting = _path.Connect("user", "ann", "database", "d");
        _path.Elapse(0.02);
        waiting.PeerWrite(TransactionPath.SimpleQuery());
        _path.Elapse(0.02);
        Assert.Equal(1, Pool.Counts.Waiting);
        _client.PeerClose();
        Assert.Equal("Q(ROLLBACK)", Heard(_server));
        Say(Done("ROLLBACK"), Ready('I'));
        Assert.Equal("Q(select 1)", Heard(_server));
        Assert.Equal((0, 1), (Pool.Counts.Waiting, Pool.Counts.Active));
    }

    /// <summary>Nobody has heard whether the statement was prepared: the next use closes it first.</summary>
    [Fact]
    public void A_statement_under_way_is_prepared_anew_for_the_next_client()
    {
        _client.PeerWrite(TransactionPath.Preparation());
        Assert.Equal("PS", Heard(_server));
        _client.PeerClose();
        TakeCancel();
        Assert.Equal("fSCS", Heard(_server));
        Say(TransactionPath.Reply('1', 'Z', 'Z', '3', 'Z'));
        var next = _path.Connect("user", "ann", "database", "d");
        _path.Elapse(0.02);
        next.PeerWrite(TransactionPath.Preparation());
        Assert.Equal("CPS", Heard(_server));
    }

    [Fact]
    public void A_statement_that_was_prepared_before_is_still_there()
    {
        _client.PeerWrite(TransactionPath.Preparation());
        Assert.Equal("PS", Heard(_server));
        Say(TransactionPath.Reply('1', 'Z'));
        BeginTransaction();
        _client.PeerClose();
        Assert.Equal("Q(ROLLBACK)", Heard(_server));
        Say(Done("ROLLBACK"), Ready('I'));
        var next = _path.Connect("user", "ann", "database", "d");
        _path.Elapse(0.02);
        next.PeerWrite([.. TransactionPath.Preparation(), .. TransactionPath.PreparedQuery()]);
        Assert.Equal("SBES", Heard(_server));
    }

    /// <summary>A variable that the transaction has changed goes back by the ROLLBACK, and the pooler hears it.</summary>
    [Fact]
    public void A_value_that_is_reported_meanwhile_is_the_servers()
    {
        BeginTransaction();
        _client.PeerWrite(Wire.Query("set timezone = 'Asia/Tokyo'"));
        Assert.Equal("Q(set timezone = 'Asia/Tokyo')", Heard(_server));
        Say(Wire.Typed('S', Wire.RawStrings("TimeZone", "Asia/Tokyo")), Done("SET"), Ready('T'));
        _client.PeerClose();
        Assert.Equal("Q(ROLLBACK)", Heard(_server));
        Say(Done("ROLLBACK"), Wire.Typed('S', Wire.RawStrings("TimeZone", "UTC")), Ready('I'));
        NextClientIsServed();
    }

    [Theory]
    [InlineData("idle_transaction_timeout=1\n", "idle transaction timeout")]
    [InlineData("transaction_timeout=1\n", "transaction timeout")]
    public void A_time_out_of_the_clients_keeps_the_server_too(string setting, string reason)
    {
        var server = Begin(setting);
        _client.PeerWrite(Wire.Query("begin"));
        Assert.Equal("Q(begin)", Heard(server));
        server.PeerWrite([.. Done("BEGIN"), .. Ready('T')]);
        _path.Elapse(2, () => _client.IsPoolerClosed);
        Assert.Contains(reason, Encoding.Latin1.GetString(_client.PeerInput), StringComparison.Ordinal);
        Assert.Equal("Q(ROLLBACK)", Heard(server));
        server.PeerWrite([.. Done("ROLLBACK"), .. Ready('I')]);
        _path.Elapse(0.02);
        Assert.Equal((1, 1), (Pool.Counts.Idle, Pool.Counts.Servers));
    }

    [Fact]
    public void A_marked_server_is_closed_as_it_is()
    {
        BeginTransaction();
        Pool.Invalidate();
        _client.PeerClose();
        _path.Elapse(0.02);
        Assert.True(_server.IsPoolerClosed);
    }

    /// <summary>A state that it would have been asked for is taken away, not carried over.</summary>
    [Fact]
    public void With_session_state_the_session_is_discarded_if_it_may_have_been_changed()
    {
        var server = Begin("", "session_state=keep\n");
        _client.PeerWrite(Wire.Query("begin; set work_mem = '8MB'"));
        Assert.StartsWith("Q(begin", Heard(server), StringComparison.Ordinal);
        server.PeerWrite([.. Done("BEGIN"), .. Done("SET"), .. Ready('T')]);
        _path.Elapse(0.02);
        _client.PeerClose();
        Assert.Equal("Q(ROLLBACK)", Heard(server));
        server.PeerWrite([.. Done("ROLLBACK"), .. Ready('I')]);
        Assert.Equal("Q(DISCARD ALL)", Heard(server));
        server.PeerWrite([.. Done("DISCARD ALL"), .. Ready('I')]);
        _path.Elapse(0.02);
        Assert.Equal(1, Pool.Counts.Idle);
    }

    [Fact]
    public void With_session_state_a_plain_transaction_costs_no_more_than_its_rollback()
    {
        var server = Begin("", "session_state=keep\n");
        _client.PeerWrite(Wire.Query("begin"));
        Assert.Equal("Q(begin)", Heard(server));
        server.PeerWrite([.. Done("BEGIN"), .. Ready('T')]);
        _path.Elapse(0.02);
        _client.PeerClose();
        Assert.Equal("Q(ROLLBACK)", Heard(server));
        server.PeerWrite([.. Done("ROLLBACK"), .. Ready('I')]);
        _path.Elapse(0.02);
        Assert.Equal(1, Pool.Counts.Idle);
    }

    /// <summary>The client goes while its variables are being set: nobody knows how far that has come.</summary>
    [Fact]
    public void A_client_that_goes_while_its_variables_are_set_leaves_a_server_that_is_kept()
    {
        var other = _path.Connect("user", "ann", "database", "d", "application_name", "other");
        _path.Elapse(0.02);
        other.PeerWrite(TransactionPath.SimpleQuery());
        Assert.Equal("Q(SET application_name='other';)", Heard(_server));
        _path.View.Close(_path.View.Clients.Single(static client => client.Server is not null), "killed");
        Assert.Equal("fSCS", Heard(_server));
        Say(Done("SET"), Wire.Typed('S', Wire.RawStrings("application_name", "other")), Ready('I'), Ready('I'), Closed(1),
            Ready('I'));
        _path.Elapse(0.02);
        Assert.Equal((1, 1), (Pool.Counts.Idle, Pool.Counts.Servers));
        _client.PeerWrite(TransactionPath.SimpleQuery());
        Assert.Equal("Q(SET application_name='';)", Heard(_server));
    }
}
