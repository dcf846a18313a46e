using BenchmarkDotNet.Attributes;
using FastPool.Core.Pools;

namespace FastPool.Bench;

/// <summary>One latency recorded: at most 50 ns and no memory. Values are spread as those of a busy pool are.</summary>
[MemoryDiagnoser]
public class HistogramBenchmarks
{
    private const int Values = 4096;

    private readonly LatencyHistogram _histogram = new(new HistogramBlocks());
    private readonly long[] _values = new long[Values];
    private readonly HistogramSum _sum = new();
    private int _next;

    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(1);
        for (var i = 0; i < Values; i++) _values[i] = (long)(-1500 * Math.Log(1 - random.NextDouble()));
        foreach (var value in _values) _histogram.Record(value);
    }

    [Benchmark]
    public void Record() => _histogram.Record(_values[_next++ & (Values - 1)]);

    /// <summary>The console's cost of one row.</summary>
    [Benchmark]
    public void Read() => _histogram.AddTo(_sum);
}
