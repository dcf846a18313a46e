using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

/// <summary>When a pool is to be looked at: no later than something in it is due, and not at all while nothing is.</summary>
public sealed class PoolTimerTests
{
    private const string Quiet =
        "server_idle_timeout=0\nserver_check_query=\nserver_lifetime=1000000\nquery_wait_timeout=0\nquery_wait_notify=0\nreserve_pool_timeout=0\n";

    /// <summary>The clock goes on to the timer, which goes off.</summary>
    private static List<PoolEffect> GoOff(PoolBench bench)
    {
        Assert.NotEqual(long.MaxValue, bench.Host.TimerUs);
        bench.Host.NowUs = bench.Host.TakeTimer();
        bench.Pool.OnTimer(bench.Host);
        return bench.Host.TakeAll();
    }

    [Fact]
    public void A_pool_without_servers_and_waiters_has_none()
    {
        var bench = new PoolBench();
        var client = bench.Join();
        Assert.Equal(long.MaxValue, bench.Host.TimerUs);
        bench.Pool.Leave(client, bench.Host);
        bench.Pool.Tick(bench.Host);
        Assert.Equal(long.MaxValue, bench.Host.TimerUs);
    }

    [Theory]
    [InlineData("query_wait_timeout=10", 10, "query_wait_timeout")]
    [InlineData("query_timeout=3", 3, "query_timeout")]
    [InlineData("query_timeout=0.25", 0.25, "query_timeout")]
    public void A_wait_ends_within_a_millisecond_of_its_timeout(string settings, double seconds, string text)
    {
        var bench = new PoolBench(Quiet + settings);
        var client = bench.JoinAndWait();
        bench.Host.TakeAll();
        var refusal = Assert.Single(GoOff(bench), static effect => effect.Kind == PoolEffectKind.Refuse);
        Assert.Equal(text, ((Refusal)refusal.Detail!).Message);
        Assert.InRange(bench.Host.NowUs - client.WaitStartUs, (seconds * 1_000_000) + 1, (seconds * 1_000_000) + 1_000);
    }

    [Fact]
    public void A_later_waiter_has_its_own_time()
    {
        var bench = new PoolBench(Quiet + "query_wait_timeout=10\ndefault_pool_size=1");
        bench.JoinAndWait();
        bench.Host.PassSeconds(4);
        var second = bench.JoinAndWait();
        bench.Host.TakeAll();
        Assert.NotEmpty(GoOff(bench));
        Assert.Equal(second, Assert.Single(GoOff(bench), static effect => effect.Kind == PoolEffectKind.Refuse).Client);
        Assert.InRange(bench.Host.NowUs - second.WaitStartUs, 10_000_001, 10_001_000);
    }

    [Theory]
    [InlineData("server_idle_timeout=7", 7, "server idle timeout")]
    [InlineData("server_lifetime=5", 5, "server lifetime over")]
    public void A_free_server_is_closed_when_its_time_is_over(string settings, double seconds, string reason)
    {
        var bench = new PoolBench(Quiet + settings);
        var server = bench.OpenIdle(1).Single();
        while (bench.Host.NowUs - server.LastActivityUs < seconds * 1_000_000) GoOffQuietly(bench, seconds, server);
        var close = Assert.Single(_last, static effect => effect.Kind == PoolEffectKind.Close);
        Assert.Equal(reason, close.Detail);
        Assert.InRange(bench.Host.NowUs - server.LastActivityUs, seconds * 1_000_000, (seconds * 1_000_000) + 1_000);
        bench.Pool.Remove(server, bench.Host);
        bench.Pool.Tick(bench.Host);
    }

    private List<PoolEffect> _last = [];

    private void GoOffQuietly(PoolBench bench, double seconds, PooledServer server)
    {
        if (bench.Host.NowUs - server.LastActivityUs < seconds * 1_000_000)
            Assert.DoesNotContain(_last, static effect => effect.Kind == PoolEffectKind.Close);
        _last = GoOff(bench);
    }

