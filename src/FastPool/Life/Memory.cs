namespace FastPool.Life;

/// <summary>What reading a configuration leaves behind.</summary>
internal static class Memory
{
    /// <summary>
    /// Gives it back to the system at once. The runtime itself would wait for the next collection, which a process that allocates
    /// next to nothing may not see for days. Stops all threads for as long as it takes to mark what is left: the settings, mostly.
    /// Measured with a userlist of 100,000: resident 29 MB in place of 44 after the start, and 53 MB in place of 290 after twenty
    /// reloads; with a small configuration half a millisecond at most.
    /// </summary>
    internal static void GiveBack() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
