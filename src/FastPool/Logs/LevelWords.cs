using FastPool.Core.Settings;
using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>The levels of .NET, the words of the log, and the priorities of syslog, side by side.</summary>
public static class LevelWords
{
    private const int SyslogCritical = 2;
    private const int SyslogError = 3;
    private const int SyslogWarning = 4;
    private const int SyslogInfo = 6;
    private const int SyslogDebug = 7;

    public static ReadOnlySpan<byte> Word(LogLevel level) => level switch
    {
        LogLevel.Critical => "FATAL"u8,
        LogLevel.Error => "ERROR"u8,
        LogLevel.Warning => "WARNING"u8,
        LogLevel.Information => "LOG"u8,
        LogLevel.Debug => "DEBUG"u8,
        _ => "NOISE"u8,
    };

    public static int SyslogPriority(LogLevel level) => level switch
    {
        LogLevel.Critical => SyslogCritical,
        LogLevel.Error => SyslogError,
        LogLevel.Warning => SyslogWarning,
        LogLevel.Information => SyslogInfo,
        _ => SyslogDebug,
    };

    public static LogLevel Of(LogLevelName name) => name switch
    {
        LogLevelName.Fatal => LogLevel.Critical,
        LogLevelName.Error => LogLevel.Error,
        LogLevelName.Warning => LogLevel.Warning,
        LogLevelName.Log => LogLevel.Information,
        LogLevelName.Debug => LogLevel.Debug,
        _ => LogLevel.Trace,
    };

    /// <summary>The least severe level that is written at a verbosity: 0 LOG, 1 DEBUG, from 2 on NOISE.</summary>
    public static LogLevel Least(int verbose) => verbose switch
    {
        <= 0 => LogLevel.Information,
        1 => LogLevel.Debug,
        _ => LogLevel.Trace,
    };
}
