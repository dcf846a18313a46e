using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Control.Operations;

public sealed class PauseTests
{
    private const long LookUs = 20_000;

    [Fact]
    public void Pause_is_answered_when_the_last_server_is_gone()
    {
        var world = new ConsoleWorld();
        var busy = world.Client("p0");
        var done = world.Client("p1");
        world.Acquire(busy);
        world.Acquire(done);
        var idle = done.Server!;
        world.Release(done);
        var admin = world.Admin();
        var reply = world.Query(admin, "pause");
        Assert.False(reply.IsAnswered);
        Assert.Equal([$"S{idle.Id} pause mode"], world.Closed); // The free one at once, the busy one when it is released.
        Assert.Equal("SHOW", world.Query(admin, "show state").Tag); // The session is not held up.
        Assert.Equal("ERROR/08P01 \"already paused\"", world.Query("pause").Error);
        Assert.Equal("ERROR/08P01 \"already paused\"", world.Query("pause p0").Error);
        Assert.Equal("ERROR/08P01 \"already paused\"", world.Query("kill").Error);
        Assert.Equal("ERROR/08P01 \"already suspended/paused\"", world.Query("suspend").Error);

        world.Release(busy);
        world.Pass(LookUs);
        Assert.Equal("PAUSE", reply.Tag);
        Assert.Empty(world.Loops[0].Servers);
    }

    [Fact]
    public void A_paused_pooler_opens_nothing_and_resume_lets_waiters_on()
    {
        var world = new ConsoleWorld();
        Assert.Equal("PAUSE", world.Query("pause").Tag);
        var client = world.Client("p0");
        world.Acquire(client);
        Assert.Equal(ClientState.Waiting, client.State);
        Assert.Empty(world.Loops[0].Servers);
        Assert.Equal("RESUME", world.Query("resume").Tag);
        Assert.NotNull(client.Server);
        Assert.Equal(PoolerMode.Active, world.Registry.State.Mode);
    }

    [Fact]
    public void A_login_cut_by_pause_is_no_failed_login() // The original refuses clients for server_login_retry after RESUME.
    {
        var world = new ConsoleWorld { HoldsLogins = true };
        var client = world.Client("p0");
        world.Acquire(client);
        var login = Assert.Single(world.Loops[0].Servers);
        Assert.Equal("PAUSE", world.Query("pause p0").Tag);
        Assert.Equal([$"S{login.Id} pause mode"], world.Closed);
        world.HoldsLogins = false;
        world.Query("resume p0");
        Assert.NotNull(client.Server);
    }

    [Fact]
    public void A_failure_before_the_pause_does_not_refuse_clients_during_it()
    {
        var world = new ConsoleWorld { HoldsLogins = true };
        var first = world.Client("p0");
        world.Acquire(first);
        var server = Assert.Single(world.Loops[0].Servers);
        world.Loops[0].Servers.Clear();
        server.Pool.LoginFailed(server, new LoginFailure("connect failed", null), world.Loops[0]);
        world.Query("pause");
        var second = world.Client("p0");
        world.Acquire(second);
        Assert.Empty(world.Loops[0].Servers);
        Assert.Equal(2, second.Pool!.Counts.Waiting); // In the queue, not refused.
        world.HoldsLogins = false;
        world.Pass(15_000_001); // server_login_retry.
        world.Query("resume");
        Assert.NotNull(first.Server);
        Assert.NotNull(second.Server);
    }

    [Fact]
    public void A_database_is_paused_by_itself()
    {
        var world = new ConsoleWorld();
        var busy = world.Client("p0");
        world.Acquire(busy);
        var reply = world.Query("pause p0");
        Assert.False(reply.IsAnswered);
        var other = world.Client("p1");
        world.Acquire(other);
        Assert.NotNull(other.Server);
        // It does not clear the flag.
        Assert.Equal("ERROR/08P01 \"pooler is not paused\"", world.Query("resume").Error);
        Assert.Equal("ERROR/08P01 \"cannot suspend with paused databases\"", world.Query("suspend").Error);
        world.Release(busy);
        world.Pass(LookUs);
        Assert.Equal("PAUSE", reply.Tag);
        Assert.Equal("PAUSE", world.Query("pause p0").Tag); // Again is no error.
        Assert.Equal("RESUME", world.Query("resume p0").Tag);
        Assert.Equal("ERROR/08P01 \"database p0 is not paused\"", world.Query("resume p0").Error);
    }

    [Fact]
    public void A_PAUSE_of_a_database_that_still_waits_is_told_when_another_session_resumes_it()
    {
        var world = new ConsoleWorld();
        world.Acquire(world.Client("p0"));
        world.Acquire(world.Client("p1"));
        var one = world.Query("pause p0");
        var other = world.Query("pause p1");
        Assert.Equal("RESUME", world.Query("resume p0").Tag);
        Assert.Equal("ERROR/08P01 \"PAUSE canceled\"", one.Error);
        Assert.False(other.IsAnswered);
        Assert.Equal("RESUME", world.Query("resume p1").Tag);
        Assert.True(other.IsAnswered);
    }

