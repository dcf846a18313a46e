using FastPool.Control.Answers;
using FastPool.Core.Settings;

namespace FastPool.Control.Operations;

/// <summary>The result of a reload.</summary>
/// <param name="HasSucceeded">False: the main file could not be read; everything is as it was.</param>
public readonly record struct ReloadResult(bool HasSucceeded);

/// <summary>The process, as the control plane sees it. Called on the control thread.</summary>
public interface IProcessControl
{
    /// <summary>
    /// Reads all files again, reopens the log and calls <see cref="SettingsInForce.Apply"/>; the log has the cause of a failure.
    /// </summary>
    ReloadResult Reload();

    /// <summary>Begins to shut down, or changes the way of a shutdown under way; see <see cref="ShutdownWatch"/>.</summary>
    void Shutdown(ShutdownMode mode);

    /// <summary>
    /// Another process goes on in our place, but for connections that it could not take: listeners, pid file and endpoint are its
    /// own from now on.
    /// </summary>
    void Retire();

    /// <summary>New settings are in force: level and targets of the log follow them.</summary>
    void SettingsApplied(Settings settings);

    /// <summary>The statistics line of the period that has just ended, whether it is logged or not.</summary>
    void StatsReported(string line);

    /// <summary>Facts about the process for monitoring.</summary>
    ProcessFigures Figures();

    /// <summary>Builds the TLS contexts of clients and servers anew, from the settings and the files they name.</summary>
    /// <returns>False when that failed: the old ones stay, and the log has the cause.</returns>
    bool TryApplyTls(Settings settings);
}
