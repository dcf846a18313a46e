using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

/// <summary>A pool's decisions, without other pools.</summary>
public sealed class PoolTests
{
    private static PoolEffect[] Of(PoolEffectKind kind, IEnumerable<PoolEffect> effects) =>
        [.. effects.Where(effect => effect.Kind == kind)];

    private static string[] Reasons(IEnumerable<PoolEffect> effects) =>
        [.. Of(PoolEffectKind.Close, effects).Select(effect => (string)effect.Detail!)];

    private static string[] Refusals(IEnumerable<PoolEffect> effects) =>
        [.. Of(PoolEffectKind.Refuse, effects).Select(effect => ((Refusal)effect.Detail!).Message)];

    [Fact]
    public void The_first_client_opens_a_server_and_gets_it()
    {
        var bench = new PoolBench();
        var client = bench.JoinAndWait();
        var server = bench.Dial();
        Assert.Equal(1, bench.Pool.Counts.Login);
        bench.Serve(server);
        var grant = Assert.Single(bench.Host.TakeAll());
        Assert.Equal((PoolEffectKind.Grant, client, server), (grant.Kind, (FakeClient)grant.Client!, (FakeServer)grant.Server!));
        Assert.Equal((0, 1, 0), (bench.Pool.Counts.Waiting, bench.Pool.Counts.Active, bench.Pool.Counts.Login));
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 0)]
    public void The_last_returned_server_is_taken_first_or_the_first_with_server_round_robin(bool isRoundRobin, int index)
    {
        var bench = new PoolBench($"server_round_robin={(isRoundRobin ? 1 : 0)}");
        var servers = bench.OpenIdle(3);
        Assert.Same(servers[index], bench.Acquire(bench.Join()));
    }

    [Fact]
    public void A_client_prefers_a_server_of_its_own_loop()
    {
        var bench = new PoolBench(loops: 2);
        var servers = bench.OpenIdle(2);
        var away = bench.Acquire(bench.Join())!;
        away.Loop = 1;
        bench.Pool.Return(away, bench.Hosts[1]);
        Assert.Same(away, bench.Acquire(bench.Join(1)));
        Assert.Null(bench.Acquire(bench.Join(1)));
        var grant = Assert.Single(bench.Hosts[1].TakeAll());
        Assert.Equal(PoolEffectKind.Grant, grant.Kind);
        Assert.Same(servers.Single(server => server != away), grant.Server);
    }

    [Fact]
    public void Waiters_are_served_in_order_of_arrival_across_loops()
    {
        var bench = new PoolBench("default_pool_size=1", loops: 2);
        bench.JoinAndWait();
        var server = bench.Serve(bench.Dial());
        bench.Host.TakeAll();
        var waiters = new List<FakeClient>();
        foreach (var loop in new byte[] { 1, 0, 1 })
        {
            waiters.Add(bench.JoinAndWait(loop));
            foreach (var host in bench.Hosts) host.NowUs += Limits.ArrivalStepUs;
        }
        foreach (var waiter in waiters) Assert.Same(waiter, NextGranted(bench, server));
    }

    [Fact]
    public void In_one_step_of_time_a_server_goes_to_a_waiter_of_its_own_loop()
    {
        var bench = new PoolBench("default_pool_size=1", loops: 2);
        bench.JoinAndWait();
        var server = bench.Serve(bench.Dial());
        bench.Host.TakeAll();
        FakeClient[] waiters = [bench.JoinAndWait(1), bench.JoinAndWait(0), bench.JoinAndWait(1)];
        Assert.Same(waiters[1], NextGranted(bench, server));
        Assert.Same(waiters[0], NextGranted(bench, server));
        Assert.Same(waiters[2], NextGranted(bench, server));
    }

    [Fact]
    public void A_pool_whose_loops_keep_taking_each_others_servers_opens_one_more()
    {
        var bench = new PoolBench("default_pool_size=2", loops: 2);
        var server = bench.OpenIdle(1).Single();
        var client = bench.Join(1);
        for (var i = 0; i < Limits.MovesPerTick; i++)
        {
            Assert.Null(bench.Pool.Acquire(client, bench.Hosts[1]));
            Assert.Equal(PoolEffectKind.Grant, Assert.Single(bench.Hosts[1].TakeAll()).Kind);
            bench.Pool.Return(server, bench.Host);
        }
        Assert.Null(bench.Pool.Acquire(client, bench.Hosts[1]));
        Assert.Contains(bench.Hosts[1].TakeAll(), effect => effect is { Kind: PoolEffectKind.Dial, Loop: 1 });
    }

    [Fact]
    public void A_server_that_spoke_unasked_is_given_to_nobody()
    {
        var bench = new PoolBench();
        var servers = bench.OpenIdle(2);
        servers[1].MarkDirty();
        Assert.Same(servers[0], bench.Acquire(bench.Join()));
        Assert.Equal(["idle server got dirty"], Reasons(bench.Host.TakeAll()));
    }

    [Theory]
    [InlineData(false, "SV_IDLE server got dirty")]
    [InlineData(true, "SV_USED server got dirty")]
    public void The_janitor_closes_a_server_that_spoke_unasked(bool isUsed, string reason)
    {
        var bench = new PoolBench("server_check_query=select 1\nserver_check_delay=10");
        var server = bench.OpenIdle(1).Single();
        if (isUsed) bench.Tick(11);
        server.MarkDirty();
        Assert.Equal([reason], Reasons(bench.Tick(0.3)));
    }

    [Fact]
    public void A_server_that_spoke_while_it_waited_for_a_cancel_request_serves_nobody_after_it()
    {
        var bench = new PoolBench("default_pool_size=1");
        var server = bench.OpenIdle(1).Single();
        var client = bench.Join();
        Assert.Same(server, bench.Acquire(client));
        bench.Pool.BeginCancelWait(server, bench.Host);
        bench.JoinAndWait();
        server.MarkDirty();
        bench.Pool.Return(server, bench.Host);
        var effects = bench.Host.TakeAll();
        Assert.Equal(["idle server got dirty"], Reasons(effects));
        Assert.Empty(Of(PoolEffectKind.Grant, effects));
    }

    [Fact]
    public void A_waiter_that_withdraws_is_in_no_queue_and_may_come_again()
    {
        var bench = new PoolBench("default_pool_size=1");
        var server = bench.OpenIdle(1).Single();
        bench.Acquire(bench.Join());
        var client = bench.JoinAndWait();
        var next = bench.JoinAndWait();
        bench.Host.TakeAll();
        bench.Pool.Withdraw(client, bench.Host);
        Assert.Equal((PoolEffectKind.Withdrawn, client), Only(bench.Host));
        Assert.Equal(1, bench.Pool.Counts.Waiting);
        Assert.Null(bench.Acquire(client));
        bench.Pool.Return(server, bench.Host);
        Assert.Equal((PoolEffectKind.Grant, next), Only(bench.Host));
        bench.Pool.Return(server, bench.Host);
        Assert.Equal((PoolEffectKind.Grant, client), Only(bench.Host));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_waiter_that_withdraws_while_its_server_is_on_the_way_hears_one_thing(bool serverDies)
    {
        var bench = new PoolBench("default_pool_size=1", loops: 2);
        var server = bench.OpenIdle(1).Single();
        var first = bench.Join();
        bench.Acquire(first);
        var client = bench.JoinAndWait(loop: 1);
        bench.Hosts[1].TakeAll();
        bench.Pool.Return(server, bench.Host);
        Assert.Equal((PoolEffectKind.Grant, client), Only(bench.Host));
        bench.Pool.Withdraw(client, bench.Hosts[1]);
        Assert.Empty(bench.Hosts[1].TakeAll());
        if (serverDies) bench.Pool.Remove(server, bench.Host);
        else bench.Pool.Return(server, bench.Hosts[1]); // The client gives it back.
        Assert.Equal(serverDies, Of(PoolEffectKind.Withdrawn, bench.Host.TakeAll()).Length == 1);
        Assert.Equal((0, serverDies ? 0 : 1), (bench.Pool.Counts.Waiting, bench.Pool.Counts.Idle));
        bench.Acquire(client);
        if (!serverDies) return;
        Assert.Equal(1, bench.Pool.Counts.Waiting); // An earlier withdrawal is forgotten.
    }

    private static (PoolEffectKind, PoolClient?) Only(FakeHost host)
    {
        var effect = Assert.Single(host.TakeAll());
        return (effect.Kind, effect.Client);
    }

    private static PoolClient? NextGranted(PoolBench bench, FakeServer server)
    {
        bench.Pool.Return(server, bench.Host);
        return Assert.Single(Of(PoolEffectKind.Grant, bench.Host.TakeAll())).Client;
    }

    [Fact]
    public void A_client_whose_server_dies_on_the_way_stands_first_again()
    {
        var bench = new PoolBench("default_pool_size=1\nserver_login_retry=1", loops: 2);
        bench.OpenIdle(1);
        var first = bench.JoinAndWait(1);
        var grant = Assert.Single(Of(PoolEffectKind.Grant, bench.Hosts[1].TakeAll()));
        bench.JoinAndWait(1);
        bench.Pool.Remove(grant.Server!, bench.Host);
        Assert.Equal(2, bench.Pool.Counts.Waiting);
        bench.Serve(bench.Dial());
        Assert.Same(first, Assert.Single(Of(PoolEffectKind.Grant, bench.Host.TakeAll())).Client);
    }

    [Fact]
    public void A_client_that_left_is_not_put_back_when_its_server_dies_on_the_way()
    {
        var bench = new PoolBench(loops: 2);
        bench.OpenIdle(1);
        var client = bench.JoinAndWait(1);
        var grant = Assert.Single(Of(PoolEffectKind.Grant, bench.Hosts[1].TakeAll()));
        bench.Pool.Leave(client, bench.Hosts[1]);
        bench.Pool.Remove(grant.Server!, bench.Host);
        Assert.Equal(default, bench.Pool.Counts);
    }

    [Theory]
    [InlineData(2, 5, 2)]
    [InlineData(0, 5, 5)]
    [InlineData(20, 20, 8)] // At most so many log in at a time.
    public void No_more_servers_are_opened_than_pool_size_and_the_waiters_allow(int poolSize, int clients, int dials)
    {
        var bench = new PoolBench($"default_pool_size={poolSize}");
        for (var i = 0; i < clients; i++) bench.JoinAndWait();
        Assert.Equal(dials, Of(PoolEffectKind.Dial, bench.Host.TakeAll()).Length);
    }

    [Fact]
    public void The_reserve_pool_opens_when_the_first_in_line_has_waited_long_enough()
    {
        var bench = new PoolBench("default_pool_size=1\nreserve_pool_size=1\nreserve_pool_timeout=3");
        bench.JoinAndWait();
        bench.Serve(bench.Dial());
        bench.JoinAndWait();
        bench.JoinAndWait();
        Assert.Empty(Of(PoolEffectKind.Dial, bench.Tick(2.9)));
        var effects = bench.Tick(0.2);
        Assert.Single(Of(PoolEffectKind.Dial, effects));
        Assert.IsType<ReserveNote>(Assert.Single(Of(PoolEffectKind.Notify, effects)).Detail);
        Assert.Empty(Of(PoolEffectKind.Dial, bench.Tick(10)));
    }

    [Fact]
    public void Min_pool_size_is_filled_one_a_round_while_a_client_is_there()
    {
        var bench = new PoolBench("min_pool_size=2\ndefault_pool_size=5");
        Assert.Empty(bench.Tick(1));
        bench.Join();
        Assert.Single(Of(PoolEffectKind.Dial, bench.Tick(1)));
        Assert.Empty(bench.Tick(1)); // That one is still logging in.
        bench.Serve(new FakeServer(bench.Pool, 0, bench.Host.NowUs));
        Assert.Single(Of(PoolEffectKind.Dial, bench.Tick(1)));
        bench.Serve(new FakeServer(bench.Pool, 0, bench.Host.NowUs));
        Assert.Empty(bench.Tick(1));
        Assert.Equal(2, bench.Pool.Counts.Idle);
    }

    [Theory]
    [InlineData("pool_size=0", "")]
    [InlineData("", "default_pool_size=0")]
    public void Min_pool_size_means_nothing_without_pool_size(string database, string settings)
    {
        var bench = new PoolBench("min_pool_size=2\n" + settings, database);
        bench.Join();
        Assert.Empty(bench.Tick(1));
    }

    [Fact]
    public void A_forced_user_fills_min_pool_size_without_clients()
    {
        var bench = new PoolBench("min_pool_size=1", "user=ann");
        Assert.Single(Of(PoolEffectKind.Dial, bench.Tick(1)));
    }

    [Fact]
    public void An_idle_server_is_closed_after_server_idle_timeout_but_not_below_min_pool_size()
    {
        var bench = new PoolBench("server_idle_timeout=10\nmin_pool_size=1");
        bench.OpenIdle(3);
        Assert.Empty(Reasons(bench.Tick(9.9)));
        Assert.Equal(["server idle timeout", "server idle timeout"], Reasons(bench.Tick(0.2)));
        Assert.Equal((1, 2), (bench.Pool.Counts.Idle, bench.Pool.Counts.Closing));
    }

    [Fact]
    public void Lifetimes_end_one_by_one_spaced_by_the_pool_size()
    {
        var bench = new PoolBench("default_pool_size=4\nserver_lifetime=100\nserver_idle_timeout=0");
        bench.OpenIdle(2);
        Assert.Empty(Reasons(bench.Tick(99)));
        Assert.Equal(["server lifetime over"], Reasons(bench.Tick(1)));
        Assert.Empty(Reasons(bench.Tick(24)));
        Assert.Equal(["server lifetime over"], Reasons(bench.Tick(1)));
    }

    [Fact]
    public void Lifetime_0_closes_at_every_return()
    {
        var bench = new PoolBench("server_lifetime=0");
        var client = bench.JoinAndWait();
        var server = bench.Serve(bench.Dial());
        bench.Host.TakeAll();
        bench.Pool.Return(server, bench.Host);
        Assert.Equal(["server lifetime over"], Reasons(bench.Host.TakeAll()));
        Assert.NotNull(client);
    }

    [Theory]
    [InlineData("", 0, 0)]
    [InlineData("server_check_query=<empty>\n", 1, 1)]
    public void After_server_check_delay_a_server_is_checked_before_it_serves(string setting, int used, int checks)
    {
        var bench =
            new PoolBench((setting.Length > 0 ? setting : "server_check_query=\n")
            + "server_check_delay=5\nserver_idle_timeout=0");
        var server = bench.OpenIdle(1)[0];
        bench.Tick(5.1);
        Assert.Equal(used, bench.Pool.Counts.Used);
        if (checks == 0) return;
        var client = bench.JoinAndWait();
        Assert.Same(server, Assert.Single(bench.Host.TakeAll(), effect => effect.Kind == PoolEffectKind.RunCheck).Server);
        Assert.Equal(1, bench.Pool.Counts.Tested);
        bench.Pool.Return(server, bench.Host);
        Assert.Same(client, Assert.Single(Of(PoolEffectKind.Grant, bench.Host.TakeAll())).Client);
    }

    [Fact]
    public void Once_a_login_may_work_again_its_failure_is_forgotten_and_nothing_waits_for_server_login_retry()
    {
        var bench = new PoolBench("server_login_retry=15\nquery_wait_timeout=0");
        bench.JoinAndWait();
        bench.Pool.LoginFailed(bench.Dial(), new LoginFailure("login failed", null), bench.Host);
        Assert.Empty(bench.Host.TakeAll());
        bench.Pool.LoginMayWork(bench.Host);
        Assert.Single(Of(PoolEffectKind.Dial, bench.Host.TakeAll()));
        bench.JoinAndWait();
        Assert.Empty(Refusals(bench.Host.TakeAll()));
        Assert.Equal(2, bench.Pool.Counts.Waiting);
    }

    [Fact]
    public void After_a_failed_login_new_clients_are_refused_at_once_and_old_ones_wait()
    {
        var bench = new PoolBench("server_login_retry=15\nquery_wait_timeout=0");
        bench.JoinAndWait();
        bench.Pool.LoginFailed(bench.Dial(), new LoginFailure("connect failed", null), bench.Host);
        Assert.Empty(bench.Host.TakeAll());
        bench.JoinAndWait();
        Assert.Equal(["server login has been failing, cached error: connect failed (server_login_retry)"],
            Refusals(bench.Host.TakeAll()));
        Assert.Equal(1, bench.Pool.Counts.Waiting);
        Assert.Empty(Of(PoolEffectKind.Dial, bench.Tick(14.9)));
        Assert.Single(Of(PoolEffectKind.Dial, bench.Tick(0.2)));
    }

    [Fact]
    public void The_cached_error_of_a_list_names_each_host_and_is_whole()
    {
        var bench = new PoolBench();
        bench.JoinAndWait();
        var each = $"a: {new string('x', 99)}, b: {new string('y', 99)}";
        bench.Pool.LoginFailed(bench.Dial(), new LoginFailure("y", null) { OfEachHost = each }, bench.Host);
        bench.JoinAndWait();
        Assert.Equal([$"server login has been failing, cached error: {each} (server_login_retry)"],
            Refusals(bench.Host.TakeAll()));
    }

    [Fact]
    public void While_a_host_lives_in_the_wrong_role_new_clients_wait_too()
    {
        var bench = new PoolBench("server_login_retry=15");
        bench.JoinAndWait();
        var failure = new LoginFailure("server is in hot standby mode", null)
        {
            MayPass = true,
            RetryAtUs = bench.Host.NowUs + Limits.RoleTrustUs,
        };
        bench.Pool.LoginFailed(bench.Dial(), failure, bench.Host);
        bench.JoinAndWait();
        Assert.Empty(Refusals(bench.Host.TakeAll()));
        Assert.Equal(2, bench.Pool.Counts.Waiting);
        bench.Pool.LoginFailed(Assert.IsType<FakeServer>(Retried(bench)), new LoginFailure("connect failed", null), bench.Host);
        bench.JoinAndWait();
        Assert.Single(Refusals(bench.Host.TakeAll())); // Now it is down.
    }

    private static FakeServer Retried(PoolBench bench)
    {
        Assert.Single(Of(PoolEffectKind.Dial, bench.Tick(0.3)));
        return new FakeServer(bench.Pool, 0, bench.Host.NowUs);
    }

    [Fact]
    public void The_cached_error_is_cut_to_99_bytes()
    {
        var bench = new PoolBench();
        bench.JoinAndWait();
        bench.Pool.LoginFailed(bench.Dial(), new LoginFailure(new string('x', 200), null), bench.Host);
        bench.JoinAndWait();
        Assert.Equal([$"server login has been failing, cached error: {new string('x', 99)} (server_login_retry)"],
            Refusals(bench.Host.TakeAll()));
    }

    [Fact]
    public void A_completed_login_ends_the_fast_failure()
    {
        var bench = new PoolBench("server_login_retry=1\ndefault_pool_size=1");
        bench.JoinAndWait();
        bench.Pool.LoginFailed(bench.Dial(), new LoginFailure("connect failed", null), bench.Host);
        bench.Tick(1.1);
        var server = bench.Serve(new FakeServer(bench.Pool, 0, bench.Host.NowUs));
        bench.Host.TakeAll();
        bench.JoinAndWait();
        Assert.Empty(Refusals(bench.Host.TakeAll()));
        bench.Pool.Remove(server, bench.Host);
        Assert.Single(Of(PoolEffectKind.Dial, bench.Host.TakeAll()));
    }

    [Fact]
    public void Without_a_pause_between_attempts_the_next_one_still_comes_in_a_later_turn()
    {
        var bench = new PoolBench("server_login_retry=0");
        bench.JoinAndWait();
        bench.Pool.LoginFailed(bench.Dial(), new LoginFailure("connect failed", null), bench.Host);
        Assert.Empty(bench.Host.TakeAll());
        Assert.Single(Of(PoolEffectKind.Dial, bench.Tick(0.001)));
    }

    [Fact]
    public void A_refused_login_is_told_to_all_who_wait()
    {
        var bench = new PoolBench();
        bench.JoinAndWait();
        bench.JoinAndWait();
        var welcomed = bench.Join();
        bench.Pool.AwaitWelcome(welcomed, bench.Host);
        var server = bench.Dial();
        bench.Host.TakeAll();
        bench.Pool.LoginFailed(server, new LoginFailure("no", new Refusal("no", "28P01")), bench.Host);
        Assert.Equal(["no", "no", "no"], Refusals(bench.Host.TakeAll()));
        Assert.Equal(0, bench.Pool.Counts.Waiting);
    }

    [Fact]
    public void A_login_refused_for_now_keeps_them_waiting()
    {
        var bench = new PoolBench();
        bench.JoinAndWait();
        bench.Pool.LoginFailed(bench.Dial(), new LoginFailure("the database system is starting up", null), bench.Host);
        Assert.Empty(bench.Host.TakeAll());
        Assert.Equal(1, bench.Pool.Counts.Waiting);
    }

    [Fact]
    public void An_idle_server_asks_for_its_host_and_a_busy_one_does_not()
    {
        var bench = new PoolBench();
        var server = bench.OpenIdle(1).Single();
        bench.Pool.CheckHost(server, bench.Host);
        var check = Assert.Single(bench.Host.TakeAll());
        Assert.Equal((PoolEffectKind.RunCheck, Host.CheckQuery), (check.Kind, check.Detail));
        Assert.Equal((1, 0), (bench.Pool.Counts.Tested, bench.Pool.Counts.Idle));
        bench.Pool.CheckHost(server, bench.Host);
        Assert.Empty(bench.Host.TakeAll());
        bench.Pool.Return(server, bench.Host);
        Assert.Same(server, bench.Acquire(bench.Join()));
        bench.Pool.CheckHost(server, bench.Host);
        Assert.Empty(bench.Host.TakeAll());
        Assert.Equal(1, bench.Pool.Counts.Active);
    }

    [Fact]
    public void A_wait_in_vain_tells_the_last_error_of_the_server_side()
    {
        var bench = new PoolBench("query_wait_timeout=10\nserver_login_retry=15");
        bench.JoinAndWait();
        var failure = new LoginFailure("connect failed", null) { Detail = "Server a:1: Connection refused." };
        bench.Pool.LoginFailed(bench.Dial(), failure, bench.Host);
        bench.JoinAndWait();
        Assert.Equal([failure.Detail!], Details(bench.Host.TakeAll()));
        Assert.Equal([failure.Detail!], Details(bench.Tick(10.1)));
    }

    [Fact]
    public void A_wait_in_vain_for_a_full_pool_tells_of_the_limit()
    {
        var bench = new PoolBench("query_wait_timeout=10\ndefault_pool_size=1");
        bench.JoinAndWait();
        bench.Serve(bench.Dial());
        bench.JoinAndWait();
        bench.Host.TakeAll();
        Assert.Equal(["All server connections of the pool are in use (pool_size 1)."], Details(bench.Tick(10.1)));
    }

    [Fact]
    public void After_a_login_the_errors_of_before_are_told_no_more()
    {
        var bench = new PoolBench("query_wait_timeout=10\nserver_login_retry=1");
        bench.JoinAndWait();
        bench.Pool.LoginFailed(bench.Dial(), new LoginFailure("connect failed", null) { Detail = "refused" }, bench.Host);
        bench.Tick(1.1);
        bench.Serve(new FakeServer(bench.Pool, 0, bench.Host.NowUs));
        bench.Host.TakeAll();
        bench.JoinAndWait();
        Assert.Equal(["none"], Details(bench.Tick(10.1)));
    }

    [Fact]
    public void A_wait_for_a_login_that_takes_long_says_so()
    {
        var bench = new PoolBench("query_wait_timeout=10");
        bench.JoinAndWait();
        bench.Dial();
        bench.Host.TakeAll();
        Assert.Equal(["The server login is still under way."], Details(bench.Tick(10.1)));
    }

    private static string[] Details(IEnumerable<PoolEffect> effects) =>
        [.. Of(PoolEffectKind.Refuse, effects).Select(effect => ((Refusal)effect.Detail!).Detail ?? "none")];

    [Theory]
    [InlineData("query_wait_timeout=10", 10.1, "query_wait_timeout")]
    [InlineData("query_timeout=5\nquery_wait_timeout=10", 5.1, "query_timeout")]
    public void A_wait_ends_with_its_timeout(string settings, double seconds, string text)
    {
        var bench = new PoolBench(settings);
        bench.JoinAndWait();
        Assert.Empty(Refusals(bench.Tick(seconds - 0.2)));
        Assert.Equal([text], Refusals(bench.Tick(0.2)));
        Assert.Equal(0, bench.Pool.Counts.Waiting);
    }

    [Theory]
    [InlineData("client_login_timeout=10\nquery_wait_timeout=20", 10.1, "client_login_timeout (server down)")]
    [InlineData("client_login_timeout=20\nquery_wait_timeout=10", 10.1, "query_wait_timeout")]
    [InlineData("client_login_timeout=20\nquery_timeout=3", 3.1, "query_timeout")]
    public void A_wait_for_the_welcome_ends_with_whichever_timeout_is_first(string settings, double seconds, string text)
    {
        var bench = new PoolBench(settings);
        var client = bench.Join();
        client.WaitStartUs = bench.Host.NowUs;
        bench.Pool.AwaitWelcome(client, bench.Host);
        Assert.Equal([text], Refusals(bench.Tick(seconds)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whoever_waits_for_the_welcome_is_told_of_the_shutdown(bool isLate)
    {
        var bench = new PoolBench();
        var client = bench.Join();
        client.WaitStartUs = bench.Host.NowUs;
        if (!isLate) bench.Pool.AwaitWelcome(client, bench.Host);
        bench.Host.TakeAll();
        bench.Registry.State.IsEnding = true;
        if (isLate) bench.Pool.AwaitWelcome(client, bench.Host);
        else bench.Pool.Drain("pause mode", bench.Host);
        Assert.Equal(["server shutting down"], Refusals(bench.Host.TakeAll()));
        Assert.Equal(0, bench.Pool.Counts.Waiting);
    }

    [Fact]
    public void A_long_wait_is_told_once()
    {
        var bench = new PoolBench("query_wait_notify=5");
        bench.JoinAndWait();
        Assert.Empty(Of(PoolEffectKind.Notify, bench.Tick(5.9)));
        Assert.Single(Of(PoolEffectKind.Notify, bench.Tick(0.2)));
        Assert.Empty(Of(PoolEffectKind.Notify, bench.Tick(10)));
    }

    [Fact]
    public void A_paused_pool_gives_nothing_opens_nothing_and_closes_what_comes_back()
    {
        var bench = new PoolBench();
        var holder = bench.JoinAndWait();
        var server = bench.Serve(bench.Dial());
        bench.Host.TakeAll();
        bench.Pool.Database.IsPaused = true;
        var waiter = bench.JoinAndWait();
        bench.Pool.Return(server, bench.Host);
        Assert.Equal(["pause mode"], Reasons(bench.Host.TakeAll()));
        bench.Pool.Remove(server, bench.Host);
        Assert.Empty(bench.Host.TakeAll());
        bench.Pool.Database.IsPaused = false;
        bench.Pool.Serve(bench.Host);
        Assert.Single(Of(PoolEffectKind.Dial, bench.Host.TakeAll()));
        Assert.NotSame(holder, waiter);
    }

    [Fact]
    public void Servers_of_an_older_generation_are_closed_wherever_they_are_met()
    {
        var bench = new PoolBench("default_pool_size=3");
        var servers = bench.OpenIdle(3);
        var holder = bench.Acquire(bench.Join())!;
        bench.Pool.Invalidate();
        bench.JoinAndWait();
        Assert.Equal(["obsolete connection", "obsolete connection"], Reasons(bench.Host.TakeAll()));
        bench.Pool.Return(holder, bench.Host);
        Assert.Equal(["close_needed"], Reasons(bench.Host.TakeAll()));
        Assert.Equal(3, bench.Pool.Counts.Closing);
        foreach (var server in servers) bench.Pool.Remove(server, bench.Host);
        Assert.Single(Of(PoolEffectKind.Dial, bench.Host.TakeAll()));
    }

    [Fact]
    public void The_janitor_closes_idle_servers_of_an_older_generation()
    {
        var bench = new PoolBench();
        bench.OpenIdle(2);
        bench.Pool.Invalidate();
        Assert.Equal(["database configuration changed", "database configuration changed"], Reasons(bench.Tick(0.3)));
    }

    [Fact]
    public void A_smaller_pool_size_closes_what_is_too_much()
    {
        var bench = new PoolBench("default_pool_size=4");
        bench.OpenIdle(4);
        bench.Reload("default_pool_size=1\nreserve_pool_size=1");
        Assert.Equal(["too many servers in the pool", "too many servers in the pool"], Reasons(bench.Tick(0.3)));
        Assert.Empty(Reasons(bench.Tick(0.3)));
    }

    [Theory]
    [InlineData("max_db_connections=1")]
    [InlineData("max_user_connections=1")]
    public void A_pool_that_a_common_limit_stops_asks_others_for_room(string setting)
    {
        var bench = new PoolBench(setting);
        bench.OpenIdle(1);
        var other = setting.StartsWith("max_db", StringComparison.Ordinal)
            ? bench.Registry.GetPool(bench.Pool.Database, "bob")
            : bench.Registry.GetPool(bench.Registry.FindDatabase("e", out _)!, "ann");
        var client = new FakeClient { WaitStartUs = bench.Host.NowUs };
        other.Join(client, bench.Host);
        Assert.Null(other.Acquire(client, bench.Host));
        Assert.Equal(PoolEffectKind.MakeRoom, Assert.Single(bench.Host.TakeAll()).Kind);
        Assert.True(other.IsStarved);

        bench.Pool.Evict(bench.Host);
        var close = Assert.Single(bench.Host.TakeAll());
        Assert.Equal("evicted for " + setting.Split('=')[0], close.Detail);
        bench.Pool.Remove(close.Server!, bench.Host);
        Assert.Contains(bench.Host.TakeAll(), effect => effect.Kind == PoolEffectKind.RoomMade);
        other.Serve(bench.Host);
        Assert.Equal(PoolEffectKind.Dial, Assert.Single(bench.Host.TakeAll()).Kind);
        Assert.False(other.IsStarved);
        Assert.Equal(1, setting.StartsWith("max_db", StringComparison.Ordinal) ? bench.Pool.Database.Servers.Count
            : bench.Pool.User.Servers.Count);
    }

    [Theory]
    [InlineData("max_db_connections=1")]
    [InlineData("max_user_connections=1")]
    public void When_all_are_busy_a_server_that_becomes_free_makes_room_for_who_has_waited_longest_in_any_pool(string setting)
    {
        var bench = new PoolBench(setting);
        var other = setting.StartsWith("max_db", StringComparison.Ordinal)
            ? bench.Registry.GetPool(bench.Pool.Database, "bob")
            : bench.Registry.GetPool(bench.Registry.FindDatabase("e", out _)!, "ann");
        bench.OpenIdle(1);
        var server = bench.Acquire(bench.Join())!;
        var elsewhere = new FakeClient { WaitStartUs = bench.Host.NowUs };
        other.Join(elsewhere, bench.Host);
        Assert.Null(other.Acquire(elsewhere, bench.Host));
        bench.Host.NowUs += Limits.ClaimStepUs + 1;
        bench.JoinAndWait(); // Of the server's own pool, and later.
        bench.Host.TakeAll();

        bench.Pool.Return(server, bench.Host);
        Assert.Equal(["evicted for " + setting.Split('=')[0]], Reasons(bench.Host.TakeAll()));
        bench.Pool.Remove(server, bench.Host);
        bench.Host.TakeAll();
        other.Serve(bench.Host);
        Assert.Equal(PoolEffectKind.Dial, Assert.Single(bench.Host.TakeAll()).Kind);
    }

    [Fact]
    public void Waiters_of_about_the_same_time_are_served_by_the_pool_that_has_the_server()
    {
        var bench = new PoolBench("max_db_connections=1");
        var other = bench.Registry.GetPool(bench.Pool.Database, "bob");
        bench.OpenIdle(1);
        var server = bench.Acquire(bench.Join())!;
        var elsewhere = new FakeClient { WaitStartUs = bench.Host.NowUs };
        other.Join(elsewhere, bench.Host);
        Assert.Null(other.Acquire(elsewhere, bench.Host));
        bench.Host.NowUs += Limits.ClaimStepUs;
        var own = bench.JoinAndWait();
        bench.Host.TakeAll();

        bench.Pool.Return(server, bench.Host);
        Assert.Same(own, Assert.Single(Of(PoolEffectKind.Grant, bench.Host.TakeAll())).Client);
        bench.Pool.Return(server, bench.Host); // Nobody else waits here: the place is the other pool's.
        Assert.Equal(["evicted for max_db_connections"], Reasons(bench.Host.TakeAll()));
    }

    [Fact]
    public void A_claim_ends_when_its_pool_gets_a_server()
    {
        var bench = new PoolBench("max_db_connections=1");
        var other = bench.Registry.GetPool(bench.Pool.Database, "bob");
        var idle = bench.OpenIdle(1).Single();
        var elsewhere = new FakeClient { WaitStartUs = bench.Host.NowUs };
        other.Join(elsewhere, bench.Host);
        Assert.Null(other.Acquire(elsewhere, bench.Host));
        Assert.Equal(elsewhere.WaitStartUs, bench.Pool.Database.Servers.ClaimedSinceUs(bench.Pool));
        bench.Pool.Evict(bench.Host);
        bench.Pool.Remove(idle, bench.Host);
        bench.Host.TakeAll();
        other.Serve(bench.Host);
        Assert.Equal(long.MaxValue, bench.Pool.Database.Servers.ClaimedSinceUs(bench.Pool));
    }

    [Fact]
    public void Eviction_takes_the_server_that_has_been_idle_longest()
    {
        var bench = new PoolBench();
        var servers = bench.OpenIdle(3);
        for (var i = 0; i < servers.Length; i++) servers[i].LastActivityUs = 1000 + i;
        foreach (var server in servers)
        {
            bench.Pool.Evict(bench.Host);
            Assert.Same(server, Assert.Single(bench.Host.TakeAll()).Server);
        }
        bench.Pool.Evict(bench.Host);
        Assert.Empty(bench.Host.TakeAll());
    }

    [Fact]
    public void Reset_and_cancel_waits_count_as_servers_but_not_as_free()
    {
        var bench = new PoolBench("default_pool_size=1");
        bench.JoinAndWait();
        var server = bench.Serve(bench.Dial());
        bench.Pool.BeginCancelWait(server, bench.Host);
        Assert.Equal(1, bench.Pool.Counts.BeingCanceled);
        bench.Pool.BeginTest(server, bench.Host);
        Assert.Equal(1, bench.Pool.Counts.Tested);
        bench.Host.TakeAll();
        var client = bench.JoinAndWait();
        Assert.Empty(bench.Host.TakeAll());
        bench.Pool.Return(server, bench.Host);
        Assert.Same(client, Assert.Single(bench.Host.TakeAll()).Client);
    }
}
