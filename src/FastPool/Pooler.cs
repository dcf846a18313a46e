using FastPool.Core.Settings;
using FastPool.Life;
using FastPool.Logs;
using Microsoft.Extensions.Logging;

namespace FastPool;

/// <summary>
/// The pooler as the process around it sees it: the seam between process life and the data plane. Called on the first thread only,
/// in the order of the members; it logs what it does itself and gives back what the process has to act on.
/// </summary>
public interface IPooler
{
    /// <summary>The engine's way to wait for I/O, for the log.</summary>
    string PollMethod { get; }

    /// <summary>The TLS library, as far as it is known without loading it for that.</summary>
    string TlsLibrary { get; }

    /// <summary>Where it stands now, whoever brought it there.</summary>
    ShutdownState State { get; }

    /// <summary>Makes TLS contexts, while the process still is who started it: root may read the key.</summary>
    /// <returns>Null, or the FATAL text; its cause is logged already.</returns>
    string? Prepare();

    /// <summary>-R, first part: takes over sockets of the process that runs.</summary>
    /// <returns>Null, or the FATAL text.</returns>
    string? TakeOver(out bool isFound);

    /// <summary>Starts loops, resolver and timers, opens the listeners and serves; after a takeover ends the old process first.</summary>
    /// <param name="inherited">Descriptors that listen already and stand in place of our own listeners; mostly none.</param>
    /// <returns>Null, or the FATAL text.</returns>
    string? Start(IReadOnlyList<int> inherited);

    /// <summary>Takes a new snapshot over. Not called when the new configuration could not be read.</summary>
    /// <returns>False when its TLS settings are unusable: the old contexts stay, and that is logged by the process.</returns>
    bool Reload(Settings settings);

    /// <summary>As PAUSE without waiting.</summary>
    void Pause();

    /// <summary>As RESUME, from PAUSE or SUSPEND.</summary>
    void Resume();

    /// <summary>WaitForServers or WaitForClients: begins; when nothing is left to wait for it calls <see cref="IPoolerHost.Exit"/>.</summary>
    void ShutDown(ShutdownMode mode);

    /// <summary>The process ends now: socket files are unlinked, unless suspended. On any thread; must not log, wait or throw.</summary>
    void CleanUp();
}

/// <summary>The process as the pooler sees it. May be called on any thread, returns at once.</summary>
public interface IPoolerHost
{
    /// <summary>The log, for all categories.</summary>
    ILoggerFactory Loggers { get; }

    /// <summary>Console RELOAD: reads the configuration again on the control thread.</summary>
    /// <param name="done">Called there, with the outcome: false when anything failed.</param>
    void Reload(Action<bool> done);

    /// <summary>Console SET, on the control thread so that it does not cross a reload: what is made is in force, and goes to
    /// <see cref="IPooler.Reload"/>.</summary>
    /// <param name="change">Makes the new snapshot from the current one; null changes nothing.</param>
    /// <param name="done">Called after it, with what IPooler.Reload said; true when nothing changed.</param>
    void Change(Func<Settings, Settings?> change, Action<bool> done);

    /// <summary>The statistics line, for the service manager.</summary>
    void Status(string statsLine);

    /// <summary>The process ends. Its last line is logged already.</summary>
    void Exit(int status);
}

/// <summary>Makes the pooler: here the data plane is wired in.</summary>
public static class Pooler
{
    public static IPooler Create(Settings settings, IPoolerHost host) => new Placeholder(settings, host);

    /// <summary>Stands where the data plane will: it has no clients and no servers, so whatever waits for them is over at once.</summary>
    private sealed class Placeholder(Settings settings, IPoolerHost host) : IPooler
    {
        private readonly ILogger _log = host.Loggers.CreateLogger(nameof(Pooler));

        public string PollMethod => "epoll";

        public string TlsLibrary => "OpenSSL";

        public ShutdownState State { get; private set; }

        public string? Prepare() => IsTlsUsable(settings) ? null : "TLS setup failed";

        public string? TakeOver(out bool isFound)
        {
            isFound = false;
            return null;
        }

        public string? Start(IReadOnlyList<int> inherited) => null;

        public bool Reload(Settings settings) => IsTlsUsable(settings);

        public void Pause() => State = State with { Pause = PauseMode.Paused };

        public void Resume() => State = State with { Pause = PauseMode.None };

        public void ShutDown(ShutdownMode mode)
        {
            State = State with { Shutdown = mode };
            bool isForClients = mode == ShutdownMode.WaitForClients;
            _log.Line(LogLevel.Information, isForClients ? "client connections dropped, exiting" : "server connections dropped, exiting");
            host.Exit(0);
        }

        public void CleanUp()
        {
        }

        private bool IsTlsUsable(Settings checkedSettings)
        {
            if (TlsChecks.Check(checkedSettings) is not { } mistake) return true;
            _log.Lines([mistake]);
            return false;
        }
    }
}
