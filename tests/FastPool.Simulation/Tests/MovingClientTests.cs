using System.Buffers.Binary;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Net;
using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>Clients on their way from one loop to another.</summary>
public sealed class MovingClientTests
{
    private TransactionPath _path = new(loops: 2);

    private ClientConnection Only(int loop) => Assert.Single(_path.Group.All[loop].ClientList);

    private static int ClientsOf(TransactionPath path, int loop) => path.Group.All[loop].ClientList.Count;

    private void TurnAll(int times = 6)
    {
        for (var i = 0; i < times * 2; i++) _path.Turn(i % 2);
    }

    /// <summary>The one client of the first loop goes to the second one.</summary>
    private void Move()
    {
        Assert.True(Only(0).TryMoveTo(1));
        TurnAll(1);
        Assert.Equal((0, 1), (ClientsOf(_path, 0), ClientsOf(_path, 1)));
    }

    /// <summary>The client asks, and its server answers.</summary>
    private void Ask(MemorySocket client, byte[] query, byte[] reply, byte[]? toServer = null)
    {
        client.PeerWrite(query);
        TurnAll();
        Assert.Equal(toServer ?? query, _path.Server!.PeerInput.ToArray());
        _path.Server.PeerTake(_path.Server.PeerInput.Length);
        _path.Server.PeerWrite(reply);
        TurnAll();
        Assert.Equal(reply, client.PeerInput.ToArray());
        client.PeerTake(client.PeerInput.Length);
    }

    [Fact]
    public void One_that_has_moved_is_served_on_its_new_loop()
    {
        var client = _path.LogIn();
        Ask(client, TransactionPath.SimpleQuery(), TransactionPath.SimpleReply());
        Move();
        Ask(client, TransactionPath.SimpleQuery(), TransactionPath.SimpleReply());
        Assert.Equal(1, Only(1).Session.Loop);
        Assert.Equal((0, 1), (_path.ViewOf(0).Figures.ClientsIn, _path.ViewOf(0).Figures.ClientsOut));
        Assert.Equal((1, 0), (_path.ViewOf(1).Figures.ClientsIn, _path.ViewOf(1).Figures.ClientsOut));
        client.PeerClose();
        TurnAll();
        Assert.Equal(0, _path.Registry.Clients.Count);
    }

    [Fact]
    public void Words_on_the_way_are_not_lost()
    {
        var client = _path.LogIn();
        Assert.True(Only(0).TryMoveTo(1));
        client.PeerWrite(TransactionPath.SimpleQuery());
        _path.Turn(0); // Not this loop's any more.
        Assert.True(_path.Server!.PeerInput.IsEmpty);
        TurnAll();
        Assert.Equal(TransactionPath.SimpleQuery(), _path.Server.PeerInput.ToArray());
    }

    /// <summary>A client with a named statement, and no server.</summary>
    private MemorySocket LogInAndPrepare()
    {
        var client = _path.LogIn();
        client.PeerWrite(TransactionPath.Preparation());
        TurnAll();
        _path.Server!.PeerTake(_path.Server.PeerInput.Length);
        _path.Server.PeerWrite(TransactionPath.Reply('1', 'Z'));
        TurnAll();
        client.PeerTake(client.PeerInput.Length);
        return client;
    }

    [Fact]
    public void Its_named_and_unnamed_statements_go_along()
    {
        var client = LogInAndPrepare();
        Ask(client, TransactionPath.ExtendedQuery(), TransactionPath.ExtendedReply());
        var unnamed = Only(0).Session.Unnamed!;
        Move();
        Assert.Equal(1, Only(1).Session.StatementCount);
        Assert.Same(unnamed, Only(1).Session.Unnamed);
        client.PeerWrite(TransactionPath.PreparedQuery());
        TurnAll();
        Assert.Equal(TransactionPath.PreparedQuery().Length + TransactionPath.Renaming, _path.Server!.PeerInput.Length);
        _path.Server.PeerTake(_path.Server.PeerInput.Length);
        _path.Server.PeerWrite(TransactionPath.PreparedReply());
        TurnAll();
        Assert.Equal(TransactionPath.PreparedReply(), client.PeerInput.ToArray());
        client.PeerTake(client.PeerInput.Length);
        // The unnamed one, without another Parse: the server has it still.
        var bind = new ByteQueue();
        bind.Add(Wire.Bind("", "", "x"));
        bind.Add(Wire.Execute("", 0));
        bind.Add(Wire.Typed('S'));
        Ask(client, bind.ToArray(), TransactionPath.PreparedReply());
        client.PeerClose();
        TurnAll();
        Assert.True(unnamed.Text.IsEmpty);
    }

    [Fact]
    public void The_times_of_its_statements_are_counted_on_the_new_loop()
    {
        var client = LogInAndPrepare();
        var statement = Assert.Single(_path.Statements.All);
        Assert.Null(statement.LatencyOn(1));
        Move();
        Assert.NotNull(statement.LatencyOn(1));
    }

