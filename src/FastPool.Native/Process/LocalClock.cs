namespace FastPool.Native.Process;

/// <summary>
/// Local time as the log prints it. The zone is the C library's %Z, which is what tools that read the log expect; .NET's own
/// names differ. Not for several threads at once.
/// </summary>
public sealed unsafe class LocalClock
{
    /// <summary>Longest stamp in bytes.</summary>
    public const int BytesMax = 48;

    private const int DateAndTimeBytes = 19;
    private const int ZoneBytesMax = 20;

    private readonly byte[] _dateAndTime = new byte[DateAndTimeBytes + 1];
    private readonly byte[] _zone = new byte[ZoneBytesMax + 1];
    private int _zoneBytes;
    private long _second = long.MinValue; // The second that the two texts above show. A second has many lines.

    public LocalClock() => Libc.TzSet();

    /// <summary>Microseconds since the machine started, which is what a service manager compares with.</summary>
    public static long MonotonicUs()
    {
        const int Monotonic = 1; // CLOCK_MONOTONIC
        TimeSpec time;
        _ = Libc.ClockGetTime(Monotonic, &time);
        return (time.Seconds * 1_000_000L) + (time.Nanoseconds / 1000);
    }

    /// <summary>Writes the stamp of now: YYYY-MM-DD HH:MM:SS.mmm TZ.</summary>
    /// <returns>Bytes written.</returns>
    public int Write(Span<byte> destination)
    {
        const int Realtime = 0; // CLOCK_REALTIME
        TimeSpec time;
        _ = Libc.ClockGetTime(Realtime, &time);
        return Write(time.Seconds, (int)(time.Nanoseconds / 1_000_000), destination);
    }

    /// <summary>Writes the stamp of a moment.</summary>
    public int Write(long unixSecond, int millisecond, Span<byte> destination)
    {
        if (unixSecond != _second) Format(unixSecond);
        _dateAndTime.AsSpan(0, DateAndTimeBytes).CopyTo(destination);
        destination[DateAndTimeBytes] = (byte)'.';
        destination[DateAndTimeBytes + 1] = (byte)('0' + (millisecond / 100));
        destination[DateAndTimeBytes + 2] = (byte)('0' + (millisecond / 10 % 10));
        destination[DateAndTimeBytes + 3] = (byte)('0' + (millisecond % 10));
        destination[DateAndTimeBytes + 4] = (byte)' ';
        _zone.AsSpan(0, _zoneBytes).CopyTo(destination[(DateAndTimeBytes + 5)..]);
        return DateAndTimeBytes + 5 + _zoneBytes;
    }

    private void Format(long unixSecond)
    {
        const int BrokenDownBytes = 128; // struct tm has 56.
        var brokenDown = stackalloc byte[BrokenDownBytes];
        _ = Libc.LocalTime(&unixSecond, brokenDown);
        fixed (byte* text = _dateAndTime, format = "%Y-%m-%d %H:%M:%S\0"u8)
        {
            _ = Libc.StrFTime(text, DateAndTimeBytes + 1, format, brokenDown);
        }

        fixed (byte* text = _zone, format = "%Z\0"u8)
        {
            _zoneBytes = (int)Libc.StrFTime(text, ZoneBytesMax + 1, format, brokenDown);
        }

        _second = unixSecond;
    }
}
