using System.Buffers.Binary;
using System.Text;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>defer_begin, with a server whose every word is given.</summary>
public sealed class DeferredBeginTests
{
    private const string Lines = "server_login_retry=1\nmax_prepared_statements=20\n";

    private TransactionPath _path = null!;
    private MemorySocket _client = null!;
    private MemorySocket _server = null!;

    public DeferredBeginTests() => Start("");

    private void Start(string settings)
    {
        _path = new TransactionPath(settings: Lines + settings + "[fastpool]\ndefer_begin=1\n");
        _client = _path.LogIn();
        _server = _path.Server!;
    }

    private Pool Pool => _path.Registry.PoolList.Single(static pool => pool.Database.Name == "d");

    private ClientSession Client => _path.View.Clients[0];

    private static byte[] Ready(char status) => Wire.Typed('Z', [(byte)status]);

    private static byte[] Done(string tag, char status) => [.. Wire.Typed('C', Wire.RawStrings(tag)), .. Ready(status)];

    private static byte[] Refused => [.. Wire.Error("ERROR", "0A000", "cannot use serializable mode in a hot standby")];

    /// <summary>The queries that the server has been sent; of other messages the letter.</summary>
    private string Heard()
    {
        _path.Elapse(0.02);
        var said = new List<string>();
        var input = _server.PeerInput;
        while (Wire.Frame(input, out var type) is > 0 and var length)
        {
            said.Add(type == 'Q' ? Wire.RawStrings(input[5..length])[0] : type.ToString());
            input = input[length..];
        }
        Assert.True(input.IsEmpty);
        _server.PeerTake(_server.PeerInput.Length);
        return string.Join(" | ", said);
    }

    private void Answer(params byte[][] replies)
    {
        foreach (var reply in replies) _server.PeerWrite(reply);
        _path.Elapse(0.02);
    }

    private void Say(params byte[][] messages)
    {
        foreach (var message in messages) _client.PeerWrite(message);
        _path.Elapse(0.02);
    }

    private void IsTold(params byte[][] messages) => IsTold(_client, messages);

    private static void IsTold(MemorySocket client, params byte[][] messages)
    {
        Assert.Equal(Encoding.Latin1.GetString([.. messages.SelectMany(static message => message)]),
            Encoding.Latin1.GetString(client.PeerInput));
        client.PeerTake(client.PeerInput.Length);
    }

    private void Begin(string text = "begin", string tag = "BEGIN")
    {
        Say(Wire.Query(text));
        IsTold(Done(tag, 'T'));
        Assert.Equal("", Heard());
        Assert.Equal(0, Pool.Counts.Active);
    }

    [Theory]
    [InlineData("begin", "BEGIN", "commit", "COMMIT")]
    [InlineData("begin;", "BEGIN", "end", "COMMIT")]
    [InlineData("begin isolation level serializable", "BEGIN", "rollback work", "ROLLBACK")]
    [InlineData("START TRANSACTION READ ONLY, DEFERRABLE", "START TRANSACTION", "abort;", "ROLLBACK")]
    public void A_transaction_without_a_statement_costs_no_server(string begin, string tag, string end, string endTag)
    {
        for (var round = 0; round < 3; round++)
        {
            Begin(begin, tag);
            Say(Wire.Query(end));
            IsTold(Done(endTag, 'I'));
        }
        Assert.Equal("", Heard());
        Assert.Equal((3L, 6L, 0L), (Pool.Stats[0].Xacts, Pool.Stats[0].Queries, Pool.Stats[0].ServerAssignments));
        Assert.Equal(0, Client.XactStartUs);
    }

    [Fact]
    public void The_BEGIN_is_sent_before_the_first_statement_and_its_reply_is_awaited()
    {
        Begin("begin isolation level serializable");
        Assert.NotEqual(0, Client.XactStartUs);
        Say(Wire.Query("select 1"));
        Assert.Equal("begin isolation level serializable", Heard());
        Answer(Done("BEGIN", 'T'));
        IsTold();
        Assert.Equal("select 1", Heard());
        Answer(Done("SELECT 1", 'T'));
        IsTold(Done("SELECT 1", 'T'));
        Say(Wire.Query("commit"));
        Assert.Equal("commit", Heard());
        Answer(Done("COMMIT", 'I'));
        IsTold(Done("COMMIT", 'I'));
        Assert.Equal((1, 1L, 3L), (Pool.Counts.Idle, Pool.Stats[0].Xacts, Pool.Stats[0].Queries));
    }

