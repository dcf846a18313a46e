namespace FastPool.Bench.Mover;

/// <summary>
/// The universal scalability law: X(n) = n·X(1) / (1 + contention·(n - 1) + coherence·n·(n - 1)).
/// </summary>
/// <param name="PerLoop">X(1), operations a second.</param>
/// <param name="Contention">The share of the work that one thread at a time can do.</param>
/// <param name="Coherence">The price of each pair of loops that must agree.</param>
internal readonly record struct ScalingLaw(double PerLoop, double Contention, double Coherence)
{
    public double At(int loops) =>
        loops * PerLoop / (1 + Contention * (loops - 1) + Coherence * loops * (loops - 1));

    /// <summary>More loops than these make it slower; infinite without coherence.</summary>
    public double BestLoops => Contention >= 1 ? 1 : Math.Sqrt((1 - Contention) / Coherence);

    /// <summary>
    /// Least squares over the law in the form X(1) / X(n) - 1 / n, where each point counts alike; neither figure is below zero.
    /// </summary>
    /// <param name="points">X(1) is the mean of those with one loop.</param>
    public static ScalingLaw Fit(IReadOnlyCollection<(int Loops, double Rate)> points)
    {
        var perLoop = points.Where(static point => point.Loops == 1).Average(static point => point.Rate);
        double aa = 0, ab = 0, bb = 0, ay = 0, by = 0;
        foreach (var (loops, rate) in points)
        {
            var (a, b, y) = (1 - 1.0 / loops, loops - 1.0, perLoop / rate - 1.0 / loops);
            (aa, ab, bb, ay, by) = (aa + a * a, ab + a * b, bb + b * b, ay + a * y, by + b * y);
        }
        var determinant = aa * bb - ab * ab;
        var (contention, coherence) = ((ay * bb - by * ab) / determinant, (by * aa - ay * ab) / determinant);
        if (coherence < 0) (contention, coherence) = (ay / aa, 0);
        if (contention < 0) (contention, coherence) = (0, by / bb);
        return new ScalingLaw(perLoop, Math.Max(0, contention), Math.Max(0, coherence));
    }
}
