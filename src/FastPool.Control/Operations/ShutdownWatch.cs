using FastPool.Base;
using FastPool.Core.Pools;
using Microsoft.Extensions.Logging;

namespace FastPool.Control.Operations;

/// <summary>
/// Shutdown in its three ways: lets no ordinary client in any more, and ends the process when the condition of the mode
/// holds. Listeners are the process's own affair. Control thread.
/// </summary>
public sealed class ShutdownWatch
{
    private readonly PoolRegistry _registry;
    private readonly Pausing _pausing;
    private readonly ControlThread _control;
    private readonly ILogger _log;
    private ControlTimer? _timer;
    private ShutdownMode _mode;

    internal ShutdownWatch(PoolRegistry registry, Pausing pausing, ControlThread control, ILogger log)
    {
        _registry = registry;
        _pausing = pausing;
        _control = control;
        _log = log;
    }

    /// <summary>Begins, or changes the mode of what has begun.</summary>
    /// <param name="mode">How.</param>
    /// <param name="exit">Ends the process, with status 0; called once, on the control thread.</param>
    public void Begin(ShutdownMode mode, Action exit)
    {
        _mode = mode;
        _registry.IsShuttingDown = true;
        _registry.State.IsEnding = mode == ShutdownMode.WaitForServers;
        if (mode == ShutdownMode.Immediate)
        {
            _timer?.Stop();
            exit();
            return;
        }
        if (mode == ShutdownMode.WaitForServers) _pausing.PauseAll(); // Even if it is paused: waiting clients are told.
        _timer ??= _control.Every(Limits.TickUs, () => Look(exit));
    }

    private void Look(Action exit)
    {
        if (_mode == ShutdownMode.WaitForServers)
        {
            if (!_pausing.IsDrained(null)) return;
            _log.Line("server connections dropped, exiting");
        }
        else
        {
            if (_registry.Clients.Count > 0) return;
            _log.Line("client connections dropped, exiting");
        }
        _timer!.Stop();
        exit();
    }
}
