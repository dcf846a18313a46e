namespace FastPool.Core.Pools;

/// <summary>A pool's figures at the last two ticks of the statistics. Of the control thread alone.</summary>
public sealed class PoolWindow
{
    private static readonly HistogramSum _nothing = new();

    private StatsTotals _older;
    private StatsTotals _newer;
    private bool _wasQuiet;

    /// <summary>Counters at the tick before the last.</summary>
    public ref readonly StatsTotals Older => ref _older;

    /// <summary>Counters at the last tick.</summary>
    public ref readonly StatsTotals Newer => ref _newer;

    /// <summary>Latencies at the tick before the last, by measure; empty: there are none.</summary>
    public HistogramSum[] OlderLatencies { get; private set; } = [];

    /// <summary>Latencies at the last tick.</summary>
    public HistogramSum[] NewerLatencies { get; private set; } = [];

    /// <summary>
    /// Ends a period. Of a pool in which nothing has happened for two of them only the counters are read: a period later every
    /// latency has been recorded that belongs to them.
    /// </summary>
    /// <param name="all">The pool's, of each loop.</param>
    public void Tick(PoolStats[] all)
    {
        _older = _newer;
        _newer = default;
        foreach (var stats in all) stats.AddTo(ref _newer);
        OlderLatencies = NewerLatencies;
        var isQuiet = _newer == _older
            && CountOf(all, LatencyMeasure.Connect) == CountIn(NewerLatencies, LatencyMeasure.Connect);
        if (!isQuiet || !_wasQuiet) NewerLatencies = Read(all, OlderLatencies);
        _wasQuiet = isQuiet;
    }

    private static long CountIn(HistogramSum[] sums, LatencyMeasure measure) => sums.Length == 0 ? 0 : sums[(int)measure].Count;

    private static long CountOf(PoolStats[] all, LatencyMeasure measure)
    {
        var count = 0L;
        foreach (var stats in all) count += stats.Latency?[measure].Count ?? 0;
        return count;
    }

    /// <summary>Histograms that have not changed are not copied.</summary>
    private static HistogramSum[] Read(PoolStats[] all, HistogramSum[] before)
    {
        HistogramSum[]? sums = null;
        for (var measure = LatencyMeasure.Transaction; measure <= LatencyMeasure.Client; measure++)
        {
            if (CountOf(all, measure) == CountIn(before, measure)) continue;
            if (sums is null)
            {
                sums = new HistogramSum[PoolLatency.MeasureCount];
                if (before.Length > 0) before.CopyTo(sums, 0);
                else Array.Fill(sums, _nothing);
            }
            var sum = new HistogramSum();
            foreach (var stats in all) stats.Latency?[measure].AddTo(sum);
            sums[(int)measure] = sum;
        }
        return sums ?? before;
    }
}
