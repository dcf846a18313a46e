using System.Runtime.InteropServices;

namespace FastPool.Net;

/// <summary>
/// How many clients each loop has that it could not hand over: those that log in, those of session pooling, which keep their
/// servers, and those that another loop has accepted for it.
/// </summary>
internal sealed class BoundClients(int loopCount)
{
    /// <summary>A loop with more than that is full: they could fill it, and there would be no help.</summary>
    internal const int Most = 16;

    private readonly PaddedCount[] _counts = new PaddedCount[loopCount];

    internal int this[int loop] => Volatile.Read(ref _counts[loop].Value);

    internal void Add(int loop, int change) => Interlocked.Add(ref _counts[loop].Value, change); // Pairs: the same of others.

    /// <summary>Of all loops.</summary>
    internal int Total
    {
        get
        {
            var total = 0;
            for (var i = 0; i < _counts.Length; i++) total += this[i];
            return total;
        }
    }

    /// <summary>The one with the fewest of the first so many loops.</summary>
    internal int LoopWithFewest(int loops, out int count)
    {
        var least = 0;
        count = int.MaxValue;
        for (var i = 0; i < loops; i++)
        {
            var clients = this[i];
            if (clients >= count) continue;
            count = clients;
            least = i;
        }
        return least;
    }

    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct PaddedCount
    {
        [FieldOffset(0)] internal int Value;
    }
}
