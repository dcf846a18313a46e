using FastPool.Control.Listings;
using FastPool.Control.Operations;
using FastPool.Control.Statistics;

namespace FastPool.Control.Figures;

/// <summary>All figures at one moment, for machines and for the page. Control thread.</summary>
public sealed class FigureBook
{
    private readonly Sources _sources;
    private readonly PoolerReadiness _readiness;

    private readonly History _history;

    internal FigureBook(Sources sources, PoolerReadiness readiness, History history)
    {
        _history = history;
        _sources = sources;
        _readiness = readiness;
    }

    /// <summary>Gathers everything that has to be asked of loops; the sender writes the result, part by part.</summary>
    public MetricsReading Metrics(bool isOpenMetrics) => new(MetricsRows.Gather(_sources, _readiness), isOpenMetrics);

    /// <summary>The figures of the page.</summary>
    public byte[] Json() => PageFigures.Write(_sources, _readiness);

    /// <summary>The last hour, for the page.</summary>
    public byte[] HistoryJson() => PageFigures.WriteHistory(_history);
}
