using FastPool.Arguments;
using FastPool.Base;
using FastPool.Control;
using FastPool.Control.Operations;
using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.Logs;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool;

/// <summary>
/// From the command line to a pooler that serves, in PgBouncer's order: the order decides which of two errors is reported, and
/// what is still done as the user who started the process.
/// </summary>
internal sealed class Startup(CommandLine line, PoolerLog log, ProcessEnd end, Background? background)
{
    private readonly ILogger _logger = log.CreateLogger(nameof(Startup));
    private readonly SystemdNotify _notify = new(EnvironmentText("NOTIFY_SOCKET"));

    /// <summary>Starts, and works on the control thread until the process ends.</summary>
    internal void Run()
    {
        using var control = new ControlThread(new SystemClock(), log.CreateLogger(nameof(ControlThread)));
        var reloader = new ConfigurationReload(log, _logger, Load);
        reloader.Apply(LoadFirst());
        DescriptorLimit.Raise();
        var settings = reloader.Current;
        var inherited = Inherited();
        var host = new ProcessHost(log, _logger, control, end, _notify, reloader);
        var pooler = new Pooler(settings, host, control);
        host.Runs(pooler);

        FailOn(pooler.Prepare());
        RunAsUser.Switch(line.User ?? settings.User ?? "");
        RunAsUser.RefuseRoot();
        var pidFile = new PidFile(settings.Pidfile, _logger);
        var ofStart = Memory.OfStart();
        Memory.GiveBack();
        MeetOthers(settings, pooler, pidFile, inherited);
        GoToBackground(settings);
        DescriptorLimit.Report(settings, _logger);
        using var signals = new Signals(control, host);
        WarnOfIgnored(settings, inherited);
        end.Before(pooler.CleanUp);
        log.WriteBehind(); // Loops are about to run, which must not wait for it.
        FailOn(pooler.Start(inherited));
        end.Before(pidFile.Remove);
        pidFile.Write();
        var processUp = Versions.ProcessUp(pooler.PollMethod, pooler.TlsLibrary, settings.Own.ShowAs);
        _logger.Line(LogLevel.Information, processUp);
        _notify.Ready();
        log.Flush();
        background?.Serves();
        Memory.GiveBackProgram(ofStart);
        control.Every(MemoryKeeper.PeriodUs, new MemoryKeeper(ofStart).Look);
        control.Run();
    }

    private static string? EnvironmentText(string name) =>
        Environment.GetEnvironmentVariable(name) is { } value ? ByteText.FromNative(value) : null;

    private static void FailOn(string? text)
    {
        if (text is not null) throw new FatalError(text);
    }

    private Settings LoadFirst()
    {
        var (settings, messages) = Load(current: null);
        if (settings is not null) log.Apply(settings);
        _logger.Lines(messages); // When a configuration cannot be read, its last error is the FATAL line.
        if (settings is null) end.Exit(1);
        return settings!;
    }

    private LoadResult Load(Settings? current) =>
        ConfigurationLoader.Load(current?.ConfigFile
            ?? line.ConfigFile, new DiskFileReader(), current, OwnVariables.Read(), line.Verbose);

    private IReadOnlyList<int> Inherited()
    {
        var own = Identity.Pid;
        return InheritedSockets.Take(
            EnvironmentText("LISTEN_PID"), EnvironmentText("LISTEN_FDS"), own, background?.Parent ?? own);
    }

    /// <summary>Takes over from an older process, or makes sure that there is none.</summary>
    private void MeetOthers(Settings settings, Pooler pooler, PidFile pidFile, IReadOnlyList<int> inherited)
    {
        if (line.Reboot)
        {
            _logger.RebootIsDeprecated();
            var isFound = false;
            if (inherited.Count == 0) FailOn(pooler.TakeOver(out isFound));
            if (isFound) return;
            _logger.NoOldProcess();
        }
        else if (inherited.Count == 0 && HasFileSocket(settings) && UnixSocket.IsAccepting(SocketPath(settings)))
        {
            throw new FatalError("unix socket is in use, cannot continue");
        }

        pidFile.Check();
    }

    /// <summary>An abstract socket is left to bind, which refuses a second one by itself.</summary>
    private static bool HasFileSocket(Settings settings) =>
        settings.UnixSocketDir.Length > 0 && settings.UnixSocketDir[0] != '@';

    private static string SocketPath(Settings settings) => $"{settings.UnixSocketDir}/.s.PGSQL.{settings.ListenPort}";

    private void GoToBackground(Settings settings)
    {
        if (!line.Daemon) return; // Of a unit's ExecReload=: it is in the background already, and its log goes where it went.
        if (settings.Pidfile.Length == 0) throw new FatalError("daemon needs pidfile configured");
        Background.Detach();
        log.LeaveStderr();
    }

    private void WarnOfIgnored(Settings settings, IReadOnlyList<int> inherited)
    {
        if (inherited.Count == 0) return;
        if (settings.ListenAddr.Count > 0) _logger.ListenAddrIgnored();
        if (settings.UnixSocketDir is not ("" or "/tmp")) _logger.UnixSocketDirIgnored();
    }
}