    [Fact]
    public void A_busy_pool_is_not_looked_at_for_each_wait()
    {
        var bench = new PoolBench(Quiet + "query_wait_timeout=100\ndefault_pool_size=1");
        var server = bench.OpenIdle(1).Single();
        bench.Host.TakeTimer();
        bench.Pool.Tick(bench.Host);
        var looks = 0;
        for (var i = 0; i < 100_000; i++)
        {
            bench.Host.NowUs += 1_000;
            if (bench.Host.NowUs >= bench.Host.TimerUs)
            {
                looks++;
                bench.Host.TakeTimer();
                bench.Pool.OnTimer(bench.Host);
            }
            var client = bench.Join();
            if (bench.Acquire(client) is null) throw new InvalidOperationException();
            var waiter = bench.JoinAndWait();
            bench.Pool.Leave(waiter, bench.Host);
            server.LastActivityUs = bench.Host.NowUs;
            bench.Pool.Return(server, bench.Host);
            bench.Pool.Leave(client, bench.Host);
            bench.Host.TakeAll();
        }
        Assert.InRange(looks, 0, 2); // In 100 s.
    }

    [Fact]
    public void After_a_failed_login_the_next_try_is_due_when_server_login_retry_is_over()
    {
        var bench = new PoolBench(Quiet + "server_login_retry=2");
        bench.JoinAndWait();
        var failed = bench.Dial();
        bench.Pool.LoginFailed(failed, new LoginFailure("connect failed", null), bench.Host);
        Assert.Single(GoOff(bench), static effect => effect.Kind == PoolEffectKind.Dial);
        Assert.InRange(bench.Host.NowUs - failed.DialStartUs, 2_000_000, 2_001_000);
    }

    [Fact]
    public void The_reserve_pool_is_due_when_its_timeout_is_over()
    {
        var bench = new PoolBench(Quiet + "default_pool_size=1\nreserve_pool_size=1\nreserve_pool_timeout=3");
        bench.JoinAndWait();
        bench.Serve(bench.Dial());
        var waiter = bench.JoinAndWait();
        bench.Host.TakeAll();
        Assert.Single(GoOff(bench), static effect => effect.Kind == PoolEffectKind.Dial);
        Assert.InRange(bench.Host.NowUs - waiter.WaitStartUs, 3_000_000, 3_001_000);
    }

    [Fact]
    public void Only_the_timer_that_was_set_last_counts()
    {
        var bench = new PoolBench(Quiet + "query_wait_timeout=10", loops: 2);
        bench.JoinAndWait();
        foreach (var host in bench.Hosts) host.PassSeconds(20);
        bench.Pool.OnTimer(bench.Hosts[1]); // It never set one.
        Assert.DoesNotContain(bench.Hosts[1].TakeAll(), static effect => effect.Kind == PoolEffectKind.Refuse);
        bench.Pool.OnTimer(bench.Host);
        Assert.Contains(bench.Host.TakeAll(), static effect => effect.Kind == PoolEffectKind.Refuse);
    }

    [Fact]
    public void A_test_that_takes_long_is_no_help_to_those_that_wait()
    {
        var bench = new PoolBench("server_check_query=check\nserver_check_delay=5\nserver_idle_timeout=0\ndefault_pool_size=2");
        var stuck = bench.OpenIdle(1).Single();
        bench.Tick(5.1);
        var client = bench.JoinAndWait();
        Assert.Equal(stuck, Assert.Single(bench.Host.TakeAll(), static effect => effect.Kind == PoolEffectKind.RunCheck).Server);
        var since = bench.Host.NowUs;
        var effects = GoOff(bench);
        while (effects.Count == 0) effects = GoOff(bench); // Earlier times are void, or due later.
        Assert.Single(effects, static effect => effect.Kind == PoolEffectKind.Dial);
        Assert.InRange(bench.Host.NowUs - since, Limits.TestPatienceUs, Limits.TestPatienceUs + 1_000);
        bench.Serve(new FakeServer(bench.Pool, 0, bench.Host.NowUs));
        Assert.Equal(client, Assert.Single(bench.Host.TakeAll(), static effect => effect.Kind == PoolEffectKind.Grant).Client);
        bench.Pool.Return(stuck, bench.Host); // It has answered after all, and is help again when it is tested anew.
        Assert.Equal((1, 1, 0), (bench.Pool.Counts.Idle, bench.Pool.Counts.Active, bench.Pool.Counts.Tested));
    }

