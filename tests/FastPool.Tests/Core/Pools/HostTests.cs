using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Tests.Core.Pools;

/// <summary>The condition of one host, from what its attempts tell.</summary>
public class HostTests
{
    private const long Ms = 1000;
    private const long RetryUs = 300 * Ms;

    private readonly HostTable _table = new();

    [Fact]
    public void A_host_that_fails_is_left_alone_for_twice_as_long_each_time_up_to_the_retry_time()
    {
        var host = _table.Get("a", "", 5432);
        var now = 0L;
        foreach (var pauseMs in (long[])[100, 200, 300, 300])
        {
            Fail(host, now);
            Assert.Equal(HostRank.Down, host.RankAt(now + (pauseMs * Ms) - 1));
            now += pauseMs * Ms;
            Assert.Equal((HostRank.Ready, now), (host.RankAt(now), host.NextTryUs()));
        }
        LogIn(host, now, tookUs: Ms);
        Fail(host, now);
        Assert.Equal(now + (100 * Ms), host.NextTryUs());
    }

    [Fact]
    public void Attempts_that_fail_at_once_count_as_one()
    {
        var host = _table.Get("a", "", 5432);
        for (var i = 0; i < 5; i++) host.Begin(0);
        for (var i = 0; i < 5; i++) host.Failed("connect failed", 7, 1, RetryUs);
        Assert.Equal(1 + (100 * Ms), host.NextTryUs());
        Assert.Equal(5, host.Read(1).Failures);
    }

    [Fact]
    public void A_host_in_another_role_than_the_wanted_one_has_not_failed()
    {
        var host = _table.Get("a", "", 5432);
        host.Begin(0);
        host.Misfit("session is read-only", 9, 100 * Ms);
        var reading = host.Read(100 * Ms);
        Assert.Equal((HostState.Up, "", 0), (reading.State, reading.LastError, reading.Failures));
        Assert.Equal("session is read-only", host.LastProblem); // The reason for clients that wait in vain.
        Fail(host, 200 * Ms);
        Assert.Equal(1, host.Read(200 * Ms).Failures);
    }

    [Fact]
    public void A_host_that_is_doubted_is_asked_once_whatever_the_period_and_no_more_often_than_the_pause()
    {
        const long Pause = 100 * Ms;
        var host = _table.Get("a", "", 5432);
        Assert.False(host.TryBeginCheck(Pause, 0));
        host.Doubt();
        Assert.Equal((true, false), (host.TryBeginCheck(Pause, 0), host.TryBeginCheck(9 * Pause, 0)));
        host.Doubt();
        Assert.Equal((false, true), (host.TryBeginCheck(2 * Pause - 1, 0), host.TryBeginCheck(2 * Pause, 0)));
        host.Doubt();
        Assert.Equal((true, false), (host.TryBeginCheck(3 * Pause, 1000 * Ms), host.TryBeginCheck(4 * Pause, 1000 * Ms)));
    }

    [Fact]
    public void One_attempt_alone_tries_a_host_whose_time_has_come()
    {
        var host = _table.Get("a", "", 5432);
        Fail(host, 0);
        Assert.Equal(HostRank.Ready, host.RankAt(100 * Ms));
        host.Begin(100 * Ms);
        Assert.Equal(HostRank.Down, host.RankAt(100 * Ms));
    }

    [Fact]
    public void A_host_is_slow_when_nothing_was_heard_of_it_for_four_logins()
    {
        var host = _table.Get("a", "", 5432);
        LogIn(host, 0, tookUs: 10 * Ms);
        host.Begin(0);
        Assert.Equal((HostRank.Ready, HostState.Up), (host.RankAt(40 * Ms - 1), host.Read(40 * Ms - 1).State));
        Assert.Equal((HostRank.Slow, HostState.Connecting), (host.RankAt(40 * Ms), host.Read(40 * Ms).State));
        host.GiveUp();
        Assert.Equal(HostRank.Ready, host.RankAt(40 * Ms));
    }

    [Fact]
    public void A_host_that_says_something_to_one_attempt_is_not_slow_for_the_others()
    {
        var host = _table.Get("a", "", 5432);
        host.Begin(0);
        host.Begin(20 * Ms);
        host.Heard(20 * Ms);
        Assert.Equal((HostRank.Ready, true), (host.RankAt(44 * Ms), host.IsWellAt(44 * Ms)));
        Assert.Equal((HostRank.Slow, false), (host.RankAt(45 * Ms), host.IsWellAt(45 * Ms)));
        Assert.Equal((false, true), (host.IsSilentAt(119 * Ms, 100 * Ms), host.IsSilentAt(120 * Ms, 100 * Ms)));
    }

