using FastPool.Base;
using FastPool.Control.Answers;
using FastPool.Core.Pools;

namespace FastPool.Control.Statistics;

/// <summary>The pooler at one moment: totals since the start, and what there was just then.</summary>
internal readonly record struct HistoryPoint(long AtUs, long Xacts, long Queries, long Errors, long Logins, long XactUs,
    long WaitUs, int Clients, int Waiting, int Servers, int ServersInUse, long ResidentBytes, long OpenDescriptors);

/// <summary>The last hour, for a reader who comes only after something has happened. Bounded. Control thread.</summary>
internal sealed class History(PoolRegistry registry, Clock clock, Func<ProcessFigures> process)
{
    internal const long StepUs = 5_000_000;

    /// <summary>An hour.</summary>
    internal const int PointsMax = 720;

    private HistoryPoint[] _points = []; // Made by the first step: a pooler without an endpoint keeps none.
    private int _count;

    /// <summary>The oldest first.</summary>
    public IEnumerable<HistoryPoint> Points
    {
        get
        {
            for (var i = Math.Max(0, _count - PointsMax); i < _count; i++) yield return _points[i % PointsMax];
        }
    }

    /// <summary>One step is over.</summary>
    public void Tick()
    {
        if (_count == 0) _points = new HistoryPoint[PointsMax];
        _points[_count % PointsMax] = Read();
        _count++;
        if (_count == 2 * PointsMax) _count = PointsMax; // The same places, and no number that only grows.
    }

    private HistoryPoint Read()
    {
        var totals = default(StatsTotals);
        var (waiting, servers, inUse) = (0, 0, 0);
        foreach (var pool in registry.Pools)
        {
            if (pool == registry.AdminPool) continue;
            foreach (var stats in pool.Stats) stats.AddTo(ref totals);
            var counts = pool.Counts;
            waiting += counts.Waiting;
            inUse += counts.Active;
            servers += counts.Active + counts.BeingCanceled + counts.Idle + counts.Used + counts.Tested + counts.Login;
        }
        var figures = process();
        return new HistoryPoint(clock.NowUs, totals.Xacts, totals.Queries, totals.Errors, totals.Logins, totals.XactUs,
            totals.WaitUs, registry.Clients.Count, waiting, servers, inUse, figures.ResidentBytes, figures.OpenDescriptors);
    }
}
