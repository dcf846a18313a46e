using FastPool.Control.Operations;

namespace FastPool.Life;

/// <summary>Whether servers are handed out.</summary>
public enum PauseMode
{
    None,
    Paused,
    Suspended,

    /// <summary>Nothing is served yet: the old process is about to end.</summary>
    TakingOver,
}

/// <summary>The action that a signal asks for.</summary>
public enum SignalAction
{
    None,
    Reload,
    Pause,
    Resume,
    ShutDown,
    Exit,
}

/// <summary>The answer to a signal.</summary>
/// <param name="Text">For the log, level LOG.</param>
/// <param name="Action">The action after that.</param>
/// <param name="Shutdown">With ShutDown: which way.</param>
/// <param name="Fatal">With Exit: a FATAL line, and status 1 in place of 0.</param>
public readonly record struct SignalAnswer(
    string Text, SignalAction Action, ShutdownMode Shutdown = ShutdownMode.None, string? Fatal = null);

/// <summary>Where the pooler stands as a whole; what a signal means depends on it. Source: PgBouncer's manual, Signals.</summary>
/// <param name="Pause">Global, not of a single database.</param>
/// <param name="Shutdown">By a signal or from the console alike.</param>
/// <param name="NamesSuspend">As PgBouncer did up to 1.25 (show_as).</param>
public readonly record struct ShutdownState(PauseMode Pause, ShutdownMode Shutdown, bool NamesSuspend = false)
{
    public SignalAnswer On(ProcessSignal signal) => signal switch
    {
        ProcessSignal.Hangup => new("got SIGHUP, re-reading config", SignalAction.Reload),
        ProcessSignal.Terminate => End("SIGTERM", "waiting for all clients disconnect", ShutdownMode.WaitForClients),
        ProcessSignal.Interrupt =>
            End("SIGINT", "waiting for all servers connections to be released", ShutdownMode.WaitForServers),
        ProcessSignal.Quit => new("got SIGQUIT, fast exit", SignalAction.Exit),
        ProcessSignal.User1 => Pausing(),
        ProcessSignal.User2 => Continuing(),
        _ => throw new ArgumentOutOfRangeException(nameof(signal)),
    };

    /// <summary>
    /// The first signal asks, the second insists. No client can leave a suspended pooler, so waiting for that would never end.
    /// </summary>
    private SignalAnswer End(string name, string waiting, ShutdownMode mode)
    {
        if (Shutdown != ShutdownMode.None) return new($"got {name} while shutting down, fast exit", SignalAction.Exit);
        var text = $"got {name}, shutting down, {waiting}";
        return Pause switch
        {
            PauseMode.Suspended => new(text, SignalAction.Exit, Fatal: "suspend was in progress, going down immediately"),
            PauseMode.TakingOver => new(text, SignalAction.Exit, Fatal: "takeover was in progress, going down immediately"),
            _ => new(text, SignalAction.ShutDown, mode),
        };
    }

    private SignalAnswer Pausing() => Pause == PauseMode.None
        ? new("got SIGUSR1, pausing all activity", SignalAction.Pause)
        : new($"got SIGUSR1, but already {PausedWord}", SignalAction.None);

    private string PausedWord => NamesSuspend ? "paused/suspended" : "paused";

    /// <summary>
    /// A pooler that waits for its clients and was paused meanwhile may continue; PgBouncer refuses, and those clients hang.
    /// Waiting for servers is a pause of its own and is not taken back.
    /// </summary>
    private SignalAnswer Continuing()
    {
        var mayResume = Shutdown == ShutdownMode.None || (Shutdown == ShutdownMode.WaitForClients && Pause != PauseMode.None);
        if (!mayResume) return new("got SIGUSR2 while shutting down, ignoring", SignalAction.None);
        return Pause switch
        {
            PauseMode.Paused => new("got SIGUSR2, continuing from PAUSE", SignalAction.Resume),
            PauseMode.Suspended => new("got SIGUSR2, continuing from SUSPEND", SignalAction.Resume),
            _ => new($"got SIGUSR2, but not {PausedWord}", SignalAction.None),
        };
    }
}
