using System.Runtime.InteropServices;

namespace FastPool.Bench;

/// <summary>A word on lines of its own by which two threads take turns.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal sealed class Lockstep
{
    [FieldOffset(128)]
    private int _turn;

    /// <summary>Waits, without sleep, until it is that thread's turn.</summary>
    public void Await(int turn)
    {
        while (Volatile.Read(ref _turn) != turn)
        {
            // Pairs: Give. Nothing between two looks: each would add to what is measured.
        }
    }

    public void Give(int turn) => Volatile.Write(ref _turn, turn); // Pairs: Await.

    public void Add() => Interlocked.Increment(ref _turn); // Pairs: the same of the other thread.
}