    [Fact]
    public void A_host_that_was_down_may_be_tried_again_but_something_is_known_against_it()
    {
        var host = _table.Get("a", "", 5432);
        Assert.True(host.IsWellAt(0));
        Fail(host, 0);
        Assert.Equal((HostRank.Ready, false), (host.RankAt(100 * Ms), host.IsWellAt(100 * Ms)));
    }

    [Fact]
    public void The_last_error_of_a_name_is_the_latest_of_its_addresses_or_its_own()
    {
        var name = _table.Get("db", "", 5432);
        Host[] addresses = [_table.Get("db", "10.0.0.1", 5432), _table.Get("db", "10.0.0.2", 5432)];
        Assert.Equal("", name.LastProblem);
        name.Addresses = addresses;
        addresses[1].Begin(0);
        addresses[1].Failed("first", 7, 0, RetryUs);
        Assert.Equal("first", name.LastProblem);
        name.Begin(0);
        name.Failed("server DNS lookup failed", 8, 0, RetryUs);
        Assert.Equal("server DNS lookup failed", name.LastProblem);
    }

    [Fact]
    public void The_preferred_host_has_more_time_unless_it_has_failed()
    {
        var host = _table.Get("a", "", 5432);
        Assert.Equal(25 * Ms, host.PatienceOf(isPreferred: true)); // Nobody knows whether it is there at all.
        LogIn(host, 0, tookUs: Ms);
        Assert.Equal((1000 * Ms, 25 * Ms), (host.PatienceOf(isPreferred: true), host.PatienceOf(isPreferred: false)));
        Fail(host, 0);
        Assert.Equal(25 * Ms, host.PatienceOf(isPreferred: true));
    }

    [Fact]
    public void A_name_is_as_good_as_the_best_of_its_addresses_and_is_shown_by_them()
    {
        var name = _table.Get("db", "", 5432);
        Host[] addresses = [_table.Get("db", "10.0.0.1", 5432), _table.Get("db", "10.0.0.2", 5432)];
        name.Addresses = addresses;
        Fail(addresses[0], 0);
        Assert.Equal(HostRank.Ready, name.RankAt(0));
        Fail(addresses[1], 5);
        Assert.Equal((HostRank.Down, 100 * Ms), (name.RankAt(5), name.NextTryUs()));
        Assert.Equal(["10.0.0.1", "10.0.0.2"], _table.Read(5).Select(static host => host.Address));
    }

    [Theory]
    [InlineData(TargetSessionAttrs.Any, true, true, true, true)]
    [InlineData(TargetSessionAttrs.ReadWrite, true, false, true, false)]
    [InlineData(TargetSessionAttrs.Primary, true, false, true, false)]
    [InlineData(TargetSessionAttrs.Standby, false, true, false, true)]
    [InlineData(TargetSessionAttrs.ReadOnly, true, true, false, true)]
    [InlineData(TargetSessionAttrs.PreferStandby, true, true, false, true)]
    public void A_role_is_of_use_or_is_tried_last(TargetSessionAttrs target, bool primary, bool standby, bool primaryFirst,
        bool standbyFirst)
    {
        Assert.Equal((true, true), (target.MayServe(HostRole.Unknown), target.Prefers(HostRole.Unknown)));
        var host = _table.Get("a", "", 5432);
        foreach (var (role, isOfUse, isFirst) in
            ((HostRole, bool, bool)[])[(HostRole.Primary, primary, primaryFirst), (HostRole.Standby, standby, standbyFirst)])
        {
            host.NoteRole(role, 1_000_000);
            Assert.Equal(isFirst ? HostRank.Ready : HostRank.Unsuited, host.RankAt(1_000_000, target));
            Assert.Equal(isFirst, host.IsWellAt(1_000_000, target));
            Assert.Equal(isOfUse ? 0 : 1_250_000, host.NextTryUs(target));
            Assert.Equal(!isOfUse, host.IsInWrongRole(target));
        }
    }

    [Fact]
    public void A_host_that_is_down_is_in_no_role_that_may_pass()
    {
        var host = _table.Get("a", "", 5432);
        host.NoteRole(HostRole.Standby, 0);
        Fail(host, 0);
        Assert.False(host.IsInWrongRole(TargetSessionAttrs.Primary));
        Assert.Equal(HostRank.Down, host.RankAt(0, TargetSessionAttrs.Primary));
    }

    [Fact]
    public void A_login_that_is_refused_is_no_fault_of_the_host()
    {
        var host = _table.Get("a", "", 5432);
        Fail(host, 0);
        host.Begin(100 * Ms);
        host.Refused("no such database", 9, 100 * Ms);
        var reading = host.Read(100 * Ms);
        Assert.Equal((HostState.Up, "no such database", 9L, 2L),
            (reading.State, reading.LastError, reading.LastErrorWallUs, reading.Failures));
    }

