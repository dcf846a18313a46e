namespace FastPool.Core.Pools;

/// <summary>
/// Histograms added up by a reader, or what was recorded between two readings: count, average, deviation, percentiles.
/// Belongs to its reader's thread.
/// </summary>
public sealed class HistogramSum
{
    private long[]?[] _blocks = []; // Only as many as lie between the first and the last: many sums have one.
    private int _first; // Number of the block that stands first.

    /// <summary>Values.</summary>
    public long Count { get; private set; }

    /// <summary>Sum of all values, microseconds.</summary>
    public long SumUs { get; private set; }

    private double SquareSum { get; set; }

    /// <summary>The greatest value, microseconds: exact since the start; of a span at most 1.6 % too great.</summary>
    public long MaxUs { get; private set; }

    /// <summary>Microseconds; 0 without values.</summary>
    public double AverageUs => Count == 0 ? 0 : (double)SumUs / Count;

    /// <summary>Standard deviation, microseconds.</summary>
    public double DeviationUs
    {
        get
        {
            if (Count == 0) return 0;
            var average = AverageUs;
            return Math.Sqrt(Math.Max(0, (SquareSum / Count) - (average * average)));
        }
    }

    /// <summary>For another sum, in the same memory.</summary>
    public void Clear()
    {
        foreach (var block in _blocks) block?.AsSpan().Clear();
        (Count, SumUs, SquareSum, MaxUs) = (0, 0, 0, 0);
    }

    internal long[] BlockOf(int block)
    {
        if (_blocks.Length == 0) _first = block;
        var before = Math.Max(0, _first - block);
        var length = before + Math.Max(_blocks.Length, block - _first + 1);
        if (length > _blocks.Length)
        {
            var blocks = new long[]?[length];
            _blocks.CopyTo(blocks, before);
            (_blocks, _first) = (blocks, _first - before);
        }
        return _blocks[block - _first] ??= new long[LatencyHistogram.BlockSize];
    }

    /// <summary>The counts of one block; null: it has no values.</summary>
    private long[]? Find(int block) => (uint)(block - _first) < (uint)_blocks.Length ? _blocks[block - _first] : null;

    internal void Add(long count, long sumUs, double squareSum, long maxUs)
    {
        Count += count;
        SumUs += sumUs;
        SquareSum += squareSum;
        MaxUs = Math.Max(MaxUs, maxUs);
    }

    public void Add(HistogramSum other)
    {
        for (var block = 0; block < LatencyHistogram.BlockCount; block++)
        {
            if (other.Find(block) is not { } counts) continue;
            var target = BlockOf(block);
            for (var slot = 0; slot < counts.Length; slot++) target[slot] += counts[slot];
        }
        Add(other.Count, other.SumUs, other.SquareSum, other.MaxUs);
    }

    /// <summary>The values recorded since an earlier reading of the same histograms.</summary>
    public HistogramSum Since(HistogramSum? then)
    {
        if (then is null) return this;
        var span = new HistogramSum();
        var highest = -1L;
        for (var block = 0; block < LatencyHistogram.BlockCount; block++)
        {
            if (Find(block) is not { } counts) continue;
            var before = then.Find(block);
            for (var slot = 0; slot < counts.Length; slot++)
            {
                var count = Math.Max(0, counts[slot] - (before?[slot] ?? 0));
                if (count == 0) continue;
                span.BlockOf(block)[slot] = count;
                span.Count += count;
                highest = LatencyHistogram.FloorOf(block, slot) + LatencyHistogram.WidthOf(block) - 1;
            }
        }
        span.SumUs = Math.Max(0, SumUs - then.SumUs);
        span.SquareSum = Math.Max(0, SquareSum - then.SquareSum);
        span.MaxUs = Math.Max(0, Math.Min(MaxUs, highest));
        return span;
    }

    /// <summary>The value that the share of all values does not exceed: the middle of the bucket it is in.</summary>
    /// <param name="share">0.5 is the median.</param>
    public long PercentileUs(double share)
    {
        var rank = Math.Max(1, (long)Math.Ceiling(Count * share));
        var seen = 0L;
        for (var block = 0; block < LatencyHistogram.BlockCount; block++)
        {
            if (Find(block) is not { } counts) continue;
            for (var slot = 0; slot < counts.Length; slot++)
            {
                seen += counts[slot];
                if (seen < rank) continue;
                return Math.Min(MaxUs, LatencyHistogram.FloorOf(block, slot) + (LatencyHistogram.WidthOf(block) / 2));
            }
        }
        return 0;
    }

    /// <summary>
    /// How many values are below each power of two: at index e those below two to the power of e microseconds, from e = 5
    /// on. Exact, since buckets end there.
    /// </summary>
    public long[] CountsBelowPowersOf2()
    {
        const int FirstEnd = 5;
        var below = new long[LatencyHistogram.BlockCount + FirstEnd];
        var seen = 0L;
        for (var block = 0; block < LatencyHistogram.BlockCount; block++)
        {
            foreach (var count in Find(block) ?? []) seen += count;
            below[block + FirstEnd] = seen;
        }
        return below;
    }
}
