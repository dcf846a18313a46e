using FastPool.Core.Settings;
using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>The lines of the process side. Texts are PgBouncer's wherever it has one, because tools read them.</summary>
internal static partial class ProcessLog
{
    /// <summary>A line whose level and text come from elsewhere.</summary>
    [LoggerMessage(Message = "{Text}", SkipEnabledCheck = true)]
    internal static partial void Line(this ILogger log, LogLevel level, string text);

    /// <summary>Logs the messages of loading the configuration.</summary>
    internal static void Lines(this ILogger log, IReadOnlyList<LogText> messages)
    {
        foreach (var (name, text) in messages)
        {
            var level = LevelWords.Of(name);
            log.Line(level, text);
        }
    }

    [LoggerMessage(LogLevel.Information,
        "kernel file descriptor limit: {Soft} (hard: {Hard}); max_client_conn: {Clients}, max expected fd use: {Expected}")]
    internal static partial void DescriptorLimit(this ILogger log, string soft, string hard, int clients, long expected);

    [LoggerMessage(LogLevel.Error, "could not get RLIMIT_NOFILE: {Error}")]
    internal static partial void NoDescriptorLimit(this ILogger log, string error);

    [LoggerMessage(LogLevel.Information, "stale pidfile, removing")]
    internal static partial void StalePidFile(this ILogger log);

    [LoggerMessage(LogLevel.Warning, "Online restart is deprecated, use so_reuseport instead")]
    internal static partial void RebootIsDeprecated(this ILogger log);

    [LoggerMessage(LogLevel.Information, "old process not found, try to continue normally")]
    internal static partial void NoOldProcess(this ILogger log);

    [LoggerMessage(LogLevel.Warning, "sockets passed from service manager, cf_listen_addr ignored")]
    internal static partial void ListenAddrIgnored(this ILogger log);

    [LoggerMessage(LogLevel.Warning, "sockets passed from service manager, cf_unix_socket_dir ignored")]
    internal static partial void UnixSocketDirIgnored(this ILogger log);

    [LoggerMessage(LogLevel.Error, "TLS configuration could not be reloaded, keeping old configuration")]
    internal static partial void TlsNotReloaded(this ILogger log);
}
