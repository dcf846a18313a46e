using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

/// <summary>Clients that share no server: replication.</summary>
public sealed class OwnServerTests
{
    [Fact]
    public void A_server_is_opened_for_the_client_alone_though_another_is_idle()
    {
        var bench = new PoolBench();
        bench.OpenIdle(1);
        var client = Wait(bench);
        var server = bench.Dial();
        Assert.Same(client, server.OnlyClient);
        bench.Serve(server);
        var grant = Assert.Single(bench.Host.TakeAll(), effect => effect.Kind == PoolEffectKind.Grant);
        Assert.Equal((client, server), (grant.Client, grant.Server));
        Assert.Equal((1, 1, 0), (bench.Pool.Counts.Active, bench.Pool.Counts.Idle, bench.Pool.Counts.Waiting));
    }

    [Fact]
    public void It_is_given_to_nobody_else_and_closed_when_it_comes_back()
    {
        var bench = new PoolBench("default_pool_size=1");
        var own = Wait(bench);
        var server = bench.Serve(bench.Dial());
        bench.JoinAndWait();
        bench.Host.TakeAll();
        bench.Pool.Leave(own, bench.Host);
        bench.Pool.Return(server, bench.Host);
        var close = Assert.Single(bench.Host.TakeAll(), effect => effect.Kind == PoolEffectKind.Close);
        Assert.Equal("replication client was closed", close.Detail);
        bench.Pool.Remove(server, bench.Host);
        Assert.Null(bench.Dial().OnlyClient); // Now it is the other's turn.
    }

    [Fact]
    public void Those_that_share_do_not_count_on_a_server_that_is_opening_for_one_alone()
    {
        var bench = new PoolBench();
        Wait(bench);
        bench.JoinAndWait();
        var dialed = bench.Host.TakeAll().Where(effect => effect.Kind == PoolEffectKind.Dial).ToArray();
        Assert.Equal(2, dialed.Length);
        Assert.Single(dialed, effect => effect.Client is null);
    }

    [Fact]
    public void In_a_full_pool_the_idle_server_that_is_idle_longest_makes_room()
    {
        var bench = new PoolBench("default_pool_size=2");
        var idle = bench.OpenIdle(2);
        var client = Wait(bench);
        var close = Assert.Single(bench.Host.TakeAll());
        Assert.Equal((PoolEffectKind.Close, "evicted for pool_size", idle[0]),
            (close.Kind, close.Detail, (FakeServer)close.Server!));
        bench.Pool.Remove(idle[0], bench.Host);
        Assert.Same(client, bench.Dial().OnlyClient);
        Assert.Equal(2, bench.Pool.Counts.Servers);
    }

    [Fact]
    public void In_a_full_pool_the_first_server_that_becomes_free_makes_room()
    {
        var bench = new PoolBench("default_pool_size=1");
        bench.JoinAndWait();
        var server = bench.Serve(bench.Dial());
        var own = Wait(bench);
        bench.Host.TakeAll();
        bench.Pool.Return(server, bench.Host);
        var close = Assert.Single(bench.Host.TakeAll());
        Assert.Equal((PoolEffectKind.Close, "evicted for pool_size", server),
            (close.Kind, close.Detail, (FakeServer)close.Server!));
        bench.Pool.Remove(server, bench.Host);
        Assert.Same(own, bench.Dial().OnlyClient);
    }

    [Fact]
    public void A_refusal_by_the_server_is_for_the_client_alone()
    {
        var bench = new PoolBench();
        var own = Wait(bench);
        var server = bench.Dial();
        bench.JoinAndWait();
        bench.Host.TakeAll();
        bench.Pool.LoginFailed(server, new LoginFailure("login failed", new Refusal("login failed")), bench.Host);
        var refusal = Assert.Single(bench.Host.TakeAll(), effect => effect.Kind == PoolEffectKind.Refuse);
        Assert.Equal((own, "login failed"), (refusal.Client, ((Refusal)refusal.Detail!).Message));
        Assert.Equal(1, bench.Pool.Counts.Waiting);
    }

