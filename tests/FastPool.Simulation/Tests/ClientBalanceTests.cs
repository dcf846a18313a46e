using FastPool.Net;
using FastPool.Simulation.Network;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>Loops that are much busier than others hand clients over to them. The loads of clients are given.</summary>
public sealed class ClientBalanceTests
{
    private const int StepsPerSecond = 20;

    private TransactionPath _path = null!;
    private long[] _cpuUs = [];
    private readonly List<Hot> _clients = [];
    private int _asked;

    /// <summary>A client that keeps its loop busy for so many thousandths of the time, and asks in proportion to that.</summary>
    private sealed record Hot(MemorySocket Socket, ClientConnection Connection, int Load)
    {
        internal double Due { get; set; }
    }

    private void Begin(int loops, bool usesAll = true, string settings = "")
    {
        _path = new TransactionPath(loops: loops, usesAll: usesAll, settings: settings);
        _cpuUs = new long[loops];
        _path.CpuUs = loop =>
        {
            _asked++;
            return _cpuUs[loop];
        };
        for (var i = 0; i < loops * 3; i++) _path.Turn(i % loops);
    }

    /// <summary>A client of that loop.</summary>
    private void Add(int loop, int load)
    {
        var before = Connections.ToHashSet();
        var socket = _path.LogIn(loop: loop);
        var connection = Assert.Single(Connections, connection => !before.Contains(connection));
        Assert.Equal(loop, connection.Session.Loop);
        _clients.Add(new Hot(socket, connection, load));
    }

    private IEnumerable<ClientConnection> Connections => _path.Group.All.SelectMany(static loop => loop.ClientList);

    private int LoadOf(int loop) => _clients.Where(client => client.Connection.Session.Loop == loop).Sum(static hot => hot.Load);

    private long Moves => _path.Group.All.Sum(static loop => loop.Figures.ClientsIn);

    private void Run(int seconds)
    {
        for (var step = 0; step < seconds * StepsPerSecond; step++)
        {
            foreach (var client in _clients)
            {
                client.Due += client.Load / 10.0 / StepsPerSecond; // A hundred transactions a second, if it is alone.
                for (; client.Due >= 1; client.Due--) Ask(client.Socket);
            }
            for (var loop = 0; loop < _cpuUs.Length; loop++)
                _cpuUs[loop] += Math.Min(1000, LoadOf(loop)) * 1000L / StepsPerSecond;
            _path.Elapse(1.0 / StepsPerSecond);
        }
    }

    private void Ask(MemorySocket client)
    {
        var reply = TransactionPath.SimpleReply();
        client.PeerWrite(TransactionPath.SimpleQuery());
        for (var turns = 0; client.PeerInput.Length < reply.Length; turns++)
        {
            Assert.True(turns < 1_000);
            for (var loop = 0; loop < _cpuUs.Length; loop++) _path.Turn(loop);
            if (_path.Server!.PeerInput.Length < TransactionPath.SimpleQuery().Length) continue;
            _path.Server.PeerTake(_path.Server.PeerInput.Length);
            _path.Server.PeerWrite(reply);
        }
        client.PeerTake(reply.Length);
    }

    [Fact]
    public void Hot_clients_of_one_loop_spread_and_stay()
    {
        Begin(loops: 4);
        for (var i = 0; i < 4; i++) Add(0, 230);
        Run(30);
        Assert.True(LoadOf(0) <= 460, $"loads {LoadOf(0)} {LoadOf(1)} {LoadOf(2)} {LoadOf(3)}");
        Assert.Equal(920, Enumerable.Range(0, 4).Sum(LoadOf));
        var moves = Moves;
        Run(60);
        Assert.Equal(moves, Moves);
    }

    [Fact]
    public void Several_rounds_are_gone_where_more_is_to_be_spread()
    {
        Begin(loops: 4);
        for (var i = 0; i < 4; i++) Add(0, 400); // All the loop can do is 1000.
        for (var i = 0; i < 4; i++) Add(1, 400);
        Run(120);
        Assert.All(Enumerable.Range(0, 4), loop => Assert.Equal(800, LoadOf(loop)));
        var moves = Moves;
        Run(120);
        Assert.Equal(moves, Moves);
    }

    [Fact]
    public void A_single_hot_client_stays()
    {
        Begin(loops: 3);
        Add(0, 950);
        for (var i = 0; i < 3; i++) Add(0, 0);
        Run(30);
        Assert.Equal(0, Moves);
    }

    [Fact]
    public void The_smaller_one_goes_where_the_other_is_too_hot_to_go()
    {
        Begin(loops: 2);
        Add(0, 800);
        Add(0, 150);
        Run(60);
        Assert.Equal((800, 150), (LoadOf(0), LoadOf(1)));
        Assert.Equal(1, Moves);
    }

    [Theory]
    [InlineData(550)] // Not busy.
    [InlineData(700, 700)] // Nobody is quieter.
    [InlineData(900, 640)] // Not by so much.
    public void None_moves_where_that_would_help_nobody(params int[] loads)
    {
        Begin(loops: 2);
        for (var loop = 0; loop < loads.Length; loop++)
        {
            Add(loop, loads[loop] / 2);
            Add(loop, loads[loop] / 2);
        }
        Run(30);
        Assert.Equal(0, Moves);
        Assert.True(_asked > 0);
    }

    [Fact]
    public void A_single_loop_and_idle_loops_are_not_measured()
    {
        Begin(loops: 1);
        Add(0, 450);
        Add(0, 450);
        Run(20);
        Assert.Equal(0, _asked);

        _clients.Clear();
        Begin(loops: 2);
        for (var loop = 0; loop < 2; loop++) _path.WakeUpsWithin(5, loop);
        _asked = 0;
        for (var loop = 0; loop < 2; loop++) _path.WakeUpsWithin(60, loop);
        Assert.Equal(0, _asked);
    }

