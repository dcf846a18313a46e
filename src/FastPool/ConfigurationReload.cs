using FastPool.Base;
using FastPool.Core.Settings;
using FastPool.Logs;
using Microsoft.Extensions.Logging;

namespace FastPool;

/// <summary>
/// The settings in force, and reading them again. All or nothing: a configuration that cannot be read changes nothing. Only
/// the log is opened anew all the same, because log rotation relies on that.
/// </summary>
internal sealed class ConfigurationReload(PoolerLog log, ILogger logger, Func<Settings, LoadResult> load)
{
    private readonly Clock _clock = new SystemClock();
    private Settings? _current;

    internal long DoneCount { get; private set; }

    internal long FailedCount { get; private set; }

    /// <summary>The last one failed.</summary>
    internal bool IsLastBad { get; private set; }

    /// <summary>The time when the settings in force were read, microseconds since 1970.</summary>
    internal long LoadedWallUs { get; private set; }

    /// <summary>The settings in force now.</summary>
    internal Settings Current => _current ?? throw new InvalidOperationException("no settings have been loaded yet");

    /// <summary>These are in force; file and syslog stay open under the names they were opened with.</summary>
    internal void Apply(Settings settings)
    {
        if (_current is null) LoadedWallUs = _clock.WallUs;
        _current = settings;
        log.Apply(settings);
    }

    /// <summary>The work of SIGHUP and RELOAD.</summary>
    /// <returns>False when anything failed.</returns>
    internal bool Reload(IPooler pooler)
    {
        IsLastBad = !TryReload(pooler);
        if (IsLastBad) FailedCount++;
        else (DoneCount, LoadedWallUs) = (DoneCount + 1, _clock.WallUs);
        return !IsLastBad;
    }

    private bool TryReload(IPooler pooler)
    {
        var (settings, messages) = load(Current);
        if (settings is not null) log.Apply(settings);
        logger.Lines(messages); // Still into the old file.
        log.Reopen();
        if (settings is null) return false;
        _current = settings;
        if (pooler.Reload(settings)) return true;
        logger.TlsNotReloaded();
        return false;
    }
}
