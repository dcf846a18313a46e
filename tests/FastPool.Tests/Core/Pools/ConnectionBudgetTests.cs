using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

/// <summary>Places among connections of a kind, wanted by several threads at a time.</summary>
public sealed class ConnectionBudgetTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(50)]
    public void As_many_get_a_place_as_there_are_places(int limit)
    {
        const int Threads = 4;
        const int Rounds = 20_000;
        var budget = new ConnectionBudget(Threads);
        var wins = new int[Rounds];
        using var barrier = new Barrier(Threads, _ =>
        {
            while (budget.Count > 0) budget.GiveBack();
        });
        InParallel(Threads, _ =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                if (budget.TryTake(limit)) Interlocked.Increment(ref wins[round]);
                barrier.SignalAndWait();
            }
        });
        Assert.All(wins, won => Assert.Equal(Math.Min(limit, Threads), won));
    }

    [Fact]
    public void Never_are_more_taken_than_there_are_places()
    {
        const int Threads = 4;
        const int Limit = 2;
        var budget = new ConnectionBudget(Threads);
        var holders = 0;
        var most = 0;
        InParallel(Threads, _ =>
        {
            for (var i = 0; i < 50_000; i++)
            {
                if (!budget.TryTake(Limit)) continue;
                var now = Interlocked.Increment(ref holders);
                if (now > Limit) Volatile.Write(ref most, now);
                if (budget.Count > Limit) Volatile.Write(ref most, budget.Count);
                Interlocked.Decrement(ref holders);
                budget.GiveBack();
            }
        });
        Assert.Equal(0, most);
        Assert.Equal(0, budget.Count);
    }

    /// <summary>
    /// One gives the only place back and wants it again, others want it too: a refusal always means that another has got it.
    /// </summary>
    [Fact]
    public void Of_those_that_want_the_last_place_one_always_gets_it()
    {
        const int Rounds = 5_000;
        const int Tries = 8;
        var budget = new ConnectionBudget(2);
        Assert.True(budget.TryTake(1));
        var wins = new int[Rounds];
        var meeting = new Meeting(2);
        InParallel(2, thread =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                var hasPlace = false;
                meeting.Meet();
                if (thread == 0)
                {
                    // A moment that is another in each round.
                    for (var i = 0; i < round % 64; i++) Volatile.Read(ref wins[round]);
                    budget.GiveBack();
                    hasPlace = budget.TryTake(1);
                }
                else
                {
                    for (var i = 0; i < Tries && !hasPlace; i++) hasPlace = budget.TryTake(1);
                }
                if (hasPlace) Interlocked.Increment(ref wins[round]);
                meeting.Meet();
                if (thread == 0 && budget.Count == 0) budget.TryTake(1); // Nobody got it: the next round begins as this one did.
            }
        });
        Assert.Equal(Rounds, wins.Count(static won => won == 1));
    }

    /// <summary>Threads go on at the same moment: none of them sleeps.</summary>
    private sealed class Meeting(int count)
    {
        private int _arrived;
        private int _over;

        public void Meet()
        {
            var over = Volatile.Read(ref _over);
            if (Interlocked.Increment(ref _arrived) == count)
            {
                Volatile.Write(ref _arrived, 0);
                Volatile.Write(ref _over, over + 1);
                return;
            }
            var wait = new SpinWait();
            while (Volatile.Read(ref _over) == over) wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    [Fact]
    public void Without_a_limit_everybody_gets_one()
    {
        var budget = new ConnectionBudget(1);
        for (var i = 0; i < 10; i++) Assert.True(budget.TryTake(0));
        Assert.Equal(10, budget.Count);
        Assert.False(budget.TryTake(10));
    }

    [Fact]
    public void The_loop_that_has_waited_longest_is_the_first()
    {
        var budget = new ConnectionBudget(3);
        Assert.Equal(ConnectionBudget.Nobody, budget.FirstWaiting);
        budget.SetWaiting(2, 20);
        budget.SetWaiting(0, 30);
        Assert.Equal(2, budget.FirstWaiting);
        budget.SetWaiting(1, 10);
        Assert.Equal(1, budget.FirstWaiting);
        budget.SetWaiting(1, long.MaxValue);
        budget.SetWaiting(2, long.MaxValue);
        Assert.Equal(0, budget.FirstWaiting);
    }

    private static void InParallel(int count, Action<int> run)
    {
        var threads = Enumerable.Range(0, count).Select(i => new Thread(() => run(i))).ToList();
        threads.ForEach(static thread => thread.Start());
        threads.ForEach(static thread => thread.Join());
    }
}