    [Fact]
    public void A_cancel_request_that_was_sent_to_its_old_loop_follows_it()
    {
        _path = new TransactionPath(loops: 3);
        _path.LogIn(loop: 1); // There the server is.
        var client = _path.LogIn();
        var connection = Only(0);
        var key = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(key, connection.Session.CancelKey);
        var requester = _path.ConnectCancel(key);
        for (var i = 0; i < 3; i++) _path.Turn(2); // It leaves a letter for the first loop.
        Assert.True(connection.TryMoveTo(1));
        _path.Turn(1);
        client.PeerWrite(TransactionPath.SimpleQuery());
        for (var i = 0; i < 4; i++) _path.Turn(1);
        Assert.Equal(TransactionPath.SimpleQuery(), _path.Server!.PeerInput.ToArray());
        Assert.Single(_path.Dialed);
        for (var i = 0; i < 6; i++) _path.Turn(i % 3); // The letter goes on.
        Assert.False(requester.IsPoolerClosed);
        Assert.Equal(2, _path.Dialed.Count); // The request is on its way.
        Assert.Equal(16, _path.Dialed[1].PeerInput.Length);
    }

    [Fact]
    public void A_letter_for_one_that_is_on_the_way_waits_for_it()
    {
        var client = _path.LogIn();
        var session = Only(0).Session;
        Assert.True(Only(0).TryMoveTo(1));
        _path.ViewOf(0).Close(session, "admin forced disconnect");
        Assert.False(client.IsPoolerClosed);
        TurnAll();
        Assert.True(client.IsPoolerClosed);
        Assert.True(client.PeerInput.IndexOf("admin forced disconnect"u8) >= 0);
        Assert.Equal(0, _path.Registry.Clients.Count);
    }

    [Fact]
    public void A_letter_that_overtakes_it_waits_for_it()
    {
        _path = new TransactionPath(loops: 3);
        var client = _path.LogIn();
        var connection = Only(0);
        connection.Session.LeaveFor(1); // Its own letter is not posted yet.
        _path.ViewOf(2).Close(connection.Session, "admin forced disconnect");
        for (var i = 0; i < 6; i++) _path.Turn(i % 3);
        Assert.False(client.IsPoolerClosed);
        Assert.Same(connection, Only(0));
    }

    [Fact]
    public void One_that_the_kernel_does_not_take_on_the_new_loop_is_gone_and_counted_nowhere()
    {
        const int NoSpace = 28; // Too many watched by this user (fs.epoll.max_user_watches).
        var client = _path.LogIn();
        TurnAll();
        Assert.True(Only(0).TryMoveTo(1));
        _path.Engines[1].NextErrno = NoSpace;
        TurnAll();
        Assert.True(client.IsPoolerClosed);
        AssertGone();
    }

    [Fact]
    public void With_TLS_too()
    {
        _path = new TransactionPath(loops: 2, hasTls: true);
        var client = _path.LogIn();
        Ask(client, TransactionPath.SimpleQuery(), TransactionPath.SimpleReply());
        Assert.Equal((1, 0), (_path.ViewOf(0).TlsCounts.Own, _path.ViewOf(1).TlsCounts.Own));
        Move();
        Assert.Equal((0, 1), (_path.ViewOf(0).TlsCounts.Own, _path.ViewOf(1).TlsCounts.Own));
        Ask(client, TransactionPath.SimpleQuery(), TransactionPath.SimpleReply());
        Assert.True(Only(1).TryMoveTo(0));
        _path.Engines[0].NextErrno = 28;
        TurnAll();
        Assert.True(client.IsPoolerClosed);
        Assert.Equal((0, 0), (_path.ViewOf(0).TlsCounts.Own, _path.ViewOf(1).TlsCounts.Own));
        AssertGone();
    }

    private void AssertGone()
    {
        Assert.Equal((0, 0), (ClientsOf(_path, 0), ClientsOf(_path, 1)));
        Assert.Equal(0, _path.Registry.Clients.Count);
        Assert.All(_path.Registry.PoolList, static pool => Assert.Equal(0, pool.Counts.Clients));
        Assert.False(_path.Group.AreClientsOnTheWay);
    }

    [Fact]
    public void One_that_hangs_up_on_the_way_leaves()
    {
        var client = _path.LogIn();
        Assert.True(Only(0).TryMoveTo(1));
        client.PeerClose();
        TurnAll();
        AssertGone();
    }

    [Fact]
    public void A_letter_that_throws_as_it_arrives_costs_that_client_alone()
    {
        var client = _path.LogIn();
        var other = _path.LogIn(loop: 1);
        var connection = Only(0);
        Assert.True(connection.TryMoveTo(1));
        connection.Session.Pool!.Stats[1] = null!; // A mistake of ours.
        TurnAll();
        Assert.True(client.IsPoolerClosed);
        Assert.False(other.IsPoolerClosed);
        Assert.Equal(1, _path.Registry.Clients.Count);
        Assert.Equal(1, ClientsOf(_path, 1));
        Assert.False(_path.Group.AreClientsOnTheWay);
        Assert.Equal(1, _path.ViewOf(1).Figures.BrokenInvariants);
    }

