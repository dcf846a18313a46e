namespace FastPool.Core.Settings;

/// <summary>The common rules for values of [databases], [users] and [peers]: numbers are atoi's, so junk is 0.</summary>
internal static class EntryText
{
    private const long MicrosecondsPerSecond = 1_000_000;

    /// <summary>A negative size inherits.</summary>
    internal static int? SizeOrInherit(string value)
    {
        var size = CNumber.Atoi(value);
        return size < 0 ? null : size;
    }

    /// <summary>Whole seconds as microseconds.</summary>
    internal static long SecondsToUs(string value) => CNumber.Atoi(value) * MicrosecondsPerSecond;

    /// <summary>Whole seconds as microseconds; a negative time inherits.</summary>
    internal static long? SecondsOrInherit(string value) => SecondsToUs(value) is >= 0 and var us ? us : null;

    /// <summary>A value longer than its place is cut with a warning, not refused, as in PgBouncer.</summary>
    internal static string Cut(string value, int bytesMax, string what, string owner, List<LogText> log)
    {
        if (value.Length <= bytesMax) return value;
        log.Add(LogText.Warning($"{what} of {owner} is longer than {bytesMax} bytes - string truncated"));
        return value[..bytesMax];
    }
}