    [Fact]
    public void After_a_failed_connect_it_is_tried_again_when_server_login_retry_is_over()
    {
        var bench = new PoolBench("server_login_retry=5");
        var client = Wait(bench);
        bench.Pool.LoginFailed(bench.Dial(), new LoginFailure("connect failed", null), bench.Host);
        Assert.DoesNotContain(bench.Tick(4), effect => effect.Kind == PoolEffectKind.Dial);
        Assert.Same(client, Assert.Single(bench.Tick(2), effect => effect.Kind == PoolEffectKind.Dial).Client);
    }

    [Fact]
    public void No_failure_of_others_refuses_it_at_once()
    {
        var bench = new PoolBench("server_login_retry=1000");
        bench.JoinAndWait();
        bench.Pool.LoginFailed(bench.Dial(), new LoginFailure("connect failed", null), bench.Host);
        Wait(bench);
        Assert.DoesNotContain(bench.Host.TakeAll(), effect => effect.Kind == PoolEffectKind.Refuse);
    }

    [Fact]
    public void A_client_that_leaves_during_the_login_leaves_a_server_to_close()
    {
        var bench = new PoolBench();
        var client = Wait(bench);
        var server = bench.Dial();
        bench.Pool.Leave(client, bench.Host);
        bench.Serve(server);
        Assert.Equal("replication client was closed", Assert.Single(bench.Host.TakeAll()).Detail);
        bench.Pool.Remove(server, bench.Host);
        Assert.Equal(default, bench.Pool.Counts);
    }

    [Theory]
    [InlineData("query_wait_timeout=3", false, "query_wait_timeout")]
    [InlineData("query_wait_timeout=3", true, "query_wait_timeout")]
    [InlineData("query_wait_timeout=0\nclient_login_timeout=3", true, "client_login_timeout (server down)")]
    [InlineData("query_wait_timeout=0\nquery_timeout=3", false, "query_timeout")]
    public void Its_wait_has_the_same_bounds_as_anybodys(string settings, bool awaitsWelcome, string text)
    {
        var bench = new PoolBench(settings);
        var client = bench.Join(needsOwnServer: true);
        client.WaitStartUs = bench.Host.NowUs;
        if (awaitsWelcome) bench.Pool.AwaitWelcome(client, bench.Host);
        else Assert.Null(bench.Acquire(client));
        Assert.DoesNotContain(bench.Tick(2), effect => effect.Kind == PoolEffectKind.Refuse);
        var refusal = Assert.Single(bench.Tick(2), effect => effect.Kind == PoolEffectKind.Refuse);
        Assert.Equal((client, text), (refusal.Client, ((Refusal)refusal.Detail!).Message));
    }

    private static FakeClient Wait(PoolBench bench)
    {
        var client = bench.Join(needsOwnServer: true);
        Assert.Null(bench.Acquire(client));
        return client;
    }

    [Fact]
    public void One_whose_server_dies_between_two_loops_waits_for_a_server_of_its_own_again()
    {
        var bench = new PoolBench("default_pool_size=2", loops: 2);
        var client = Wait(bench);
        var server = bench.Dial();
        server.Loop = 1;
        bench.Serve(server);
        var grant = Assert.Single(bench.Host.TakeAll(), effect => effect.Kind == PoolEffectKind.Grant);
        bench.JoinAndWait();
        bench.Host.TakeAll();
        bench.Pool.Remove(grant.Server!, bench.Host);
        var dialed = bench.Host.TakeAll().Where(effect => effect.Kind == PoolEffectKind.Dial).ToArray();
        Assert.Equal(client, Assert.Single(dialed).Client);
        Assert.Equal(2, bench.Pool.Counts.Waiting);
    }
}
