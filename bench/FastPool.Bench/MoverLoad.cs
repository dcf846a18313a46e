using FastPool.Bench.Mover;

namespace FastPool.Bench;

/// <summary>The loads that are looked at.</summary>
internal static class MoverLoad
{
    /// <summary>CPU time that a loop needs for a transaction (perf-scripts/results: simple-16).</summary>
    public const double WorkNs = 12_000;

    /// <summary>Mean time for which a client of a loop that works has its server.</summary>
    public const double TransactionNs = 100_000;

    private const int Busy = 16; // Clients a loop, so that it never lacks work.

    /// <summary>Threads that take and return and do nothing else, as <see cref="PoolCurve"/> has them.</summary>
    public static ModelCase Bare(int loops, double serversPerLoop) => new()
    {
        Loops = loops,
        ClientsPerLoop = 2,
        Servers = Math.Max(1, (int)(loops * serversPerLoop)),
    };

    /// <summary>Loops that have transactions to do.</summary>
    /// <param name="isScarce">A server for four clients, so that most wait.</param>
    public static ModelCase Working(int loops, bool isScarce, double workNs = WorkNs) => new()
    {
        Loops = loops,
        ClientsPerLoop = Busy,
        Servers = isScarce ? loops * Busy / 4 : loops * Busy,
        TransactionNs = TransactionNs,
        WorkNs = workNs,
        IsRealLoop = true,
    };

    /// <summary>All loops together come to this rate, if the pool costs nothing.</summary>
    public static ModelCase AtRate(int loops, double operationsPerSecond) =>
        Working(loops, isScarce: false, 2e9 * loops / operationsPerSecond);
}
