namespace FastPool.Core.Settings;

/// <summary>The levels of a log line, most severe first, as the log prints them in capitals.</summary>
public enum LogLevelName
{
    Fatal,
    Error,
    Warning,
    Log,
    Debug,
    Noise,
}

/// <summary>One line for the log: this room writes none itself; the loader's caller passes them on in order.</summary>
/// <param name="Level">How severe.</param>
/// <param name="Text">One char a byte, see <see cref="ByteText"/>.</param>
public readonly record struct LogText(LogLevelName Level, string Text)
{
    public static LogText Error(string text) => new(LogLevelName.Error, text);

    public static LogText Warning(string text) => new(LogLevelName.Warning, text);
}