    // ---- who stays --------------------------------------------------------------------------------------------------

    [Fact]
    public void One_that_logs_in_stays()
    {
        _path.Connect();
        TurnAll();
        Assert.False(_path.Group.All.SelectMany(static loop => loop.ClientList).Single().CanMove);
    }

    [Fact]
    public void One_that_waits_or_has_a_server_stays()
    {
        var (first, second) = (_path.LogIn(), _path.LogIn());
        first.PeerWrite(TransactionPath.SimpleQuery());
        TurnAll();
        second.PeerWrite(TransactionPath.SimpleQuery());
        TurnAll();
        var list = _path.Group.All[0].ClientList;
        Assert.Equal(2, list.Count);
        Assert.All(list, static client => Assert.False(client.TryMoveTo(1)));
        _path.Server!.PeerWrite(TransactionPath.Reply('T', 'D', 'C'));
        _path.Server.PeerWrite(Wire.Typed('Z', "T"u8.ToArray()));
        TurnAll();
        Assert.All(list, static client => Assert.False(client.TryMoveTo(1))); // In a transaction, and behind it.
        Assert.Equal(2, list.Count);
    }

    [Fact]
    public void One_in_session_pooling_stays()
    {
        _path = new TransactionPath(loops: 2, settings: "pool_mode=session");
        Ask(_path.LogIn(), TransactionPath.SimpleQuery(), TransactionPath.SimpleReply());
        Assert.False(Only(0).TryMoveTo(1));
    }

    [Fact]
    public void One_that_has_said_a_message_in_part_stays()
    {
        var client = _path.LogIn();
        client.PeerWrite(TransactionPath.SimpleQuery().AsSpan(0, 3));
        TurnAll();
        Assert.False(Only(0).TryMoveTo(1));
        client.PeerWrite(TransactionPath.SimpleQuery().AsSpan(3));
        TurnAll();
        Assert.Equal(TransactionPath.SimpleQuery(), _path.Server!.PeerInput.ToArray());
    }

    [Fact]
    public void One_that_has_not_taken_everything_stays()
    {
        var client = _path.LogIn();
        client.Capacity = 4;
        client.PeerWrite(TransactionPath.SimpleQuery());
        TurnAll();
        _path.Server!.PeerWrite(TransactionPath.SimpleReply());
        TurnAll();
        Assert.Null(Only(0).Session.Server);
        Assert.False(Only(0).TryMoveTo(1));
        client.Capacity = 1_000;
        TurnAll();
        Move();
        Assert.Equal(TransactionPath.SimpleReply(), client.PeerInput.ToArray());
    }

    [Fact]
    public void One_whose_BEGIN_has_been_put_off_stays()
    {
        _path = new TransactionPath(loops: 2, databases: "d = host=127.0.0.1\n[fastpool]\ndefer_begin=1");
        var client = _path.LogIn();
        client.PeerWrite(Wire.Query("BEGIN"));
        TurnAll();
        Assert.Equal(DeferredBegin.Begun, Only(0).Session.Deferred);
        Assert.False(Only(0).TryMoveTo(1));
        client.PeerWrite(Wire.Query("COMMIT"));
        TurnAll();
        Move();
    }

    // ---- who must see all of them -----------------------------------------------------------------------------------

    [Fact]
    public void None_leaves_while_they_are_held()
    {
        _path.LogIn();
        _path.Group.HoldClients();
        Assert.False(Only(0).TryMoveTo(1));
        _path.Group.HoldClients();
        _path.Group.LetClientsGo();
        Assert.False(Only(0).TryMoveTo(1));
        Assert.False(_path.Group.AreClientsOnTheWay);
        _path.Group.LetClientsGo();
        Assert.True(Only(0).TryMoveTo(1));
        Assert.True(_path.Group.AreClientsOnTheWay);
        TurnAll();
        Assert.False(_path.Group.AreClientsOnTheWay);
    }

    [Fact]
    public void None_leaves_while_the_pooler_ends_or_is_handed_over()
    {
        _path.LogIn();
        var state = _path.Registry.State;
        state.Mode = PoolerMode.Suspended;
        Assert.False(Only(0).TryMoveTo(1));
        state.Mode = PoolerMode.Active;
        state.IsFrozen = true;
        Assert.False(Only(0).TryMoveTo(1));
        state.IsFrozen = false;
        state.IsRetiring = true;
        Assert.False(Only(0).TryMoveTo(1));
        state.IsRetiring = false;
        _path.Registry.IsShuttingDown = true;
        Assert.False(Only(0).TryMoveTo(1));
        _path.Registry.IsShuttingDown = false;
        Assert.True(Only(0).TryMoveTo(1));
    }
}
