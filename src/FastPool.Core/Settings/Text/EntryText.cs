namespace FastPool.Core.Settings;

/// <summary>What the values of [databases], [users] and [peers] have in common: numbers are atoi's, so junk is 0.</summary>
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

    /// <summary>What is longer than its place has always been cut, with a warning, rather than refused.</summary>
    internal static string Cut(string value, int bytesMax, string what, string owner, List<LogText> log)
    {
        if (value.Length <= bytesMax) return value;
        log.Add(LogText.Warning($"{what} of {owner} is longer than {bytesMax} bytes - string truncated"));
        return value[..bytesMax];
    }
}
