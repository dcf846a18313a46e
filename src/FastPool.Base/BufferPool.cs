using System.Numerics;

namespace FastPool.Base;

/// <summary>
/// Spare buffers of one loop, by power of two. Belongs to that loop's thread. Small ones are kept for the next
/// connection that must hold bytes for a moment; large ones are few. All are pinned: a gathered send takes their address.
/// </summary>
public sealed class BufferPool
{
    private const int SmallestBits = 8;  // 256 bytes
    private const int LargestBits = 20;  // 1 MiB; larger buffers are left to the collector, which is told.
    private const int LargeStep = 64 * 1024;
    private const int KeptBytesPerClass = 512 * 1024;
    private const int KeptBytesAtRest = 8 * 1024;

    private readonly byte[][][] _spare = new byte[LargestBits - SmallestBits + 1][][];
    private readonly int[] _spareCount = new int[LargestBits - SmallestBits + 1];

    public BufferPool()
    {
        for (var i = 0; i < _spare.Length; i++) _spare[i] = [];
    }

    /// <summary>A buffer of at least <paramref name="bytes"/>, contents undefined.</summary>
    public byte[] Rent(int bytes)
    {
        var index = ClassOf(bytes);
        if (index >= _spare.Length) return NewPinned((int)Math.Min(((long)bytes + LargeStep - 1) & -LargeStep, Array.MaxLength));
        if (_spareCount[index] == 0) return NewPinned(1 << (index + SmallestBits));
        var count = --_spareCount[index];
        var buffer = _spare[index][count];
        _spare[index][count] = null!;
        return buffer;
    }

    public static byte[] NewPinned(int bytes) => GC.AllocateUninitializedArray<byte>(bytes, pinned: true);

    public void Return(byte[] buffer)
    {
        var index = ClassOf(buffer.Length);
        if (index >= _spare.Length || buffer.Length != 1 << (index + SmallestBits))
        {
            GivenUp.Add(buffer.Length);
            return;
        }
        var kept = _spare[index];
        var count = _spareCount[index];
        if (count == kept.Length)
        {
            var most = Math.Max(4, KeptBytesPerClass >> (index + SmallestBits));
            if (count >= most)
            {
                GivenUp.Add(buffer.Length);
                return;
            }
            Array.Resize(ref kept, Math.Min(most, Math.Max(4, count * 2)));
            _spare[index] = kept;
        }
        kept[count] = buffer;
        _spareCount[index] = count + 1;
    }

    /// <summary>
    /// Lets go of all but a few of each size. A crowd, or some large messages, may have left more than is needed for long.
    /// </summary>
    public void GiveBack()
    {
        for (var index = 0; index < _spare.Length; index++)
        {
            var bytes = 1 << (index + SmallestBits);
            var most = KeptBytesAtRest / bytes;
            if (_spare[index].Length <= most) continue;
            var given = Math.Max(0, _spareCount[index] - most);
            _spareCount[index] -= given;
            Array.Resize(ref _spare[index], most);
            GivenUp.AddSpare(given * bytes); // Last: a collection before would find them in use.
        }
    }

    private static int ClassOf(int bytes) =>
        bytes <= 1 << SmallestBits ? 0 : 32 - BitOperations.LeadingZeroCount((uint)(bytes - 1)) - SmallestBits;
}
