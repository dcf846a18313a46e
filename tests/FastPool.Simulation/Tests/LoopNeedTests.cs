using FastPool.Base;
using FastPool.Core.Sessions;
using FastPool.Native;
using FastPool.Net;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>How many loops are in use, and where newcomers go.</summary>
public sealed class LoopNeedTests
{
    private const int LoopCount = 8;

    private readonly TransactionPath _path = new(loops: LoopCount, usesAll: false);
    private readonly LoopNeed _need;

    public LoopNeedTests()
    {
        _need = new LoopNeed(Shared);
        for (var i = 0; i < LoopCount; i++) Shared.Loads[i] = 0;
    }

    private SharedParts Shared => _path.Group.All[0].Shared;

    private int InUse => Shared.LoopsInUse.Count;

    private void Use(int count) => Shared.LoopsInUse.TryChange(InUse, count);

    private void Load(params int[] loads)
    {
        for (var i = 0; i < LoopCount; i++) Shared.Loads[i] = i < loads.Length ? loads[i] : 0;
    }

    /// <summary>That load, on the loops that are in use, none of which can do more than it has time for.</summary>
    private void LoadAll(int total)
    {
        var each = Math.Min(1000, total / InUse);
        Load([.. Enumerable.Repeat(each, InUse)]);
    }

