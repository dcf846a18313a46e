using System.Diagnostics;

namespace FastPool.Base;

/// <summary>Time as a port: sessions and pools run on a simulated one.</summary>
public abstract class Clock
{
    /// <summary>Monotonic microseconds; never 0, so that 0 may stand for "not running".</summary>
    public abstract long NowUs { get; }

    /// <summary>Wall clock, microseconds since 1970-01-01 UTC.</summary>
    public abstract long WallUs { get; }
}

/// <summary>The machine's clock.</summary>
public sealed class SystemClock : Clock
{
    private static readonly double UsPerTick = 1_000_000d / Stopwatch.Frequency;

    public override long NowUs => (long)(Stopwatch.GetTimestamp() * UsPerTick) + 1;

    public override long WallUs => (TimeProvider.System.GetUtcNow().UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / 10;
}