    [Fact]
    public void A_name_is_in_use_while_there_is_a_server_at_one_of_its_addresses()
    {
        var address = _table.Get("Db", "10.0.0.1", 5432);
        Assert.False(_table.HasServersOf("db"));
        LogIn(address, 0, tookUs: 1);
        Assert.Equal((true, false), (_table.HasServersOf("db"), _table.HasServersOf("d")));
        address.ServerGone();
        Assert.False(_table.HasServersOf("db"));
    }

    [Fact]
    public void A_check_is_due_once_a_period()
    {
        var host = _table.Get("a", "", 5432);
        Assert.True(host.TryBeginCheck(1000 * Ms, 500 * Ms));
        Assert.False(host.TryBeginCheck(1499 * Ms, 500 * Ms));
        Assert.True(host.TryBeginCheck(1500 * Ms, 500 * Ms));
    }

    [Fact]
    public void A_host_that_does_not_answer_a_check_is_down_and_what_was_opened_before_is_lost()
    {
        var host = _table.Get("a", "", 5432);
        LogIn(host, 10 * Ms, tookUs: 1);
        host.Lose("host check failed", 7, 100 * Ms, RetryUs);
        var reading = host.Read(100 * Ms);
        Assert.Equal((HostState.Down, "host check failed", 100 * Ms), (reading.State, reading.LastError, host.LostUs));
        var bench = new PoolBench();
        Assert.True(new FakeServer(bench.Pool, 0, 99 * Ms) { Place = host }.IsCloseNeeded);
        Assert.False(new FakeServer(bench.Pool, 0, 100 * Ms) { Place = host }.IsCloseNeeded);
    }

    [Fact]
    public void A_standby_that_is_too_far_behind_is_tried_last()
    {
        var host = _table.Get("a", "", 5432);
        Assert.False(host.NoteLag(5_000, 5_000));
        Assert.True(host.NoteLag(5_001, 5_000));
        Assert.False(host.NoteLag(9_000, 5_000));
        Assert.Equal((HostRank.Unsuited, false, 9_000L), (host.RankAt(0), host.IsWellAt(0), host.Read(0).LagMs));
        Assert.Equal(0, host.NextTryUs(TargetSessionAttrs.Standby));
        Assert.True(host.NoteLag(0, 5_000));
        Assert.Equal(HostRank.Ready, host.RankAt(0));
    }

    [Fact]
    public void It_counts_its_servers_and_keeps_the_role_that_was_last_told()
    {
        var host = _table.Get("a", "", 5432);
        LogIn(host, 0, tookUs: 3);
        Assert.True(host.NoteRole(HostRole.Standby, 0));
        Assert.False(host.NoteRole(HostRole.Standby, 0));
        Assert.False(host.NoteRole(HostRole.Unknown, 0));
        LogIn(host, 0, tookUs: 5);
        host.ServerGone();
        var reading = host.Read(0);
        Assert.Equal((HostState.Up, HostRole.Standby, 1, 5L), (reading.State, reading.Role, reading.Servers, reading.LoginUs));
    }

    [Fact]
    public void A_login_is_news_of_a_host_that_was_unknown_slow_or_down()
    {
        var host = _table.Get("a", "", 5432);
        Assert.Equal(0, host.LastLoginUs);
        Assert.True(LogIn(host, 1_000_000, tookUs: 1_000));
        Assert.False(LogIn(host, 2_000_000, tookUs: 1_000));
        Assert.Equal(2_000_000, host.LastLoginUs);
        Assert.True(LogIn(host, 3_000_000, tookUs: Limits.HostPatienceUs));
        Fail(host, 4_000_000);
        Assert.True(LogIn(host, 9_000_000, tookUs: 1_000));
    }

    [Fact]
    public void The_last_login_of_a_name_is_that_at_any_of_its_addresses()
    {
        var name = _table.Get("a", "", 5432);
        name.Addresses = [_table.Get("a", "10.0.0.1", 5432), _table.Get("a", "10.0.0.2", 5432)];
        LogIn(name.Addresses[0], 5_000, tookUs: 1);
        LogIn(name.Addresses[1], 7_000, tookUs: 1);
        Assert.Equal(7_000, name.LastLoginUs);
    }

    private static bool LogIn(Host host, long nowUs, long tookUs)
    {
        host.Begin(nowUs - tookUs);
        return host.LoggedIn(tookUs, nowUs);
    }

    private static void Fail(Host host, long nowUs)
    {
        host.Begin(nowUs);
        host.Failed("connect failed", 7, nowUs, RetryUs);
    }
}
