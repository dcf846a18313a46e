using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>
/// Every state of a server and of a client has an end, though the other side says nothing any more. The rows are all
/// states there are: who adds one adds its row, and says what ends it.
/// </summary>
public sealed class StateEndTests
{
    /// <summary>Short times for everything that has a setting.</summary>
    private const string Times =
        "server_connect_timeout=3\nserver_login_retry=1\nserver_idle_timeout=4\nserver_check_query=<empty>\nserver_check_delay=1\nquery_timeout=6\nquery_wait_timeout=5\nclient_idle_timeout=6\nclient_login_timeout=5\ncancel_wait_timeout=2\nmin_pool_size=0\n";

    private const double PatienceSeconds = 8;

    /// <summary>How a server gets into a state, and with which settings.</summary>
    private static readonly Dictionary<string, (string Settings, Action<Story> Begin)> Rows = new()
    {
        ["ServerState.Login"] = ("", static story => story.ClientComes()),
        ["ServerState.Idle"] = ("server_check_query=\n", static story => story.ClientIsIn()),
        ["ServerState.Used"] = ("", static story =>
        {
            story.ClientIsIn();
            story.Path.Elapse(1.5);
            Assert.Equal(1, story.Pool.Counts.Used);
        }
        ),
        ["ServerState.Tested"] = ("", static story =>
        {
            story.ClientIsIn();
            story.Path.Elapse(1.5);
            story.ClientAsks();
            story.Path.Elapse(0.01);
            Assert.Equal(1, story.Pool.Counts.Tested);
        }
        ),
        ["ServerState.Active"] = ("", static story =>
        {
            story.ClientIsIn();
            story.ClientAsks();
            story.Path.Elapse(0.01);
            Assert.Equal(1, story.Pool.Counts.Active);
        }
        ),
        ["ServerState.BeingCanceled"] = ("", static story =>
        {
            story.ClientIsIn();
            story.ClientAsks();
            story.Path.Elapse(0.01);
            story.Cancel();
            story.Server.PeerWrite(TransactionPath.SimpleReply());
            story.Path.Elapse(0.01);
            Assert.Equal(1, story.Pool.Counts.BeingCanceled);
        }
        ),
        ["ServerState.Closing"] = ("", static story =>
        {
            story.ClientIsIn();
            story.Pool.Drain("test", story.Path.View.Host);
            Assert.Equal(1, story.Pool.Counts.Closing);
        }
        ),
        ["ServerPhase.Login"] = ("server_tls_sslmode=prefer\n", static story => story.ClientComes()),
        ["ServerPhase.Free"] = ("", static story => story.ClientIsIn()),
        ["ServerPhase.SettingParameters"] = ("query_timeout=0\n", static story =>
        {
            story.ClientIsIn();
            var other = story.Path.Connect("user", "ann", "database", "d", "application_name", "other");
            story.Path.Elapse(0.01);
            other.PeerWrite(TransactionPath.SimpleQuery());
            story.Path.Elapse(0.01);
            Assert.Equal(ServerPhase.SettingParameters, story.Path.View.Servers[0].Phase);
        }
        ),
        ["ServerPhase.Linked"] = ("query_timeout=0\nidle_transaction_timeout=3\n", static story =>
        {
            story.ClientIsIn();
            story.ClientAsks();
            story.Path.Elapse(0.01);
            story.Server.PeerWrite(TransactionPath.Reply('C', 'T'));
            var inTransaction = new ByteQueue();
            inTransaction.Add(Wire.Typed('Z', [(byte)'T']));
            story.Server.PeerWrite(inTransaction.Span);
        }
        ),
        ["ServerPhase.Questioned"] = ("[fastpool]\nsession_state=keep\n", static story =>
        {
            story.ClientIsIn();
            story.ClientAsks();
            story.Path.Elapse(0.01);
            story.Server.PeerWrite(Wire.Typed('C', "SET\0"u8.ToArray()));
            story.Server.PeerWrite(TransactionPath.Reply('Z'));
            story.Path.Elapse(0.01);
            Assert.Equal(ServerPhase.Questioned, story.Path.View.Servers[0].Phase);
        }
        ),
        ["ServerPhase.Unlistening"] = ("default_pool_size=2\n[fastpool]\nsession_state=keep\n", static story =>
        {
            story.ClientListens();
            Assert.Equal(ServerPhase.Unlistening, story.Path.View.Servers[0].Phase);
        }
        ),
        ["ServerPhase.Listening"] = (
            "default_pool_size=2\n[fastpool]\nsession_state=keep\nserver_answer_timeout=1\n", static story =>
        {
            story.ClientListens();
            story.Server.PeerWrite(TransactionPath.Reply('C', 'Z'));
            story.Path.Elapse(0.01);
            Assert.Equal(ServerPhase.Listening, story.Path.View.Servers[0].Phase);
        }
        ),
        ["ServerPhase.Abandoned"] = ("[fastpool]\nabandoned_transaction=rollback\n", static story =>
        {
            story.ClientIsIn();
            story.ClientAsks();
            story.Path.Elapse(0.01);
            story.Server.PeerWrite(TransactionPath.Reply('C'));
            story.Server.PeerWrite(Wire.Typed('Z', [(byte)'T']));
            story.Path.Elapse(0.01);
            story.Client!.PeerClose();
            story.Path.Elapse(0.01);
            Assert.Equal(ServerPhase.Abandoned, story.Path.View.Servers[0].Phase);
        }
        ),
        ["ServerPhase.Resetting"] = ("server_reset_query_always=1\nserver_reset_query=discard all\n", static story =>
        {
            story.ClientIsIn();
            story.ClientAsks();
            story.Path.Elapse(0.01);
            story.Server.PeerWrite(TransactionPath.SimpleReply());
            story.Path.Elapse(0.01);
            Assert.Equal(ServerPhase.Resetting, story.Path.View.Servers[0].Phase);
        }
        ),
        ["ServerPhase.Checking"] = ("", static story =>
        {
            story.ClientIsIn();
            story.Path.Elapse(1.5);
            story.ClientAsks();
            story.Path.Elapse(0.01);
            Assert.Equal(ServerPhase.Checking, story.Path.View.Servers[0].Phase);
        }
        ),
        ["ServerPhase.Asked"] = ("query_timeout=0\nauth_type=plain\nauth_user=ann\n", static story =>
        {
            story.Path.Connect("user", "stranger", "database", "d");
            for (var i = 0; i < 10 && (story.Path.Server is null || !story.Path.TryWelcomePooler()); i++) story.Path.Turn();
            story.Path.Elapse(0.01);
            Assert.Equal(ServerPhase.Asked, story.Path.View.Servers[0].Phase);
        }
        ),
        ["ClientState.Login"] = ("", static story => story.Client = story.Path.Connect()),
        ["ClientState.Waiting"] = ("server_login_retry=100\n", static story => story.ClientComes()),
        ["ClientState.Active"] = ("", static story => story.ClientIsIn()),
        ["ClientState.Closed"] = ("", static story =>
        {
            story.ClientIsIn();
            story.Client!.PeerClose();
        }
        ),
    };