    [Fact]
    public void Kill_takes_clients_servers_and_pools()
    {
        var world = new ConsoleWorld(loops: 2);
        var linked = world.Client("p0");
        world.Acquire(linked);
        var server = linked.Server!;
        var waiting = world.Client("p0", loop: 1);
        world.HoldsLogins = true;
        world.Acquire(waiting);
        var request = world.Connect();
        world.Loops[0].Cancels.Add(new CancelView(request, linked.Pool, 0, null));
        var other = world.Client("p1");
        Assert.Equal("KILL", world.Query("kill p0").Tag);
        Assert.Equal(ClientState.Closed, linked.State);
        Assert.Equal(ClientState.Closed, waiting.State);
        Assert.Equal(ClientState.Active, other.State);
        Assert.Contains($"C{request.Id} database removed", world.Closed);
        Assert.Contains($"C{linked.Id} database removed", world.Closed);
        Assert.Contains($"C{waiting.Id} database removed", world.Closed);
        Assert.Contains(world.Closed, closed => closed.StartsWith($"S{server.Id} ", StringComparison.Ordinal));
        Assert.All(world.Loops, static loop => Assert.Empty(loop.Servers));
        Assert.Equal(["p1", "pgbouncer"], world.Query("show pools").Rows.Select(static row => row.Split('|')[0]));
        Assert.True(world.Registry.FindDatabase("p0", out _)!.IsPaused);
        Assert.Equal(0, world.Registry.FindDatabase("p0", out _)!.Servers.Count);

        world.HoldsLogins = false;
        var late = world.Client("p0");
        world.Acquire(late);
        Assert.Null(late.Server);
        world.Query("resume p0");
        Assert.NotNull(late.Server);
    }

    [Fact]
    public void Kill_of_all_spares_the_console_and_databases_without_pools()
    {
        var world = new ConsoleWorld();
        world.Client("p0");
        var admin = world.Admin();
        Assert.Equal("KILL", world.Query(admin, "kill").Tag);
        Assert.Equal(ClientState.Active, admin.State);
        Assert.True(world.Registry.FindDatabase("p0", out _)!.IsPaused);
        Assert.False(world.Registry.FindDatabase("p1", out _)!.IsPaused);
        Assert.Equal(PoolerMode.Active, world.Registry.State.Mode);
    }

    [Fact]
    public void Reconnect_marks_servers_and_wait_close_waits_for_the_marked()
    {
        var world = new ConsoleWorld();
        var client = world.Client("p0");
        world.Acquire(client);
        var server = client.Server!;
        world.HoldsLogins = true;
        world.Acquire(world.Client("p0"));
        var login = world.Loops[0].Servers[^1];
        Assert.Equal("RECONNECT", world.Query("reconnect p0").Tag);
        Assert.True(server.IsCloseNeeded);
        Assert.Contains($"S{login.Id} connect string changed", world.Closed);
        var reply = world.Query("wait_close p0");
        world.Pass(LookUs);
        world.Pass(LookUs);
        Assert.False(reply.IsAnswered);
        Assert.Equal("WAIT_CLOSE", world.Query("wait_close p1").Tag); // Without servers at once.
        world.Release(client);
        Assert.Contains($"S{server.Id} close_needed", world.Closed);
        world.Pass(LookUs);
        world.Pass(LookUs);
        Assert.Equal("WAIT_CLOSE", reply.Tag);
    }

    [Fact]
    public void Each_session_is_answered_for_what_it_waits_for() // The original answers all with whichever tag fires first.
    {
        var world = new ConsoleWorld();
        var client = world.Client("p0");
        world.Acquire(client);
        var close = world.Query("wait_close p0");
        world.Pass(LookUs);
        world.Pass(LookUs);
        Assert.Equal("WAIT_CLOSE", close.Tag); // Nothing is marked.
        var pause = world.Query("pause");
        world.Pass(LookUs);
        world.Pass(LookUs);
        Assert.False(pause.IsAnswered);
        world.Release(client);
        world.Pass(LookUs);
        Assert.Equal("PAUSE", pause.Tag);
    }

    [Fact]
    public void A_cancel_resumes_and_is_answered() // The original leaves the session hanging.
    {
        var world = new ConsoleWorld();
        world.Acquire(world.Client("p0"));
        var admin = world.Admin();
        var reply = world.Query(admin, "pause");
        world.Plane.Console.Cancel(admin);
        world.Run();
        Assert.Equal("ERROR/08P01 \"PAUSE canceled\"", reply.Error);
        Assert.Equal(PoolerMode.Active, world.Registry.State.Mode);
        Assert.DoesNotContain(world.Log.Lines, static line => line.Contains("non-waiting"));
    }

