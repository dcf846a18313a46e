using FastPool.Control.Operations;
using FastPool.Life;

namespace FastPool.Tests.Life;

public class ShutdownStateTests
{
    private const string TermFirst = "got SIGTERM, shutting down, waiting for all clients disconnect";
    private const string IntFirst = "got SIGINT, shutting down, waiting for all servers connections to be released";

    public static TheoryData<ProcessSignal, PauseMode, ShutdownMode, string, SignalAction> Answers => new()
    {
        { ProcessSignal.Hangup, PauseMode.None, ShutdownMode.None, "got SIGHUP, re-reading config", SignalAction.Reload },
        { ProcessSignal.Hangup, PauseMode.Suspended, ShutdownMode.WaitForClients, "got SIGHUP, re-reading config",
            SignalAction.Reload },
        { ProcessSignal.Terminate, PauseMode.None, ShutdownMode.None, TermFirst, SignalAction.ShutDown },
        { ProcessSignal.Terminate, PauseMode.Paused, ShutdownMode.None, TermFirst, SignalAction.ShutDown },
        { ProcessSignal.Terminate, PauseMode.None, ShutdownMode.WaitForServers, "got SIGTERM while shutting down, fast exit",
            SignalAction.Exit },
        { ProcessSignal.Terminate, PauseMode.None, ShutdownMode.WaitForClients, "got SIGTERM while shutting down, fast exit",
            SignalAction.Exit },
        { ProcessSignal.Terminate, PauseMode.Suspended, ShutdownMode.None, TermFirst, SignalAction.Exit },
        { ProcessSignal.Interrupt, PauseMode.None, ShutdownMode.None, IntFirst, SignalAction.ShutDown },
        { ProcessSignal.Interrupt, PauseMode.None, ShutdownMode.WaitForClients, "got SIGINT while shutting down, fast exit",
            SignalAction.Exit },
        { ProcessSignal.Interrupt, PauseMode.Suspended, ShutdownMode.None, IntFirst, SignalAction.Exit },
        { ProcessSignal.Quit, PauseMode.None, ShutdownMode.None, "got SIGQUIT, fast exit", SignalAction.Exit },
        { ProcessSignal.Quit, PauseMode.Suspended, ShutdownMode.WaitForClients, "got SIGQUIT, fast exit", SignalAction.Exit },
        { ProcessSignal.User1, PauseMode.None, ShutdownMode.None, "got SIGUSR1, pausing all activity", SignalAction.Pause },
        { ProcessSignal.User1, PauseMode.None, ShutdownMode.WaitForClients, "got SIGUSR1, pausing all activity",
            SignalAction.Pause },
        { ProcessSignal.User1, PauseMode.Paused, ShutdownMode.None, "got SIGUSR1, but already paused",
            SignalAction.None },
        { ProcessSignal.User1, PauseMode.Suspended, ShutdownMode.None, "got SIGUSR1, but already paused",
            SignalAction.None },
        { ProcessSignal.User2, PauseMode.Paused, ShutdownMode.None, "got SIGUSR2, continuing from PAUSE", SignalAction.Resume },
        { ProcessSignal.User2, PauseMode.Suspended, ShutdownMode.None, "got SIGUSR2, continuing from SUSPEND",
            SignalAction.Resume },
        { ProcessSignal.User2, PauseMode.None, ShutdownMode.None, "got SIGUSR2, but not paused", SignalAction.None },
        { ProcessSignal.User2, PauseMode.Paused, ShutdownMode.WaitForServers, "got SIGUSR2 while shutting down, ignoring",
            SignalAction.None },
        { ProcessSignal.User2, PauseMode.None, ShutdownMode.WaitForClients, "got SIGUSR2 while shutting down, ignoring",
            SignalAction.None },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void A_signal_means_what_the_state_makes_of_it(
        ProcessSignal signal, PauseMode pause, ShutdownMode shutdown, string text, SignalAction action)
    {
        var answer = new ShutdownState(pause, shutdown).On(signal);
        Assert.Equal(text, answer.Text);
        Assert.Equal(action, answer.Action);
    }

    [Theory]
    [InlineData(ProcessSignal.User1, PauseMode.Paused, "got SIGUSR1, but already paused/suspended")]
    [InlineData(ProcessSignal.User2, PauseMode.None, "got SIGUSR2, but not paused/suspended")]
    public void The_version_before_1_26_names_the_suspended_state(ProcessSignal signal, PauseMode pause, string text) =>
        Assert.Equal(text, new ShutdownState(pause, ShutdownMode.None, NamesSuspend: true).On(signal).Text);

    [Fact]
    public void SIGTERM_waits_for_clients_and_SIGINT_for_servers()
    {
        Assert.Equal(ShutdownMode.WaitForClients, default(ShutdownState).On(ProcessSignal.Terminate).Shutdown);
        Assert.Equal(ShutdownMode.WaitForServers, default(ShutdownState).On(ProcessSignal.Interrupt).Shutdown);
    }

    [Fact]
    public void Only_going_down_while_suspended_is_fatal()
    {
        var suspended = new ShutdownState(PauseMode.Suspended, ShutdownMode.None);
        Assert.Equal("suspend was in progress, going down immediately", suspended.On(ProcessSignal.Terminate).Fatal);
        Assert.Null(suspended.On(ProcessSignal.Quit).Fatal);
        Assert.Null(default(ShutdownState).On(ProcessSignal.Terminate).Fatal);
    }

    /// <summary>PgBouncer stays paused for good there, and its clients hang.</summary>
    [Fact]
    public void A_pooler_paused_while_it_waits_for_clients_can_continue()
    {
        var paused = new ShutdownState(PauseMode.Paused, ShutdownMode.WaitForClients);
        Assert.Equal(SignalAction.Resume, paused.On(ProcessSignal.User2).Action);
    }
}
