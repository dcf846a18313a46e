namespace FastPool.Core.Settings;

/// <summary>What FastPool has beyond PgBouncer: the optional [fastpool] section. All of it is fixed until restart.</summary>
public sealed class FastPoolSettings
{
    /// <summary>The environment's word for loops, stronger than the file's.</summary>
    public const string LoopsVariable = "FASTPOOL_LOOPS";

    private FastPoolSettings(int loops) => Loops = loops;

    public static FastPoolSettings Default { get; } = new(0);

    /// <summary>Threads that carry traffic; 0: chosen from the cores.</summary>
    public int Loops { get; }

    /// <summary>With one key set.</summary>
    /// <param name="key">Of the section.</param>
    /// <param name="value">As it stands in the file.</param>
    /// <param name="error">The reason when there is one of its own.</param>
    /// <returns>Null when it is refused.</returns>
    public FastPoolSettings? TrySet(string key, string value, out string? error)
    {
        error = key == "loops" ? null : $"unknown parameter: fastpool/{key}";
        if (error is not null || !CNumber.TryInt(value, out int loops) || loops < 0) return null;
        return new FastPoolSettings(loops);
    }
}
