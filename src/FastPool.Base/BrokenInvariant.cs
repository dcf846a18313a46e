namespace FastPool.Base;

/// <summary>How the log tells of something that our own code has thrown where nothing may be thrown.</summary>
public static class BrokenInvariant
{
    private const int FramesMax = 6;

    /// <summary>One line: the place, what was thrown, and where it came from.</summary>
    public static string Text(string place, Exception thrown)
    {
        var frames = (thrown.StackTrace ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Take(FramesMax);
        return $"broken invariant in {place}: {thrown.GetType().Name}: {thrown.Message} [{string.Join("; ", frames)}]";
    }
}
