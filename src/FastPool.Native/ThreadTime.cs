namespace FastPool.Native;

/// <summary>The processor time of the calling thread.</summary>
public static unsafe class ThreadTime
{
    private const int ThreadCpuTime = 3;
    private const long UsPerSecond = 1_000_000;
    private const long NsPerUs = 1000;

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
}
