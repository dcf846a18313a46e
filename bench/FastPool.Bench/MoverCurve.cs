using FastPool.Bench.Mover;

namespace FastPool.Bench;

/// <summary>One point of a curve of the model, beside what was measured, if anything was.</summary>
internal sealed record MoverPoint(int Loops, ModelResult Model, double? Measured);

/// <summary>A kind of load on 1 to 64 loops, and the law that fits what is measured and what is modelled.</summary>
internal sealed record MoverCurve(string Name, string Short, IReadOnlyList<MoverPoint> Points)
{
    public ScalingLaw Law { get; } = ScalingLaw.Fit(
    [
        .. Points.Select(static point => (point.Loops, point.Model.Rate)),
        .. Points.Where(static point => point.Measured is not null).Select(static point => (point.Loops, point.Measured!.Value)),
    ]);
}
