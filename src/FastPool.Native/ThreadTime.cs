using System.Buffers.Text;

namespace FastPool.Native;

/// <summary>The processor time of the calling thread.</summary>
public static unsafe class ThreadTime
{
    private const int ThreadCpuTime = 3;
    private const long UsPerSecond = 1_000_000;
    private const long NsPerUs = 1000;
    private const int LineBytesMax = 128;
    private const int CloseOnExec = 0x80000; // O_CLOEXEC, and O_RDONLY is 0.

    /// <summary>
    /// CPU time since the thread's start, microseconds; 0 where the system does not tell. Source: clock_gettime(2),
    /// CLOCK_THREAD_CPUTIME_ID.
    /// </summary>
    public static long CpuUs
    {
        get
        {
            TimeSpec time;
            return Libc.ClockGetTime(ThreadCpuTime, &time) == 0 ? (time.Seconds * UsPerSecond) + (time.Nanoseconds / NsPerUs) : 0;
        }
    }

    /// <summary>
    /// The time for which the thread had a processor, and that for which it waited for one, since its start, microseconds.
    /// Where the system does not tell of the waits, <see cref="CpuUs"/> and 0. Source: Scheduler Statistics of the kernel's
    /// documentation, /proc/&lt;pid&gt;/schedstat.
    /// </summary>
    public static (long RanUs, long WaitedUs) Times
    {
        get
        {
            int file;
            fixed (byte* path = "/proc/thread-self/schedstat\0"u8) file = Libc.Open(path, CloseOnExec, 0);
            if (file < 0) return (CpuUs, 0);
            var line = stackalloc byte[LineBytesMax];
            var count = Libc.Read(file, line, LineBytesMax);
            Libc.Close(file);
            return count > 0 && TryRead(new ReadOnlySpan<byte>(line, count), out var times) ? times : (CpuUs, 0);
        }
    }

    /// <param name="line">Nanoseconds on a processor, nanoseconds of waits for one, time slices.</param>
    internal static bool TryRead(ReadOnlySpan<byte> line, out (long RanUs, long WaitedUs) times)
    {
        times = default;
        if (!Utf8Parser.TryParse(line, out long ran, out var length) || length + 1 >= line.Length
            || !Utf8Parser.TryParse(line[(length + 1)..], out long waited, out _) || ran == 0) return false;
        times = (ran / NsPerUs, waited / NsPerUs);
        return true;
    }
}
