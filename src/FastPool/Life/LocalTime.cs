using System.Text;
using FastPool.Control;
using FastPool.Control.Answers;
using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>The console's timestamps: local time with strftime's zone. Control thread.</summary>
internal sealed class LocalTime : ILocalTime
{
    private const long UsPerSecond = 1_000_000;
    private const int SecondsEnd = 19;
    private const int ZoneAt = 23; // Behind the milliseconds, which the console does not show.

    private readonly LocalClock _clock = new();

    public string Format(long wallUs)
    {
        Span<byte> stamp = stackalloc byte[LocalClock.BytesMax];
        var count = _clock.Write(wallUs / UsPerSecond, 0, stamp);
        return Encoding.Latin1.GetString(stamp[..SecondsEnd]) + Encoding.Latin1.GetString(stamp[ZoneAt..count]);
    }
}
