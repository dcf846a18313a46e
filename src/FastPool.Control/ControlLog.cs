using FastPool.Core.Settings;
using Microsoft.Extensions.Logging;

namespace FastPool.Control;

/// <summary>The lines of the control plane, word for word as tools grep for them. Information is PgBouncer's LOG.</summary>
internal static partial class ControlLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Command} command issued")]
    public static partial void CommandIssued(this ILogger log, string command);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Line}")]
    public static partial void Line(this ILogger log, string line);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Line}")]
    public static partial void WarningLine(this ILogger log, string line);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Line}")]
    public static partial void ErrorLine(this ILogger log, string line);

    [LoggerMessage(Level = LogLevel.Error, Message = "control plane: {Reason}")]
    public static partial void ControlFailed(this ILogger log, string reason, Exception failure);

    /// <summary>A line that the settings room left to be written.</summary>
    public static void Write(this ILogger log, LogText text)
    {
        switch (text.Level)
        {
            case LogLevelName.Fatal or LogLevelName.Error: log.ErrorLine(text.Text); break;
            case LogLevelName.Warning: log.WarningLine(text.Text); break;
            default: log.Line(text.Text); break;
        }
    }
}
