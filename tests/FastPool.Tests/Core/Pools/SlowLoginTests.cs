using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

/// <summary>Logins that get no answer: they keep their places, and are no help to those that wait.</summary>
public sealed class SlowLoginTests
{
    private static int Count(PoolEffectKind kind, IEnumerable<PoolEffect> effects) =>
        effects.Count(effect => effect.Kind == kind);

    [Fact]
    public void A_waiter_gets_another_login_beside_the_silent_one_within_the_limits()
    {
        var bench = new PoolBench("default_pool_size=2");
        bench.JoinAndWait();
        var silent = bench.Dial();
        bench.Pool.LoginSlow(silent, bench.Host);
        var other = bench.Dial();
        Assert.Equal(2, bench.Pool.Counts.Login);
        bench.Pool.LoginSlow(silent, bench.Host); // Told twice: it counts once.
        Assert.Empty(bench.Host.TakeAll());
        bench.Serve(other);
        Assert.Equal((1, 1, 0), (bench.Pool.Counts.Active, bench.Pool.Counts.Login, bench.Pool.Counts.Waiting));
        bench.Serve(silent);
        Assert.Equal((1, 1, 0), (bench.Pool.Counts.Active, bench.Pool.Counts.Idle, bench.Pool.Counts.Login));
    }

    [Theory]
    [InlineData("default_pool_size=1")]
    [InlineData("max_db_connections=1")]
    [InlineData("max_user_connections=1")]
    public void Where_a_limit_forbids_another_the_silent_one_tries_elsewhere_and_is_help_again(string limit)
    {
        var bench = new PoolBench(limit);
        bench.JoinAndWait();
        var silent = bench.Dial();
        bench.Pool.LoginSlow(silent, bench.Host);
        var effects = bench.Host.TakeAll();
        Assert.Same(silent, Assert.Single(effects, effect => effect.Kind == PoolEffectKind.TryElsewhere).Server);
        Assert.Equal(0, Count(PoolEffectKind.Dial, effects));
        bench.Pool.Serve(bench.Host);
        Assert.Equal(0, Count(PoolEffectKind.TryElsewhere, bench.Host.TakeAll()));
        Assert.Equal(1, bench.Pool.Counts.Servers);
    }

    [Fact]
    public void A_place_taken_by_a_silent_login_is_claimed_when_more_clients_come_than_there_are_places()
    {
        var bench = new PoolBench("default_pool_size=2");
        bench.JoinAndWait();
        var silent = bench.Dial();
        bench.Pool.LoginSlow(silent, bench.Host);
        bench.Serve(bench.Dial());
        bench.Host.TakeAll();
        bench.JoinAndWait();
        Assert.Equal(1, Count(PoolEffectKind.TryElsewhere, bench.Host.TakeAll()));
    }

    [Fact]
    public void Without_a_waiter_nothing_is_opened()
    {
        var bench = new PoolBench();
        var client = bench.JoinAndWait();
        var silent = bench.Dial();
        bench.Pool.Leave(client, bench.Host);
        bench.Pool.LoginSlow(silent, bench.Host);
        Assert.Empty(bench.Host.TakeAll());
    }

    [Fact]
    public void Of_several_clients_each_that_has_only_a_silent_login_gets_another()
    {
        var bench = new PoolBench("default_pool_size=5");
        for (var i = 0; i < 3; i++) bench.JoinAndWait();
        FakeServer[] dialed = [bench.Dial(), bench.Dial(), bench.Dial()];
        bench.Pool.LoginSlow(dialed[0], bench.Host);
        bench.Pool.LoginSlow(dialed[1], bench.Host);
        Assert.Equal(2, Count(PoolEffectKind.Dial, bench.Host.TakeAll()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_that_ends_is_out_of_the_books(bool isFailure)
    {
        var bench = new PoolBench("default_pool_size=2\nserver_login_retry=1");
        bench.JoinAndWait();
        var silent = bench.Dial();
        bench.Pool.LoginSlow(silent, bench.Host);
        var other = bench.Dial();
        if (isFailure) bench.Pool.LoginFailed(silent, new LoginFailure("connect failed", null), bench.Host);
        else bench.Pool.Remove(silent, bench.Host);
        Assert.Equal(1, bench.Pool.Counts.Servers);
        bench.Serve(other);
        bench.Host.TakeAll();
        bench.JoinAndWait();
        Assert.Equal(1, Count(PoolEffectKind.Dial, bench.Host.TakeAll())); // It is no slow login of the past that it counts.
    }

    [Fact]
    public void One_for_a_client_alone_tries_elsewhere_at_once()
    {
        var bench = new PoolBench();
        var replica = bench.Join(needsOwnServer: true);
        bench.Acquire(replica);
        bench.Pool.LoginSlow(bench.Dial(), bench.Host);
        Assert.Equal(1, Count(PoolEffectKind.TryElsewhere, bench.Host.TakeAll()));
    }

    [Fact]
    public void One_that_is_told_of_when_it_is_in_changes_nothing()
    {
        var bench = new PoolBench();
        bench.JoinAndWait();
        var server = bench.Serve(bench.Dial());
        bench.Host.TakeAll();
        bench.Pool.LoginSlow(server, bench.Host);
        Assert.Empty(bench.Host.TakeAll());
        Assert.Equal(1, bench.Pool.Counts.Active);
    }

    [Fact]
    public void For_the_minimum_another_is_opened()
    {
        var bench = new PoolBench("min_pool_size=1");
        bench.JoinAndWait();
        var silent = bench.Dial();
        bench.Pool.LoginSlow(silent, bench.Host);
        var other = bench.Dial();
        bench.Pool.Remove(other, bench.Host);
        Assert.Equal(1, Count(PoolEffectKind.Dial, bench.Host.TakeAll()));
    }
}
