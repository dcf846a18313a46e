using System.Runtime.InteropServices;

namespace FastPool.Net;

/// <summary>
/// How busy each loop was lately. Each loop writes its own figure and reads the others': balance, not bookkeeping, so a stale
/// value does no harm.
/// </summary>
internal sealed class LoopLoads
{
    /// <summary>
    /// The clients of the loop were others for a part of the time: what was measured says nothing of what will be.
    /// </summary>
    internal const int Unknown = -1;

    private const int UnknownBit = 1 << 30;

    private readonly PaddedLoad[] _loads;

    internal LoopLoads(int loopCount)
    {
        _loads = new PaddedLoad[loopCount];
        for (var i = 0; i < loopCount; i++) this[i] = Unknown;
    }

    internal int Count => _loads.Length;

    /// <summary>Thousandths of the time in which the loop had a processor.</summary>
    internal int this[int loop]
    {
        get => Volatile.Read(ref _loads[loop].Value) is var load && (load & UnknownBit) != 0 ? Unknown : load;
        set => Volatile.Write(ref _loads[loop].Value, value == Unknown ? _loads[loop].Value | UnknownBit : value);
    }

    /// <summary>As it was measured last, with whatever clients.</summary>
    internal int LastOf(int loop) => Volatile.Read(ref _loads[loop].Value) & ~UnknownBit;

    /// <summary>Of all loops, as it was measured last.</summary>
    internal int Total
    {
        get
        {
            var total = 0;
            for (var i = 0; i < _loads.Length; i++) total += LastOf(i);
            return total;
        }
    }

    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct PaddedLoad
    {
        [FieldOffset(0)] internal int Value;
    }
}
