using System.Text;
using FastPool.Core.Pools;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>session_state = keep: a server that does not answer the question, or in a way that nobody foresaw.</summary>
public sealed class StateQuestionTests
{
    private readonly TransactionPath _path =
        new(settings: "default_pool_size=2\nserver_login_retry=1\n[fastpool]\nsession_state=keep\npinned_servers_max=1\n");

    private MemorySocket Server => _path.Server!;

    /// <summary>A client has SET something, has its reply, and its server has been asked.</summary>
    private MemorySocket Ask()
    {
        var client = _path.LogIn();
        client.PeerWrite(Wire.Query("set work_mem = '8MB'"));
        _path.Elapse(0.01);
        Server.PeerTake(Server.PeerInput.Length);
        Server.PeerWrite([.. Wire.Typed('C', "SET\0"u8.ToArray()), .. TransactionPath.Reply('Z')]);
        _path.Elapse(0.01);
        Assert.Equal(Encoding.Latin1.GetBytes("CSET"), client.PeerInput.ToArray().Where(static b => b >= 'A').Take(4));
        client.PeerTake(client.PeerInput.Length);
        Assert.Contains("pg_settings", Encoding.Latin1.GetString(Server.PeerInput));
        Server.PeerTake(Server.PeerInput.Length);
        return client;
    }

    /// <summary>The end of its result waits for it in the pooler, and its server belongs to others.</summary>
    [Fact]
    public void A_client_that_reads_slowly_keeps_no_server_and_loses_nothing()
    {
        var client = _path.LogIn();
        client.Capacity = 1_000;
        client.PeerWrite(Wire.Query("select work_mem from set_config('work_mem', '8MB', false)"));
        _path.Elapse(0.01);
        Server.PeerTake(Server.PeerInput.Length);
        var tag = Wire.Typed('C', "SELECT 1\0"u8.ToArray());
        byte[] reply = [.. Row(new string('x', 50_000)), .. tag, .. TransactionPath.Reply('Z')];
        Server.PeerWrite(reply);
        _path.Elapse(0.01);
        Server.PeerWrite([.. Row(Nothing()), .. TransactionPath.Reply('C', 'Z')]);
        _path.Elapse(30);
        var pool = _path.Registry.PoolList.Single(static pool => pool.Database.Name == "d");
        Assert.Equal((0, 1), (pool.Counts.Active, pool.Counts.Idle));
        var taken = new List<byte>();
        for (var i = 0; i < 100; i++)
        {
            taken.AddRange(client.PeerInput);
            client.PeerTake(client.PeerInput.Length);
            _path.Elapse(0.01);
        }
        Assert.Equal(reply, taken.ToArray());
    }

    private static byte[] Row(params string[] columns) =>
        Wire.Typed('D', [.. Wire.Int16(columns.Length), .. columns.SelectMany(Wire.Value)]);

    /// <summary>The columns of an answer to the question that has come: nothing is there.</summary>
    private string[] Nothing()
    {
        var question = Encoding.Latin1.GetString(Server.PeerInput);
        Assert.Contains("pg_settings", question, StringComparison.Ordinal);
        Server.PeerTake(Server.PeerInput.Length);
        return [.. Enumerable.Repeat("", 6 + question.Split("(SELECT setting FROM a WHERE").Length - 1)];
    }

    private string Answer(MemorySocket client)
    {
        _path.Elapse(0.05);
        return Encoding.Latin1.GetString(client.PeerInput);
    }

    [Fact]
    public void The_client_of_a_server_that_dies_between_question_and_answer_is_told_and_the_next_one_is_served()
    {
        var client = Ask();
        Server.PeerClose();
        Assert.Contains("server conn crashed?", Answer(client), StringComparison.Ordinal);
        var next = _path.Connect("user", "ann", "database", "d");
        _path.Elapse(0.05);
        next.PeerWrite(TransactionPath.SimpleQuery());
        _path.Elapse(2, () => _path.TryWelcomePooler());
        _path.Elapse(0.05);
        Assert.DoesNotContain("work_mem", Encoding.Latin1.GetString(Server.PeerInput), StringComparison.Ordinal);
        Server.PeerWrite(TransactionPath.SimpleReply());
        Assert.EndsWith("Z\0\0\0\u0005I", Answer(next), StringComparison.Ordinal);
    }

    public static TheoryData<string, byte[]> Strange => new()
    {
        { "an error", [.. Wire.Error("ERROR", "57014", "statement timeout"), .. TransactionPath.Reply('Z')] },
        { "no row", TransactionPath.Reply('T', 'C', 'Z') },
        { "too few columns", [.. Row("SET work_mem = '8MB';"), .. TransactionPath.Reply('C', 'Z')] },
        { "columns that end early", [.. Wire.Typed('D', 0, 4, 0, 0, 0, 99, 1), .. TransactionPath.Reply('C', 'Z')] },
        { "too much", [.. Row(new string('x', 200_000), "", "y", ""), .. TransactionPath.Reply('C', 'Z')] },
    };

    /// <summary>Nobody knows what is on the server: it is the client's, and nobody else's.</summary>
    [Theory]
    [MemberData(nameof(Strange))]
    public void A_server_that_answers_with_something_else_stays_with_its_client(string name, byte[] answer)
    {
        Assert.NotEmpty(name);
        var client = Ask();
        Server.PeerWrite(answer);
        Assert.Empty(Answer(client));
        var pool = _path.Registry.PoolList.Single(static pool => pool.Database.Name == "d");
        Assert.Equal((1, 1), (pool.PinnedServers, pool.Counts.Active));
        client.PeerWrite(TransactionPath.SimpleQuery());
        _path.Elapse(0.01);
        Server.PeerTake(Server.PeerInput.Length);
        Server.PeerWrite(TransactionPath.SimpleReply());
        Assert.EndsWith("Z\0\0\0\u0005I", Answer(client), StringComparison.Ordinal);
        // It is asked again, and now it tells: nothing is left. Behind six columns are variables that it does not report.
        Server.PeerWrite([.. Row(Nothing()), .. TransactionPath.Reply('C', 'Z')]);
        _path.Elapse(0.01);
        Assert.Equal((0, 0), (pool.PinnedServers, pool.Counts.Active));
        Assert.False(client.IsPoolerClosed);
    }
}
