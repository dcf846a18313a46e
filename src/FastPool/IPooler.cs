using FastPool.Control.Answers;
using FastPool.Control.Operations;
using FastPool.Core.Settings;
using FastPool.Life;
using Microsoft.Extensions.Logging;

namespace FastPool;

/// <summary>
/// The pooler as the process around it sees it: the seam between process life and the data plane. Called on the first thread
/// only, in the order of the members; it logs what it does itself and gives back what the process has to act on.
/// </summary>
public interface IPooler
{
    /// <summary>The engine's way to wait for I/O, for the log.</summary>
    string PollMethod { get; }

    /// <summary>The TLS library, as far as it is known without loading it for that.</summary>
    string TlsLibrary { get; }

    /// <summary>The state it is in now, whatever brought it there.</summary>
    ShutdownState State { get; }

    /// <summary>Makes TLS contexts while the process still runs as the user that started it: root may read the key.</summary>
    /// <returns>Null, or the FATAL text; its cause is logged already.</returns>
    string? Prepare();

    /// <summary>-R, first part: takes over sockets of the process that runs.</summary>
    /// <returns>Null, or the FATAL text.</returns>
    string? TakeOver(out bool isFound);

    /// <summary>
    /// Starts loops, resolver and timers, opens the listeners and serves; after a takeover ends the old process first.
    /// </summary>
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

    /// <summary>
    /// WaitForServers or WaitForClients: begins; when nothing is left to wait for it calls <see cref="IPoolerHost.Exit"/>.
    /// </summary>
    void ShutDown(ShutdownMode mode);

    /// <summary>The process ends at once: clients are told, in half a second at most.</summary>
    void TellAll();

    /// <summary>
    /// The process ends now: socket files are unlinked, unless suspended. On any thread; must not log, wait or throw.
    /// </summary>
    void CleanUp();
}

/// <summary>The process as the pooler sees it.</summary>
public interface IPoolerHost
{
    /// <summary>The log, for all categories.</summary>
    ILoggerFactory Loggers { get; }

    /// <summary>Reads the configuration again and hands it to <see cref="IPooler.Reload"/>. On the control thread.</summary>
    /// <returns>False when anything failed; the log has the cause.</returns>
    bool Reload();

    /// <summary>Facts about the process for monitoring. On the control thread.</summary>
    ProcessFigures Figures();

    /// <summary>SET has made these; they are in force. On the control thread.</summary>
    void SettingsApplied(Settings settings);

    /// <summary>The statistics line, for the service manager. Any thread.</summary>
    void Status(string statsLine);

    /// <summary>Everything is prepared to go on in another process's place, which is about to be told to go.</summary>
    void TakesOver();

    /// <summary>
    /// Another process has taken over; this one has a little left to do. The clean-up of its end is done now. On
    /// the control thread.
    /// </summary>
    void HandedOver();

    /// <summary>The process ends. Its last line is logged already. Any thread.</summary>
    void Exit(int status);
}
