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

    private static byte[] Row(params string[] columns) =>
        Wire.Typed('D', [.. Wire.Int16(columns.Length), .. columns.SelectMany(Wire.Value)]);

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
        // It is asked again, and now it tells: nothing is left. Behind four columns are variables that it does not report.
        var question = Encoding.Latin1.GetString(Server.PeerInput);
        Server.PeerTake(Server.PeerInput.Length);
        var unreported = question.Split("(SELECT setting FROM a").Length - 1;
        var columns = Enumerable.Repeat("", 4 + unreported).ToArray();
        Server.PeerWrite([.. Row(columns), .. TransactionPath.Reply('C', 'Z')]);
        _path.Elapse(0.01);
        Assert.Equal((0, 0), (pool.PinnedServers, pool.Counts.Active));
        Assert.False(client.IsPoolerClosed);
    }
}