    [Fact]
    public void A_pool_that_a_limit_of_several_pools_stops_is_looked_at_again_and_again()
    {
        var bench = new PoolBench(Quiet, "max_db_connections=1");
        var other = bench.Registry.GetPool(bench.Pool.Database, "bob");
        var holder = new FakeClient();
        other.Join(holder, bench.Host);
        Assert.Null(other.Acquire(holder, bench.Host));
        other.LoginDone(bench.Dial(), bench.Host);
        bench.JoinAndWait();
        bench.Host.TakeAll();
        for (var i = 0; i < 3; i++)
        {
            var since = bench.Host.NowUs;
            Assert.Single(GoOff(bench), static effect => effect.Kind == PoolEffectKind.MakeRoom);
            Assert.InRange(bench.Host.NowUs - since, 1, Limits.TickUs);
        }
    }

    [Fact]
    public void A_timer_that_goes_off_while_another_loop_has_the_turn_counts()
    {
        var (bench, waiter) = WithWaiterOfTwoLoops();
        foreach (var host in bench.Hosts) host.NowUs = bench.Host.TimerUs;
        GoOffInTurnOfOther(bench);
        Assert.Equal(waiter,
            Assert.Single(bench.Hosts[1].TakeAll(), static effect => effect.Kind == PoolEffectKind.Refuse).Client);
    }

    [Fact]
    public void A_loop_that_has_the_turn_and_whose_clock_is_behind_takes_the_timer_over()
    {
        var (bench, waiter) = WithWaiterOfTwoLoops();
        var dueUs = bench.Host.TakeTimer();
        bench.Host.NowUs = dueUs;
        bench.Hosts[1].NowUs = dueUs - 5;
        GoOffInTurnOfOther(bench);
        Assert.Equal(dueUs, bench.Hosts[1].TakeTimer());
        bench.Hosts[1].NowUs = dueUs;
        bench.Pool.OnTimer(bench.Hosts[1]);
        Assert.Equal(waiter,
            Assert.Single(bench.Hosts[1].TakeAll(), static effect => effect.Kind == PoolEffectKind.Refuse).Client);
    }

    /// <summary>The first loop has a timer for the end of a wait.</summary>
    private static (PoolBench Bench, FakeClient Waiter) WithWaiterOfTwoLoops()
    {
        var bench = new PoolBench(Quiet + "query_wait_timeout=10", loops: 2);
        var waiter = bench.JoinAndWait();
        bench.Host.TakeAll();
        return (bench, waiter);
    }

    /// <summary>The first loop's timer goes off while the second loop lets a client wait.</summary>
    private static void GoOffInTurnOfOther(PoolBench bench)
    {
        var client = new FakeClient(1) { WaitStartUs = bench.Hosts[1].NowUs };
        bench.Pool.Join(client, bench.Hosts[1]);
        bench.Hosts[1].OnNextAdd = () => bench.Pool.OnTimer(bench.Host);
        Assert.Null(bench.Pool.Acquire(client, bench.Hosts[1]));
        Assert.Null(bench.Hosts[1].OnNextAdd);
    }

    [Fact]
    public void A_heap_keeps_its_order_whatever_is_moved_and_taken_out()
    {
        var random = new Random(5);
        var heap = new DueHeap<Entry>();
        var entries = Enumerable.Range(0, 50).Select(static _ => new Entry()).ToArray();
        var expected = new HashSet<Entry>();
        for (var i = 0; i < 20_000; i++)
        {
            var entry = entries[random.Next(entries.Length)];
            if (random.Next(3) > 0)
            {
                heap.Set(entry, random.Next(100));
                expected.Add(entry);
            }
            else if (expected.Remove(entry)) heap.Remove(entry);
            Assert.Equal(expected.Count, heap.Count);
            Assert.Equal(expected.Count == 0 ? null : expected.Min(static other => other.AtUs), heap.First?.AtUs);
        }
        var last = 0L;
        while (heap.TakeDue(long.MaxValue) is { } entry)
        {
            Assert.True(entry.AtUs >= last);
            last = entry.AtUs;
        }
    }

    private sealed class Entry : DueEntry;
}
