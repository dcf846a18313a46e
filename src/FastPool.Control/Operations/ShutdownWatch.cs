using FastPool.Base;
using FastPool.Core.Pools;
using Microsoft.Extensions.Logging;

namespace FastPool.Control.Operations;

/// <summary>
/// Shutdown in its three ways: lets no ordinary client in any more, and ends the process when the condition of the mode
/// holds. Clients that are there at the end are told. Listeners are the process's own affair. Control thread.
/// </summary>
public sealed class ShutdownWatch
{
    private const long DrainStepUs = 20_000;
    private const int All = 1000;

    /// <summary>Loops answer in microseconds; a process that is to end at once waits no longer for one that does not.</summary>
    private static readonly TimeSpan FastMax = TimeSpan.FromMilliseconds(500);

    private readonly PoolRegistry _registry;
    private readonly Pausing _pausing;
    private readonly LoopWalk _walk;
    private readonly Clock _clock;
    private readonly ControlThread _control;
    private readonly ILogger _log;
    private ControlTimer? _timer;
    private ControlTimer? _drain;
    private ShutdownMode _mode;

    internal ShutdownWatch(PoolRegistry registry, Pausing pausing, LoopWalk walk, Clock clock, ControlThread control, ILogger log)
    {
        _registry = registry;
        _pausing = pausing;
        _walk = walk;
        _clock = clock;
        _control = control;
        _log = log;
    }

    /// <summary>Begins, or changes the mode of what has begun.</summary>
    /// <param name="mode">How.</param>
    /// <param name="exit">Ends the process, with status 0; called once, on the control thread.</param>
    /// <param name="mayEnd">False: somebody may still come. An end by force does not ask.</param>
    public void Begin(ShutdownMode mode, Action exit, Func<bool> mayEnd)
    {
        _mode = mode;
        _registry.IsShuttingDown = true;
        _registry.State.IsEnding = mode == ShutdownMode.WaitForServers;
        if (mode == ShutdownMode.Immediate)
        {
            End(exit);
            return;
        }
        if (mode == ShutdownMode.WaitForServers) _pausing.PauseAll(); // Even if it is paused: waiting clients are told.
        _timer ??= _control.Every(Limits.TickUs, () => Look(exit, mayEnd));
        var timeoutUs = _registry.Settings.Own.DrainTimeoutUs;
        if (timeoutUs > 0 && _drain is null) BeginDrain(timeoutUs, exit);
    }

    private void Look(Action exit, Func<bool> mayEnd)
    {
        if (!mayEnd()) return;
        if (_mode == ShutdownMode.WaitForServers)
        {
            // Some servers may be free of which clients have yet to read all that they have said.
            if (!_pausing.IsDrained(null) || _walk.HeldResultBytes > 0) return;
            _log.Line("server connections dropped, exiting");
        }
        else
        {
            if (_registry.Clients.Count > 0) return;
            _log.Line("client connections dropped, exiting");
        }
        End(exit);
    }

    /// <summary>
    /// Bounds the shutdown. Where clients are waited for they go one after the other in the first half of the time, so that they
    /// do not all come back at once. The second half is for those that are in a transaction then. Where servers are waited for,
    /// idle clients keep no server: only the end of the time concerns them.
    /// </summary>
    private void BeginDrain(long timeoutUs, Action exit)
    {
        var sinceUs = _clock.NowUs;
        _drain = _control.Every(DrainStepUs, () =>
        {
            if (MustKeepSilent) return;
            var passedUs = _clock.NowUs - sinceUs;
            if (_mode == ShutdownMode.WaitForServers)
            {
                if (passedUs < timeoutUs) return;
                _log.Line("drain_timeout: server connections are in use still and are closed, exiting");
                End(exit);
                return;
            }
            var left = Tell((int)Math.Min(All, All * 2 * passedUs / timeoutUs));
            if (left > 0 && passedUs < timeoutUs) return;
            _log.Line(left == 0 ? "all clients have been told to go, exiting"
                : $"drain_timeout: {left} client connections are left and are closed, exiting");
            End(exit);
        });
    }

    private void End(Action exit)
    {
        _timer?.Stop();
        _drain?.Stop();
        if (!MustKeepSilent) Tell(permille: null);
        exit();
    }

    /// <summary>The process ends at once, whatever it is doing: all that it still does is to say so.</summary>
    public void TellAll()
    {
        if (!MustKeepSilent) Tell(permille: null, FastMax);
    }

    /// <summary>A loop that does not answer, or fails, must not keep the process: the time is bounded all the same.</summary>
    /// <returns>How many are left; 1 when that is not known.</returns>
    private int Tell(int? permille, TimeSpan? most = null)
    {
        var left = 0;
        try
        {
            using var hold = _walk.HoldClients(most); // Else one that is on its way would not be told.
            _walk.AtOnce(view => Interlocked.Add(ref left, view.Drain(permille)), most);
            return left;
        }
        catch (Exception failure) when (failure is TimeoutException or InvalidOperationException)
        {
            _log.ControlFailed(failure.Message, failure);
            return Math.Max(1, left);
        }
    }

    /// <summary>The connections are, or are about to be, another process's too: a word of ours would break them.</summary>
    private bool MustKeepSilent =>
        _registry.State is { Mode: PoolerMode.Suspended } or { IsFrozen: true } or { IsRetiring: true };
}
