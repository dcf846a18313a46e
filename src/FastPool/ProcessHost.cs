using FastPool.Control;
using FastPool.Control.Answers;
using FastPool.Control.Operations;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.Logs;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool;

/// <summary>
/// The running process: keeps the settings in force, carries out signals, and does for the pooler what only a process can.
/// </summary>
internal sealed class ProcessHost(
    PoolerLog log, ILogger logger, ControlThread control, ProcessEnd end, SystemdNotify notify, ConfigurationReload reloader)
    : IPoolerHost, ISignalTarget
{
    private IPooler? _pooler;

    public ILoggerFactory Loggers => log;

    private IPooler Running => _pooler ?? throw new InvalidOperationException("the pooler has not been made yet");

    /// <summary>The pooler needs its host to be made, so it is told afterwards.</summary>
    internal void Runs(IPooler pooler) => _pooler = pooler;

    public void On(ProcessSignal signal)
    {
        var answer = Running.State.On(signal);
        logger.Line(LogLevel.Information, answer.Text);
        switch (answer.Action)
        {
            case SignalAction.Reload:
                notify.Reloading();
                Reload();
                notify.Ready(); // Also when it failed: the service runs on.
                break;
            case SignalAction.Pause: Running.Pause(); break;
            case SignalAction.Resume: Running.Resume(); break;
            case SignalAction.ShutDown:
                notify.Stopping();
                Running.ShutDown(answer.Shutdown);
                break;
            case SignalAction.Exit:
                if (answer.Fatal is { } text) logger.Line(LogLevel.Critical, text);
                else Running.TellAll();
                end.Exit(answer.Fatal is null ? 0 : 1);
                break;
        }
    }

    public void Status(string statsLine) => notify.Status(statsLine);

    public void TakesOver() => notify.IsMain(Identity.Pid);

    public void HandedOver() => end.CleanUp();

    public void Exit(int status) => control.Post(() => end.Exit(status));

    public void SettingsApplied(Settings settings) => reloader.Apply(settings);

    public ProcessFigures Figures() => ProcessReading.Read() with
    {
        ReloadsDone = reloader.DoneCount,
        ReloadsFailed = reloader.FailedCount,
        IsLastReloadBad = reloader.IsLastBad,
        LoadedSeconds = reloader.LoadedWallUs / 1e6,
        LogLinesDropped = log.DroppedCount,
    };

    public bool Reload() => reloader.Reload(Running);
}
