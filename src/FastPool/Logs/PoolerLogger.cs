using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>The rest of the program sees this of <see cref="PoolerLog"/>.</summary>
internal sealed class PoolerLogger(PoolerLog log) : ILogger
{
    public bool IsEnabled(LogLevel logLevel) => log.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!log.IsEnabled(logLevel)) return;
        var text = formatter(state, exception);
        log.Write(logLevel, exception is null ? text : $"{text}: {exception}");
    }

    /// <summary>The log's format has no place for scopes.</summary>
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
}
