namespace FastPool.Base;

/// <summary>
/// After a storm of logins or of large messages the pooler has come to rest: spare memory, kept for the next of them, is let go.
/// Its owners look at the number when they have time, a loop with its tick.
/// </summary>
public static class MemoryRest
{
    private static int _number;

    /// <summary>How many have begun since the process did.</summary>
    public static int Number => Volatile.Read(ref _number); // Pairs: Begin.

    /// <summary>Any thread.</summary>
    public static void Begin() => Interlocked.Increment(ref _number); // Pairs: Number.
}