    public static TheoryData<string> Names => [.. Rows.Keys];

    /// <summary>
    /// A letter of ours brings a moving server to its next loop, whatever others do; one that is gone has ended.
    /// </summary>
    private static readonly string[] WaitForNobody = ["ServerPhase.Moving", "ServerState.Gone"];

    [Fact]
    public void Every_state_has_its_row()
    {
        var states = Enum.GetValues<ServerState>().Select(static state => $"{nameof(ServerState)}.{state}")
            .Concat(Enum.GetValues<ServerPhase>().Select(static state => $"{nameof(ServerPhase)}.{state}"))
            .Concat(Enum.GetValues<ClientState>().Select(static state => $"{nameof(ClientState)}.{state}"));
        Assert.Equal(states.Order(), Rows.Keys.Concat(WaitForNobody).Order());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_state_ends_though_the_other_side_is_silent(string name)
    {
        var (settings, begin) = Rows[name];
        var story = new Story(Times + settings);
        begin(story);
        var servers = story.Path.Dialed.ToList();
        var isOfClient = name.StartsWith(nameof(ClientState), StringComparison.Ordinal);
        story.Path.Elapse(PatienceSeconds, () =>
            isOfClient ? story.Client!.IsPoolerClosed : servers.TrueForAll(static server => server.IsPoolerClosed));
        if (isOfClient) Assert.True(story.Client!.IsPoolerClosed);
        else Assert.All(servers, static server => Assert.True(server.IsPoolerClosed));
    }

    [Theory]
    [InlineData("ServerState.Tested")]
    [InlineData("ServerPhase.Resetting")]
    [InlineData("ServerPhase.Abandoned")]
    [InlineData("ServerPhase.Checking")]
    public void A_silent_server_does_not_hold_up_a_pause(string name)
    {
        var (settings, begin) = Rows[name];
        var story = new Story(Times + settings);
        begin(story);
        story.Pool.Database.IsPaused = true;
        story.Pool.Drain("pause mode", story.Path.View.Host);
        story.Path.Elapse(6, () => story.Pool.Database.Servers.Count == 0);
        Assert.Equal(0, story.Pool.Database.Servers.Count);
    }

    [Fact]
    public void A_client_that_waits_for_a_silent_server_gets_another()
    {
        var story = new Story(Times + "default_pool_size=2\n");
        story.ClientIsIn();
        story.Path.Elapse(1.5);
        var silent = story.Server;
        story.ClientAsks();
        story.Path.Elapse(2, () => story.Path.Server != silent && story.Path.TryWelcomePooler());
        story.Path.Elapse(0.01);
        Assert.Equal(TransactionPath.SimpleQuery(), story.Server.PeerInput.ToArray());
        Assert.False(silent.IsPoolerClosed);
    }

    /// <summary>One pool. Its servers say only what a row has them say.</summary>
    private sealed class Story(string settings)
    {
        public TransactionPath Path { get; } = new(settings: settings);

        public MemorySocket? Client { get; set; }

        public MemorySocket Server => Path.Server!;

        public Pool Pool => Path.Registry.PoolList[0];

        public void ClientComes()
        {
            Client = Path.Connect("user", "ann", "database", "d");
            Path.Elapse(0.01, () => Path.Server is not null);
            Assert.NotNull(Path.Server);
        }

        public void ClientIsIn() => Client = Path.LogIn();

        public void ClientAsks() => Client!.PeerWrite(TransactionPath.SimpleQuery());

        /// <summary>The client has said LISTEN, and the server has told of it.</summary>
        public void ClientListens()
        {
            ClientIsIn();
            ClientAsks();
            Path.Elapse(0.01);
            Server.PeerWrite(Wire.Typed('C', "LISTEN\0"u8.ToArray()));
            Server.PeerWrite(TransactionPath.Reply('Z'));
            Path.Elapse(0.01);
            var question = System.Text.Encoding.Latin1.GetString(Server.PeerInput.ToArray());
            var unreported = question.Split("(SELECT setting FROM a WHERE").Length - 1;
            var row = new List<byte> { 0, (byte)(6 + unreported) };
            for (var i = 0; i < 4; i++) row.AddRange([0, 0, 0, 0]);
            row.AddRange([0, 0, 0, 2, 1, (byte)'a']);
            row.AddRange([0, 0, 0, 0]);
            for (var i = 0; i < unreported; i++) row.AddRange([255, 255, 255, 255]);
            Server.PeerWrite(Wire.Typed('D', [.. row]));
            Server.PeerWrite(TransactionPath.Reply('C', 'Z'));
            Path.Elapse(0.01);
        }

        /// <summary>A cancel request reaches the server and is not answered.</summary>
        public void Cancel()
        {
            Span<byte> key = stackalloc byte[8];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(key, Path.View.Clients[0].CancelKey);
            Path.ConnectCancel(key.ToArray());
            var before = Path.Server;
            Path.Elapse(0.05, () => Path.Server != before && Path.Server!.PeerInput.Length > 0);
            Assert.NotSame(before, Path.Server);
            Path.Serve(before!);
        }
    }
}
