using System.Runtime.InteropServices;

namespace FastPool.Net;

/// <summary>
/// How many clients each loop has. Each loop writes its own count and reads the others': balance, not bookkeeping, so a stale
/// value does no harm.
/// </summary>
internal sealed class ClientCounts(int loopCount)
{
    private readonly PaddedCount[] _counts = new PaddedCount[loopCount];

    internal void Add(int loop, int change) => Volatile.Write(ref _counts[loop].Value, _counts[loop].Value + change);

    internal int LeastLoadedLoop(out int count)
    {
        var least = 0;
        count = int.MaxValue;
        for (var i = 0; i < _counts.Length; i++)
        {
            var clients = Volatile.Read(ref _counts[i].Value);
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
