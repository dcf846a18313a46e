using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

public sealed class LatencyHistogramTests
{
    private const double ErrorMax = 0.02;

    private readonly LatencyHistogram _histogram = new(new HistogramBlocks());

    [Fact]
    public void Any_value_is_read_back_with_at_most_two_percent_of_error()
    {
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var value = (long)Math.Exp(random.NextDouble() * Math.Log(LatencyHistogram.ValueMax));
            var (block, slot) = LatencyHistogram.Place(value);
            var floor = LatencyHistogram.FloorOf(block, slot);
            var width = LatencyHistogram.WidthOf(block);
            Assert.InRange(value, floor, floor + width - 1);
            Assert.InRange(floor + (width / 2), value * (1 - ErrorMax), value * (1 + ErrorMax));
        }
    }

    [Fact]
    public void Buckets_follow_each_other_without_a_gap()
    {
        var next = 0L;
        for (var block = 0; block < LatencyHistogram.BlockCount; block++)
        {
            for (var slot = 0; slot < LatencyHistogram.BlockSize; slot++)
            {
                Assert.Equal(next, LatencyHistogram.FloorOf(block, slot));
                Assert.Equal((block, slot), LatencyHistogram.Place(next));
                next += LatencyHistogram.WidthOf(block);
            }
        }
        Assert.Equal(LatencyHistogram.ValueMax, next - 1);
    }

    /// <summary>A sum has room for the blocks that it has seen alone, whichever came first.</summary>
    [Theory]
    [InlineData(100_000, 3, 2_000_000_000)]
    [InlineData(3, 2_000_000_000, 100_000)]
    [InlineData(2_000_000_000, 100_000, 3)]
    public void Sums_of_values_far_apart_are_whole(long first, long second, long third)
    {
        var sum = new HistogramSum();
        foreach (var value in (long[])[first, second, third])
        {
            var one = new LatencyHistogram(new HistogramBlocks());
            one.Record(value);
            var read = new HistogramSum();
            one.AddTo(read);
            var before = new HistogramSum();
            before.Add(sum);
            sum.Add(read);
            Assert.Equal(value, sum.Since(before).SumUs);
            Assert.InRange(sum.Since(before).PercentileUs(0.5), (long)(value * (1 - ErrorMax)), value);
        }
        Assert.Equal(3, sum.PercentileUs(0.1));
        Assert.InRange(sum.PercentileUs(0.5), 98_000, 100_000);
        Assert.Equal(2_000_000_000, sum.PercentileUs(1), 40_000_000d);
        var below = sum.CountsBelowPowersOf2();
        Assert.Equal((1L, 1L, 2L, 3L), (below[5], below[16], below[17], below[31]));
    }

    [Fact]
    public void Figures_are_those_of_the_values()
    {
        var random = new Random(3);
        var values = Enumerable.Range(0, 50_000).Select(_ => (long)(-2000 * Math.Log(1 - random.NextDouble()))).ToArray();
        foreach (var value in values) _histogram.Record(value);
        var sum = Read();
        Array.Sort(values);
        Assert.Equal(values.Length, sum.Count);
        Assert.Equal(values.Sum(), sum.SumUs);
        Assert.Equal(values[^1], sum.MaxUs);
        Assert.Equal(values.Average(), sum.AverageUs, 6);
        Assert.Equal(Math.Sqrt(values.Select(static value => (double)value * value).Average() - Math.Pow(values.Average(), 2)),
            sum.DeviationUs, 3);
        foreach (var share in new[] { 0.5, 0.9, 0.95, 0.99, 0.999 })
        {
            var exact = values[(int)Math.Ceiling(values.Length * share) - 1];
            Assert.InRange(sum.PercentileUs(share), exact * (1 - ErrorMax), (exact * (1 + ErrorMax)) + 1);
        }
    }

    [Fact]
    public void Times_out_of_range_count_in_the_first_or_last_bucket()
    {
        _histogram.Record(long.MaxValue);
        _histogram.Record(-5);
        var sum = Read();
        Assert.Equal(2, sum.Count);
        Assert.Equal(LatencyHistogram.ValueMax, sum.MaxUs);
        Assert.Equal(0, sum.PercentileUs(0.5));
        Assert.InRange(sum.PercentileUs(1), LatencyHistogram.ValueMax * (1 - ErrorMax), LatencyHistogram.ValueMax);
    }

    [Fact]
    public void Nothing_recorded_has_no_figures()
    {
        var sum = Read();
        Assert.Equal((0L, 0L, 0L, 0d, 0d), (sum.Count, sum.MaxUs, sum.PercentileUs(0.5), sum.AverageUs, sum.DeviationUs));
    }

    [Fact]
    public void A_span_has_what_was_recorded_in_it_alone()
    {
        _histogram.Record(900_000);
        _histogram.Record(100);
        var then = Read();
        _histogram.Record(100);
        _histogram.Record(300);
        var span = Read().Since(then);
        Assert.Equal((2L, 400L), (span.Count, span.SumUs));
        Assert.Equal(100, span.DeviationUs, 6);
        Assert.InRange(span.MaxUs, 300, 306); // The great value before the span is not in it.
        Assert.InRange(span.PercentileUs(0.5), 98, 102);
    }

    [Fact]
    public void Values_below_a_power_of_two_are_counted_exactly()
    {
        foreach (var value in new long[] { 0, 63, 64, 127, 128, 1023, 1024 }) _histogram.Record(value);
        var sum = Read();
        Assert.Equal([2L, 4L, 6L, 7L], new[] { 6, 7, 10, 11 }.Select(exponent => sum.CountsBelowPowersOf2()[exponent]));
    }

    [Fact]
    public void Recording_allocates_nothing_while_spare_blocks_last()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000_000; i++) _histogram.Record((i * 7919L) & 0xFFFFFFFF);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Blocks_used_are_replaced_by_the_tick()
    {
        var spare = new HistogramBlocks();
        new LatencyHistogram(spare).Record(1);
        spare.Fill();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var other = new LatencyHistogram(spare);
        var own = GC.GetAllocatedBytesForCurrentThread() - before;
        for (var bit = 0; bit < 32; bit++) other.Record(1L << (bit + 4));
        Assert.Equal(own, GC.GetAllocatedBytesForCurrentThread() - before);
        other.Record(1L << 36); // No tick in between: made on the spot.
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before > own);
    }

    private HistogramSum Read()
    {
        var sum = new HistogramSum();
        _histogram.AddTo(sum);
        return sum;
    }
}
