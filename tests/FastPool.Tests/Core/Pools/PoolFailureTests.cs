using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

/// <summary>
/// A mistake of ours in the midst of an operation: it hurts only the client or server that the operation is about.
/// </summary>
public sealed class PoolFailureTests
{
    private readonly PoolBench _bench = new("default_pool_size=1", loops: 2);

    private FakeHost Host => _bench.Host;

    private FakeHost Other => _bench.Hosts[1];

    [Fact]
    public void Operations_left_behind_one_that_fails_are_run_and_the_turn_is_given_back()
    {
        var first = _bench.JoinAndWait();
        var server = _bench.Serve(_bench.Dial());
        Host.TakeAll();
        var left = _bench.Join();
        var leaver = _bench.JoinAndWait(1);
        var failing = _bench.JoinAndWait(1);
        var waiter = _bench.JoinAndWait();
        Other.TakeAll();

        // Within a turn of this loop, another loop finds the pool busy and leaves three operations.
        Host.OnNextAdd = () =>
        {
            _bench.Pool.Leave(leaver, Other);
            _bench.Pool.AwaitWelcome(left, Other); // Fails below, for it is refused.
            _bench.Pool.Leave(failing, Other);
            Host.OnNextAdd = () => throw new CheckFailedException("for the test");
        };
        _bench.Pool.Database.IsPaused = false;
        Ending = true;
        _bench.Pool.Return(server, Host);

        Assert.IsType<CheckFailedException>(Assert.Single(Host.Failures).Failure);
        Assert.Equal(left, Host.Failures[0].Client);
        Assert.Equal(3, _bench.Pool.Counts.Clients); // The two that left behind are gone, in spite of the one between them.
        Ending = false;
        _bench.Pool.Leave(first, Host); // The turn is free.
        Assert.Equal(2, _bench.Pool.Counts.Clients);
        Assert.NotNull(waiter);
    }

    private bool Ending
    {
        set => _bench.Registry.State.IsEnding = value;
    }

    [Fact]
    public void A_failure_in_the_callers_own_turn_is_the_callers_and_the_turn_is_given_back()
    {
        var client = _bench.Join();
        Host.OnNextAdd = static () => throw new CheckFailedException("for the test");
        Assert.Throws<CheckFailedException>(() => _bench.Acquire(client));
        Assert.Empty(Host.Failures);
        var other = _bench.Join();
        Assert.Equal(2, _bench.Pool.Counts.Clients);
        Ending = true;
        Host.OnNextAdd = static () => throw new CheckFailedException("for the test");
        Assert.Throws<CheckFailedException>(() => _bench.Pool.AwaitWelcome(other, Host));
        _bench.Pool.Leave(other, Host);
        Assert.Equal(1, _bench.Pool.Counts.Clients);
    }
}
