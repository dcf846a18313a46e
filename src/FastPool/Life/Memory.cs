using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>Memory that is not needed any more goes back to the system.</summary>
internal static class Memory
{
    /// <summary>The code and the constants that are in memory. For a moment in which one thread runs.</summary>
    internal static IReadOnlyList<(nuint Start, nuint Bytes)> OfStart() => ProgramPages.Unchanged();

    /// <summary>
    /// The code and the constants: those of the start, which is over, or of a storm. Those that are used come back by themselves.
    /// </summary>
    /// <param name="ofStart">See <see cref="OfStart"/>.</param>
    internal static void GiveBackProgram(IReadOnlyList<(nuint Start, nuint Bytes)> ofStart) =>
        ProgramPages.GiveBack(ProgramPages.StillUnchanged(ofStart, ProgramPages.Unchanged()));

    /// <summary>
    /// Gives what reading a configuration leaves behind back to the system at once. The runtime itself would wait for the next
    /// collection, which a process that allocates next to nothing may not see for days. Stops all threads for as long as it
    /// takes to mark what is left: the settings, mostly. Not for the way of a RELOAD, which its sender waits for:
    /// <see cref="MemoryKeeper"/> sees to that.
    /// </summary>
    internal static void GiveBack() =>
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