    [Fact]
    public void A_pipeline_of_both_is_kept_in_order()
    {
        Say(Wire.Query("begin"), Wire.Query("select 1"), Wire.Query("commit"), Wire.Query("begin"), Wire.Query("rollback"));
        IsTold(Done("BEGIN", 'T'));
        Assert.Equal("begin", Heard());
        Answer(Done("BEGIN", 'T'));
        Assert.Equal("select 1 | commit | begin | rollback", Heard());
        Answer(Done("SELECT 1", 'T'), Done("COMMIT", 'I'), Done("BEGIN", 'T'), Done("ROLLBACK", 'I'));
        IsTold(Done("SELECT 1", 'T'), Done("COMMIT", 'I'), Done("BEGIN", 'T'), Done("ROLLBACK", 'I'));
        Assert.Equal(1, Pool.Counts.Idle);
    }

    [Theory]
    [InlineData("begin")]
    [InlineData("commit and chain")]
    [InlineData("savepoint a")]
    [InlineData("")]
    public void Other_queries_need_the_server(string text)
    {
        Begin();
        Say(Wire.Query(text));
        Assert.Equal("begin", Heard());
        Answer(Done("BEGIN", 'T'));
        Assert.Equal(text, Heard());
    }

    [Fact]
    public void The_extended_protocol_needs_the_server()
    {
        Begin();
        Say(TransactionPath.ExtendedQuery());
        Assert.Equal("begin", Heard());
        Answer(Done("BEGIN", 'T'));
        Assert.Equal("P | B | D | E | S", Heard());
    }

    [Fact]
    public void Variables_come_before_it()
    {
        var other = _path.Connect("user", "ann", "database", "d", "application_name", "other");
        _path.Elapse(0.02);
        other.PeerTake(other.PeerInput.Length);
        other.PeerWrite(Wire.Query("begin"));
        _path.Elapse(0.02);
        IsTold(other, Done("BEGIN", 'T'));
        other.PeerWrite(Wire.Query("select 1"));
        Assert.Equal("SET application_name='other'; | begin", Heard());
        Answer(Wire.Typed('S', Wire.RawStrings("application_name", "other")), Done("SET", 'I'));
        Assert.Equal("", Heard());
        Answer(Done("BEGIN", 'T'));
        Assert.Equal("select 1", Heard());
    }

    [Fact]
    public void Behind_a_BEGIN_that_fails_nothing_is_run_and_the_transaction_has_failed()
    {
        Begin("begin isolation level serializable");
        Say(Wire.Query("delete from t"), Wire.Query("delete from u"));
        Assert.Equal("begin isolation level serializable", Heard());
        Answer(Refused, Ready('I'));
        // The second one waits for a server that is brought into a failed transaction.
        Assert.Equal("BEGIN | ROLLBACK TO SAVEPOINT failed_earlier", Heard());
        IsTold(Refused, Ready('E'));
        Answer(Done("BEGIN", 'T'), Wire.Error("ERROR", "3B001", "savepoint does not exist"), Ready('E'));
        Assert.Equal("delete from u", Heard());
        Answer(Wire.Error("ERROR", "25P02", "aborted"), Ready('E'));
        IsTold(Wire.Error("ERROR", "25P02", "aborted"), Ready('E'));
        Say(Wire.Query("commit"));
        Assert.Equal("commit", Heard());
        Answer(Done("ROLLBACK", 'I'));
        IsTold(Done("ROLLBACK", 'I'));
        Assert.Equal(1, Pool.Counts.Idle);
    }

    [Theory]
    [InlineData("commit")]
    [InlineData("rollback")]
    public void A_transaction_that_failed_without_a_server_ends_without_one(string end)
    {
        Begin();
        Say(TransactionPath.ExtendedQuery());
        Assert.Equal("begin", Heard());
        Answer(Refused, Ready('I'));
        IsTold(Refused, Ready('E'));
        Assert.Equal(1, Pool.Counts.Idle);
        Say(Wire.Query(end));
        IsTold(Done("ROLLBACK", 'I'));
        Assert.Equal("", Heard());
        Say(TransactionPath.SimpleQuery());
        Assert.Equal("select 1", Heard());
    }

    /// <summary>The messages of the request that come later are read past too, up to its Sync.</summary>
    [Fact]
    public void A_segment_behind_a_BEGIN_that_fails_is_read_past_up_to_its_Sync()
    {
        Begin();
        Say(Wire.Parse("", "delete from t"), Wire.Bind("", ""));
        Assert.Equal("begin", Heard());
        Answer(Refused, Ready('I'));
        IsTold(Refused);
        Say(Wire.Execute());
        IsTold();
        Say(Wire.Sync);
        IsTold(Ready('E'));
        Assert.Equal("", Heard());
    }

