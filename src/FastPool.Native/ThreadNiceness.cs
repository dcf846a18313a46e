namespace FastPool.Native;

/// <summary>
/// How much the calling thread matters. Source: setpriority(2): with Linux each thread has a niceness of its own.
/// </summary>
public static class ThreadNiceness
{
    private const int OfProcess = 0;
    private const uint Caller = 0;

    /// <summary>Lets other threads go first.</summary>
    /// <param name="niceness">1 – 19, the more the less it gets.</param>
    public static void GiveWay(int niceness) => _ = Libc.SetPriority(OfProcess, Caller, niceness);
}
