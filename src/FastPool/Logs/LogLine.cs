using Microsoft.Extensions.Logging;

namespace FastPool.Logs;

/// <summary>A line that is ready to be written. Valid until the next one is made.</summary>
/// <param name="level">How severe.</param>
/// <param name="whole">Stamp, pid, level and text with a line feed: what a file and stderr get.</param>
/// <param name="text">The text alone, without a line feed at its end: what syslog and the journal get.</param>
public readonly ref struct LogLine(LogLevel level, ReadOnlySpan<byte> whole, ReadOnlySpan<byte> text)
{
    public LogLevel Level { get; } = level;

    public ReadOnlySpan<byte> Whole { get; } = whole;

    public ReadOnlySpan<byte> Text { get; } = text;
}
