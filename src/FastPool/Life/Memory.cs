namespace FastPool.Life;

/// <summary>The memory that reading a configuration leaves behind.</summary>
internal static class Memory
{
    /// <summary>
    /// Gives it back to the system at once. The runtime itself would wait for the next collection, which a process that allocates
    /// next to nothing may not see for days. Stops all threads for as long as it takes to mark what is left: the settings,
    /// mostly. Not for the way of a RELOAD, which its sender waits for: <see cref="MemoryKeeper"/> sees to that.
    /// </summary>
    internal static void GiveBack() =>
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