    [Fact]
    public void A_request_that_is_canceled_in_the_queue_fails_the_transaction()
    {
        var holder = _path.Connect("user", "ann", "database", "d");
        _path.Elapse(0.02);
        holder.PeerWrite(TransactionPath.SimpleQuery());
        Assert.Equal("select 1", Heard());
        Begin2();
        Say(Wire.Query("delete from t"));
        Assert.Equal(1, Pool.Counts.Waiting);
        Span<byte> key = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(key, Client.CancelKey);
        _path.ConnectCancel(key.ToArray());
        _path.Elapse(0.02);
        Assert.Contains("57014", Encoding.Latin1.GetString(_client.PeerInput), StringComparison.Ordinal);
        Assert.EndsWith(Encoding.Latin1.GetString(Ready('E')), Encoding.Latin1.GetString(_client.PeerInput),
            StringComparison.Ordinal);
        _client.PeerTake(_client.PeerInput.Length);
        Answer(TransactionPath.SimpleReply());
        Say(Wire.Query("select 2"));
        Assert.Equal("BEGIN | ROLLBACK TO SAVEPOINT failed_earlier", Heard());
    }

    private void Begin2()
    {
        Say(Wire.Query("begin"));
        IsTold(Done("BEGIN", 'T'));
    }

    [Fact]
    public void The_unnamed_statement_is_dropped_as_by_any_query()
    {
        Say(Wire.Parse("", "select 1"), Wire.Sync);
        Assert.Equal("P | S", Heard());
        Answer(TransactionPath.Reply('1', 'Z'));
        IsTold(TransactionPath.Reply('1', 'Z'));
        Begin2();
        Say(Wire.Bind("", ""), Wire.Execute(), Wire.Sync);
        Assert.Equal("begin", Heard());
        Answer(Done("BEGIN", 'T'));
        Assert.Equal("C | B | E | S", Heard()); // PostgreSQL will say that there is none.
    }

    [Theory]
    [InlineData("idle_transaction_timeout=1\n", "idle transaction timeout")]
    [InlineData("transaction_timeout=1\n", "transaction timeout")]
    public void Time_outs_count_from_the_BEGIN(string setting, string reason)
    {
        Start(setting + "client_idle_timeout=0\n");
        Begin();
        _path.Elapse(2, () => _client.IsPoolerClosed);
        Assert.Contains(reason, Encoding.Latin1.GetString(_client.PeerInput), StringComparison.Ordinal);
        Assert.Equal("", Heard());
    }

    [Fact]
    public void A_client_in_its_transaction_is_not_idle()
    {
        Start("client_idle_timeout=1\n");
        Begin();
        _path.Elapse(2);
        Assert.False(_client.IsPoolerClosed);
        Say(Wire.Query("commit"));
        IsTold(Done("COMMIT", 'I'));
        _path.Elapse(2, () => _client.IsPoolerClosed);
        Assert.True(_client.IsPoolerClosed);
    }

    [Fact]
    public void A_client_that_goes_leaves_nothing()
    {
        Begin();
        _client.PeerClose();
        _path.Elapse(0.02);
        Assert.Equal((0, 1, 1), (Pool.Counts.Clients, Pool.Counts.Idle, Pool.Counts.Servers));
        Assert.Equal("", Heard());
    }

    [Fact]
    public void A_server_that_begins_nothing_is_closed()
    {
        Begin();
        Say(Wire.Query("select 1"));
        Assert.Equal("begin", Heard());
        Answer(Done("BEGIN", 'I'));
        Assert.True(_server.IsPoolerClosed);
        Assert.Contains("a transaction cannot be begun", Encoding.Latin1.GetString(_client.PeerInput), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pool_mode=session\n")]
    [InlineData("pool_mode=statement\n")]
    public void Other_modes_send_it_at_once(string setting)
    {
        Start(setting);
        Say(Wire.Query("begin"));
        Assert.Equal("begin", Heard());
    }

    /// <summary>A byte at a time.</summary>
    [Fact]
    public void A_BEGIN_in_pieces_is_found()
    {
        foreach (var part in Wire.Query("begin"))
        {
            IsTold();
            Say([part]);
        }
        IsTold(Done("BEGIN", 'T'));
    }
}