    private void Tick(int times)
    {
        for (var i = 0; i < times; i++) _need.Tick();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 1, 250)] // It may have waited as long again for a processor.
    [InlineData(1, 1, 600)]
    [InlineData(1, 2, 601)]
    [InlineData(1, 3, 1000)]
    [InlineData(2, 2, 1000, 200)] // One gives to the other.
    [InlineData(2, 5, 1000, 1000)]
    [InlineData(5, 8, 1000, 1000, 1000, 1000, 1000)]
    [InlineData(8, 8, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000)]
    [InlineData(1, 2, 0, 700)] // Of clients that must stay where they are.
    public void Where_those_in_use_are_full_more_come_into_use_at_once(int before, int after, params int[] loads)
    {
        Use(before);
        Load(loads);
        Tick(1);
        Assert.Equal(after, InUse);
    }

    [Fact]
    public void A_load_that_is_not_known_for_each_client_counts_too()
    {
        Load(1000);
        Shared.Loads[0] = LoopLoads.Unknown;
        Assert.Equal(LoopLoads.Unknown, Shared.Loads[0]);
        Tick(1);
        Assert.Equal(3, InUse);
    }

    [Fact]
    public void They_rest_when_fewer_have_done_for_a_while()
    {
        Use(8);
        Load(100, 100, 100);
        Tick(LoopNeed.PatienceSeconds - 1);
        Assert.Equal(8, InUse);
        Tick(1);
        Assert.Equal(1, InUse);
    }

    [Fact]
    public void As_many_stay_as_the_busiest_moment_needed()
    {
        Use(8);
        Load(300, 300, 300); // Three.
        Tick(1);
        Load();
        Tick(LoopNeed.PatienceSeconds - 1);
        Assert.Equal(3, InUse);
        Tick(LoopNeed.PatienceSeconds);
        Assert.Equal(1, InUse);
    }

    [Fact]
    public void A_moment_that_needs_all_begins_the_while_anew()
    {
        Use(2);
        for (var i = 0; i < 10; i++)
        {
            Tick(LoopNeed.PatienceSeconds - 1);
            Load(500);
            Tick(1);
            Load();
        }
        Assert.Equal(2, InUse);
    }

    [Fact]
    public void Nothing_goes_back_and_forth_whatever_the_load_is()
    {
        for (var total = 0; total <= 9_000; total += 50)
        {
            for (var begin = 1; begin <= LoopCount; begin++)
            {
                Use(begin);
                for (var i = 0; i < 30; i++)
                {
                    LoadAll(total);
                    Tick(1);
                }
                var settled = InUse;
                for (var i = 0; i < 30; i++)
                {
                    LoadAll(total);
                    Tick(1);
                    Assert.Equal(settled, InUse);
                }
            }
        }
    }

    [Fact]
    public void Clients_that_must_stay_need_loops_of_their_own()
    {
        Shared.Bound.Add(0, BoundClients.Most);
        Tick(1);
        Assert.Equal(1, InUse);
        Shared.Bound.Add(0, 1);
        Tick(1);
        Assert.Equal(2, InUse);
        Shared.Bound.Add(0, -8); // Nine are too many for one that may get more.
        Tick(20);
        Assert.Equal(2, InUse);
        Shared.Bound.Add(0, -1);
        Tick(20);
        Assert.Equal(1, InUse);
    }

    [Fact]
    public void So_many_are_in_use_from_the_start_as_the_setting_says_and_none_of_them_rests()
    {
        var path = new TransactionPath(loops: 4, usesAll: false, databases: "d = host=127.0.0.1\n[fastpool]\nmin_loops=3");
        var inUse = path.Group.All[0].Shared.LoopsInUse;
        var need = new LoopNeed(path.Group.All[0].Shared);
        for (var i = 0; i < 4; i++) path.Group.All[0].Shared.Loads[i] = 0;
        Assert.Equal(3, inUse.Count);
        Assert.True(inUse.TryChange(3, 4));
        for (var i = 0; i < 3 * LoopNeed.PatienceSeconds; i++) need.Tick();
        Assert.Equal(3, inUse.Count);
        Assert.False(inUse.TryChange(3, 1));
        TurnAll(path);
        for (var loop = 0; loop < 3; loop++)
        {
            path.Connect();
            path.Turn(loop);
            Assert.Equal(1, ClientsOf(path)[loop]);
        }
    }

    [Theory]
    [InlineData(3, 3)]
    [InlineData(64, LoopCount)] // There are no more.
    public void A_reload_that_wants_more_of_them_has_them_at_once_and_they_rest_when_it_wants_fewer(int least, int inUse)
    {
        _path.Set("min_loops", $"{least}");
        Tick(1);
        Assert.Equal(inUse, InUse);
        Tick(3 * LoopNeed.PatienceSeconds);
        Assert.Equal(inUse, InUse);
        _path.Set("min_loops", "1");
        Tick(LoopNeed.PatienceSeconds + 1);
        Assert.Equal(1, InUse);
    }

    // ---- newcomers --------------------------------------------------------------------------------------------------

    private static int[] ClientsOf(TransactionPath path) => [.. path.Group.All.Select(static loop => loop.ClientList.Count)];

    private static void TurnAll(TransactionPath path, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            for (var loop = 0; loop < path.Group.Count; loop++) path.Turn(loop);
        }
    }

    [Fact]
    public void Newcomers_go_to_the_loop_that_is_in_use()
    {
        TurnAll(_path);
        _path.Connect();
        for (var loop = 1; loop < LoopCount; loop++) _path.Turn(loop);
        Assert.Equal(0, ClientsOf(_path).Sum());
        _path.Turn();
        Assert.Equal(1, ClientsOf(_path)[0]);
        Use(2);
        _path.Turn(1);
        _path.Connect();
        _path.Turn(1);
        Assert.Equal(1, ClientsOf(_path)[1]);
        Use(1);
        _path.Turn(1);
        _path.Connect();
        _path.Turn(1);
        Assert.Equal(1, ClientsOf(_path)[1]);
    }

    [Fact]
    public void One_that_a_loop_accepts_though_it_rests_goes_on()
    {
        Use(2);
        TurnAll(_path);
        Shared.LoopsInUse.OnChanged = static _ => { }; // It has not heard of it yet.
        Use(1);
        _path.Connect();
        _path.Turn(1);
        TurnAll(_path);
        Assert.Equal((1, 0), (ClientsOf(_path)[0], ClientsOf(_path)[1]));
    }

    [Fact]
    public void Those_that_a_loop_cannot_accept_when_it_comes_to_rest_are_accepted_later()
    {
        Use(2);
        TurnAll(_path);
        // The kernel has told this loop of one, and no other.
        _path.Group.All[1].Post(new ActionLetter(_ => _path.Connect()));
        Use(1);
        _path.Engines[1].NextErrno = Errno.EMFILE;
        _path.Turn(1);
        Assert.Equal(0, _path.Engines[1].NextErrno);
        Assert.Equal((0, 1), (Shared.Bound.Total, _path.Backlog));
        _path.WakeUpsWithin(2 * Limits.AcceptPauseUs / 1e6, loop: 1);
        Assert.Equal((1, 0), (Shared.Bound.Total, _path.Backlog));
        _path.Turn();
        Assert.Equal((1, 0), (ClientsOf(_path)[0], ClientsOf(_path)[1]));
    }

    [Fact]
    public void A_storm_of_logins_reaches_all_loops_at_once()
    {
        TurnAll(_path);
        var beganUs = _path.NowUs;
        for (var i = 0; i < 200; i++)
        {
            _path.Connect();
            TurnAll(_path);
        }
        TurnAll(_path, 3);
        Assert.True(_path.NowUs - beganUs < 100_000); // No loop has ticked.
        Assert.Equal(LoopCount, InUse);
        Assert.Equal(200, ClientsOf(_path).Sum());
        Assert.All(ClientsOf(_path), static count => Assert.InRange(count, 16, 33));
    }

    [Fact]
    public void Those_that_are_on_their_way_to_another_loop_count_there()
    {
        Use(4);
        TurnAll(_path);
        for (var i = 0; i < 160; i++)
        {
            _path.Connect();
            _path.Turn(); // The others have no turn.
        }
        TurnAll(_path);
        Assert.Equal(160, ClientsOf(_path).Sum());
        Assert.All(ClientsOf(_path), static count => Assert.InRange(count, 15, 33));
        Assert.Equal(160, Shared.Bound.Total);
    }

    [Fact]
    public void Few_at_a_time_stay_together()
    {
        for (var i = 0; i < 60; i++) _path.LogIn();
        Assert.Equal(1, InUse);
        Assert.Equal(60, ClientsOf(_path)[0]);
        Assert.Equal(0, Shared.Bound.Total);
    }

    [Fact]
    public void Clients_of_session_pooling_are_spread()
    {
        var path = new TransactionPath(loops: 4, usesAll: false, settings: "pool_mode=session");
        for (var i = 0; i < 80; i++)
        {
            path.Connect("user", "ann", "database", "d");
            TurnAll(path, 4);
            path.TryWelcomePooler();
        }
        TurnAll(path, 3);
        Assert.All(path.Group.All, static loop => Assert.Empty(loop.LoginList));
        Assert.All(ClientsOf(path), static count => Assert.InRange(count, 15, 25));
        var shared = path.Group.All[0].Shared;
        Assert.Equal((80, 4), (shared.Bound.Total, shared.LoopsInUse.Count));
        foreach (var client in path.Group.All.SelectMany(static loop => loop.ClientList).ToList())
            client.Disconnect(Ending.Told("bye"));
        Assert.Equal(0, shared.Bound.Total);
    }

    [Fact]
    public void A_loop_that_comes_into_use_while_all_is_suspended_listens_afterwards()
    {
        TurnAll(_path);
        Assert.True(_path.ViewOf(1).TrySuspend(null));
        Use(2);
        _path.Turn(1);
        _path.Connect();
        _path.Turn(1);
        Assert.Equal(0, ClientsOf(_path)[1]);
        _path.ViewOf(1).Resume();
        _path.ViewOf(2).Resume(); // It rests.
        _path.Turn(2);
        Assert.Equal(0, ClientsOf(_path)[2]);
        _path.Turn(1);
        Assert.Equal(1, ClientsOf(_path)[1]);
    }

    [Fact]
    public void The_console_tells_which_are_in_use()
    {
        Use(3);
        Assert.Equal([true, true, true, false, false, false, false, false],
            Enumerable.Range(0, LoopCount).Select(loop => _path.ViewOf(loop).IsInUse));
    }
}