    [Fact]
    public void A_cancel_of_a_session_that_does_not_wait_resumes_with_a_warning()
    {
        var world = new ConsoleWorld();
        var admin = world.Admin();
        Assert.Equal("PAUSE", world.Query(admin, "pause").Tag);
        world.Plane.Console.Cancel(admin);
        world.Run();
        Assert.Equal("WARNING admin cancel request for non-waiting client?", world.Log.Lines[^1]);
        Assert.Equal(PoolerMode.Active, world.Registry.State.Mode);
        world.Registry.State.Mode = PoolerMode.Paused;
        world.Registry.IsShuttingDown = world.Registry.State.IsEnding = true;
        world.Plane.Console.Cancel(admin);
        world.Run();
        Assert.Equal(PoolerMode.Paused, world.Registry.State.Mode);
        Assert.Equal("ERROR/08P01 \"pooler is shutting down\"", world.Query("resume").Error);
    }

    [Fact]
    public void A_session_that_is_gone_is_not_answered()
    {
        var world = new ConsoleWorld();
        var client = world.Client("p0");
        world.Acquire(client);
        var admin = world.Admin();
        var reply = world.Query(admin, "pause p0");
        world.Plane.Console.Forget(admin);
        world.Run();
        world.Release(client);
        world.Pass(LookUs);
        Assert.False(reply.IsAnswered);
    }

    [Fact] // A server moves to a loop that goes on: with keys that it must not use it would be lost there.
    public void Keys_are_taken_back_on_every_loop_before_servers_can_move()
    {
        var world = new ConsoleWorld(loops: 2);
        world.Query("suspend");
        world.Query("resume");
        Assert.All(world.Loops, static loop => Assert.Equal(["take back", "resume"], loop.Suspensions[^2..]));
    }

    [Fact]
    public void Suspend_parks_until_nothing_is_busy()
    {
        var world = new ConsoleWorld();
        var loop = world.Loops[0];
        loop.IsBusy = true;
        var reply = world.Query("suspend");
        Assert.False(reply.IsAnswered);
        loop.IsBusy = false;
        world.Pass(LookUs);
        Assert.Equal("SUSPEND", reply.Tag);
        Assert.Equal(["active|no", "paused|no", "suspended|yes"], world.Query("show state").Rows);
        Assert.Equal("RESUME", world.Query("resume").Tag);
        Assert.Equal(["park", "park", "take back", "resume"], loop.Suspensions);
    }

    [Fact]
    public void Suspend_closes_what_is_busy_after_its_timeout()
    {
        var world = new ConsoleWorld();
        var loop = world.Loops[0];
        loop.IsBusy = true;
        var reply = world.Query("suspend");
        world.Pass(9_990_000);
        Assert.False(reply.IsAnswered);
        world.Pass(LookUs);
        Assert.Equal("SUSPEND", reply.Tag);
        Assert.Equal("suspend_timeout", loop.Suspensions[^1]);
    }

    [Theory]
    [InlineData(0, 0, "shutdown Immediate", "")]
    [InlineData(2, 0, "shutdown Immediate", "LOG 2 client connections cannot be handed over, 0 of them in a transaction")]
    [InlineData(2, 1, "retire", "LOG 2 client connections cannot be handed over, 1 of them in a transaction")]
    public void A_client_that_cannot_be_handed_over_comes_to_its_end(int all, int busy, string call, string line)
    {
        var world = new ConsoleWorld();
        var loop = world.Loops[0];
        loop.LeftBehind = (all, busy);
        var own = world.OwnUser();
        Assert.Equal("SUSPEND", world.Query(own, "suspend").Tag);
        Assert.Equal("SHOW", world.Query(own, "show fds").Tag);
        Assert.False(world.Query(own, "shutdown").IsAnswered);
        Assert.Equal(call, world.Process.Calls[^1]);
        if (all == 0) return;
        Assert.Equal(line, world.Log.Lines[^1]);
        world.Plane.Console.Forget(own);
        world.Pass(LookUs);
        Assert.Equal(PoolerMode.Suspended, world.Registry.State.Mode);
        loop.LeftBehind = default;
        world.Pass(LookUs);
        Assert.Equal("shutdown Immediate", world.Process.Calls[^1]);
    }

    [Fact]
    public void A_suspended_pooler_resumes_when_its_last_console_is_gone()
    {
        var world = new ConsoleWorld();
        var loop = world.Loops[0];
        loop.IsBusy = true; // The original waits until all is parked.
        var first = world.Admin();
        var second = world.Admin();
        world.Query(first, "suspend");
        world.Plane.Console.Forget(first);
        world.Run();
        Assert.Equal(PoolerMode.Suspended, world.Registry.State.Mode);
        world.Plane.Console.Forget(second);
        world.Run();
        Assert.Equal(PoolerMode.Active, world.Registry.State.Mode);
        Assert.Equal("LOG admin disappeared when suspended, doing RESUME", world.Log.Lines[^1]);
        Assert.Equal("resume", loop.Suspensions[^1]);
    }
}
