using System.Numerics;
using System.Runtime.CompilerServices;

namespace FastPool.Core.Pools;

/// <summary>
/// How long something took, over and over: counts by log-linear buckets. Below 64 µs every microsecond has its own bucket;
/// above, each octave is cut into 32, so that a value read back from the middle of its bucket is at most 1.6 % off. The
/// counters of an octave exist from the first value in it on: what always takes the same time costs a few hundred bytes,
/// and what never happens next to nothing.
/// <para>
/// One loop's thread records, without a fence; a reader on another thread sees each word whole and at most a moment old.
/// </para>
/// </summary>
public sealed class LatencyHistogram(HistogramBlocks spare)
{
    /// <summary>Buckets of one octave.</summary>
    public const int BlockSize = 32;

    /// <summary>The first block is 0–31 µs, each further one an octave, the last one ends beyond a day.</summary>
    public const int BlockCount = MsbMax - BlockBits + 2;

    /// <summary>All values from here on are in the last bucket, microseconds: 38 hours.</summary>
    public const long ValueMax = (1L << (MsbMax + 1)) - 1;

    private const int BlockBits = 5;
    private const int MsbMax = 36;

    private long[]?[]? _blocks;
    private long _count;
    private long _sumUs;
    private double _squareSum;
    private long _maxUs;

    /// <summary>Values recorded.</summary>
    public long Count => Volatile.Read(ref _count); // Pairs: Record.

    /// <summary>Adds a value. The loop's thread.</summary>
    /// <param name="us">Microseconds; below 0 counts as 0.</param>
    public void Record(long us)
    {
        if ((ulong)us > (ulong)ValueMax) us = us < 0 ? 0 : ValueMax;
        var (block, slot) = Place(us);
        var counts = (_blocks ?? OpenIndex())[block] ?? Open(block);
        counts[slot]++;
        _sumUs += us;
        _squareSum += (double)us * us;
        if (us > _maxUs) _maxUs = us;
        _count++;
    }

    private long[]?[] OpenIndex()
    {
        var blocks = spare.TakeIndex();
        Volatile.Write(ref _blocks, blocks); // Pairs: AddTo.
        return blocks;
    }

    private long[] Open(int block)
    {
        var counts = spare.Take();
        Volatile.Write(ref _blocks![block], counts); // Pairs: AddTo.
        return counts;
    }

    /// <summary>Block and place in it of a value of at most <see cref="ValueMax"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (int Block, int Slot) Place(long us)
    {
        if (us < BlockSize) return (0, (int)us);
        var msb = BitOperations.Log2((ulong)us);
        return (msb - BlockBits + 1, (int)(us >> (msb - BlockBits)) & (BlockSize - 1));
    }

    /// <summary>The first value of a bucket, microseconds.</summary>
    internal static long FloorOf(int block, int slot) => block == 0 ? slot : (long)(BlockSize + slot) << (block - 1);

    /// <summary>How many values share a bucket of the block.</summary>
    internal static long WidthOf(int block) => block <= 1 ? 1 : 1L << (block - 1);

    /// <summary>Adds all this to a reader's sum. Any thread.</summary>
    public void AddTo(HistogramSum sum)
    {
        var count = 0L;
        if (Volatile.Read(ref _blocks) is not { } blocks) return; // Pairs: OpenIndex.
        for (var block = 0; block < BlockCount; block++)
        {
            if (Volatile.Read(ref blocks[block]) is not { } counts) continue; // Pairs: Open.
            var target = sum.BlockOf(block);
            for (var slot = 0; slot < BlockSize; slot++)
            {
                var value = Volatile.Read(ref counts[slot]);
                target[slot] += value;
                count += value;
            }
        }
        sum.Add(count, Volatile.Read(ref _sumUs), Volatile.Read(ref _squareSum), Volatile.Read(ref _maxUs));
    }
}

/// <summary>
/// Counters that one loop keeps ready for values in octaves never seen before. The loop's tick fills it up, so that a
/// transaction finds one made; when hundreds of pools begin at once some are made on the spot.
/// </summary>
public sealed class HistogramBlocks
{
    private const int Kept = 32;
    private const int IndexesKept = 8;

    private readonly long[]?[] _spare = new long[]?[Kept];
    private readonly long[]?[]?[] _spareIndexes = new long[]?[]?[IndexesKept];
    private int _count;
    private int _indexCount;

    public HistogramBlocks() => Fill();

    internal long[] Take()
    {
        if (_count == 0) return new long[LatencyHistogram.BlockSize];
        var block = _spare[--_count]!;
        _spare[_count] = null;
        return block;
    }

    /// <summary>Room for the blocks of one histogram.</summary>
    internal long[]?[] TakeIndex()
    {
        if (_indexCount == 0) return new long[]?[LatencyHistogram.BlockCount];
        var index = _spareIndexes[--_indexCount]!;
        _spareIndexes[_indexCount] = null;
        return index;
    }

    /// <summary>The janitor's round.</summary>
    public void Fill()
    {
        while (_indexCount < IndexesKept) _spareIndexes[_indexCount++] = new long[]?[LatencyHistogram.BlockCount];
        while (_count < Kept) _spare[_count++] = new long[LatencyHistogram.BlockSize];
    }
}
