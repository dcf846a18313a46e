using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>
/// The one way out. Each clean-up runs once, the last added first, and then the process is gone: it does not wait for the
/// threads that carry traffic.
/// </summary>
public sealed class ProcessEnd
{
    private readonly Lock _gate = new();
    private readonly Stack<Action> _cleanUps = new();

    /// <summary>The last step of all, each time: the log is written to its end.</summary>
    public Action Lastly { get; set; } = static () => { };

    /// <param name="cleanUp">May be called on any thread and must not log: a log that cannot be opened ends here too.</param>
    public void Before(Action cleanUp)
    {
        lock (_gate) _cleanUps.Push(cleanUp);
    }

    /// <summary>Cleans up ahead of the end.</summary>
    public void CleanUp()
    {
        lock (_gate)
        {
            while (_cleanUps.TryPop(out var cleanUp)) cleanUp();
        }
    }

    /// <summary>Does not return.</summary>
    public void Exit(int status)
    {
        lock (_gate) // Held to the end: a second caller waits here until there is no process.
        {
            CleanUp();
            Lastly();
            Identity.Exit(status);
        }
    }
}