    [Theory]
    [InlineData(new[] { 300, 200, 0, 0, 0 }, 2, new[] { 1, 0, 1 })]
    [InlineData(new[] { 100, 100, 50, 0 }, 3, new[] { 2 })]
    [InlineData(new[] { 500, 0, 0 }, 1, new[] { 0, 0 })]
    public void Those_that_rest_give_to_the_quietest_in_use_one_after_the_other(int[] loads, int inUse, int[] targets)
    {
        var all = new LoopLoads(loads.Length);
        for (var i = 0; i < loads.Length; i++) all[i] = loads[i];
        all[0] = LoopLoads.Unknown; // Its load is what it was.
        for (var i = inUse; i < loads.Length; i++)
            Assert.Equal(targets[i - inUse], ClientBalance.TargetOfGift(all, i, inUse));
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(250, 0, 250)]
    [InlineData(250, 400, 250)] // It waits for a processor, and others do for theirs.
    [InlineData(340, 640, 340)]
    [InlineData(500, 400, 500)]
    [InlineData(500, 480, 1000)] // It has no moment without work.
    [InlineData(800, 100, 800)]
    [InlineData(990, 0, 1000)]
    public void A_loop_is_as_busy_as_it_runs_and_waits_count_where_it_never_sleeps(int ran, int waited, int load) =>
        Assert.Equal(load, ClientBalance.LoadOf(ran * 2_000, waited * 2_000, 2_000_000));

    [Fact]
    public void One_that_rests_takes_nothing()
    {
        var all = new LoopLoads(3);
        (all[0], all[1], all[2]) = (900, 500, 0);
        Assert.Equal(2, ClientBalance.Partner(all, 0, 3));
        Assert.Equal(1, ClientBalance.Partner(all, 0, 2));
        Assert.Null(ClientBalance.Partner(all, 0, 1));
    }

    [Fact]
    public void Few_clients_on_many_loops_gather_on_one_and_stay()
    {
        Begin(loops: 8);
        for (var loop = 0; loop < 8; loop++) Add(loop, 40);
        Run(20);
        Assert.Equal(8, _path.Group.All[0].ClientList.Count);
        Assert.Single(_path.Group.All, static loop => loop.IsInUse);
        Assert.Equal(7, Moves);
        Run(30);
        Assert.Equal(7, Moves);
    }

    [Fact]
    public void As_many_loops_are_in_use_as_the_load_needs()
    {
        Begin(loops: 8, usesAll: false);
        for (var i = 0; i < 10; i++) Add(0, 150);
        Run(60);
        Assert.InRange(_path.Group.All.Count(static loop => loop.IsInUse), 3, 4); // 1,500 in all.
        Assert.All(Enumerable.Range(0, 8), loop => Assert.InRange(LoadOf(loop), 0, 600));
        var moves = Moves;
        Run(60);
        Assert.Equal(moves, Moves);
        foreach (var client in _clients.ToList()) _clients[_clients.IndexOf(client)] = client with { Load = 20 };
        Run(30);
        Assert.Single(_path.Group.All, static loop => loop.IsInUse);
        Assert.Equal(10, _path.Group.All[0].ClientList.Count);
    }

    [Fact]
    public void On_a_loop_that_rests_those_that_are_silent_stay_until_they_speak()
    {
        Begin(loops: 2);
        Add(0, 20);
        Add(1, 20);
        Add(1, 0);
        Run(1);
        _path.Elapse(15);
        Assert.False(_path.Group.All[1].IsInUse);
        Run(10);
        Assert.Equal((0, 1), (_clients[1].Connection.Session.Loop, _clients[2].Connection.Session.Loop));
        Ask(_clients[2].Socket);
        Run(2);
        Assert.Equal(0, _clients[2].Connection.Session.Loop);
    }

    [Fact]
    public void One_that_must_stay_is_served_on_a_loop_that_rests()
    {
        Begin(loops: 2, settings: "pool_mode=session");
        Add(1, 20);
        Run(15);
        Assert.False(_path.Group.All[1].IsInUse);
        Assert.Equal((1, 0L), (_clients[0].Connection.Session.Loop, Moves));
    }

    [Theory]
    [InlineData(new[] { 900, 100 }, new[] { 1, -1 })]
    [InlineData(new[] { 900, 700 }, new[] { -1, -1 })]
    [InlineData(new[] { 100, 900, 800, 200 }, new[] { -1, 0, 3, -1 })]
    [InlineData(new[] { 800, 800, 0, 0 }, new[] { 3, 2, -1, -1 })]
    [InlineData(new[] { 0, 0, 0, 900 }, new[] { -1, -1, -1, 2 })]
    [InlineData(new[] { 900, LoopLoads.Unknown, 100 }, new[] { 2, -1, -1 })]
    [InlineData(new[] { 900, LoopLoads.Unknown }, new[] { -1, -1 })]
    public void The_busiest_gives_to_the_quietest_and_the_second_to_the_second(int[] loads, int[] partners)
    {
        var all = new LoopLoads(loads.Length);
        for (var i = 0; i < loads.Length; i++) all[i] = loads[i];
        for (var i = 0; i < loads.Length; i++)
        {
            if (loads[i] >= LoopNeed.FullLoad) Assert.Equal(partners[i], ClientBalance.Partner(all, i, loads.Length) ?? -1);
        }
    }
}
