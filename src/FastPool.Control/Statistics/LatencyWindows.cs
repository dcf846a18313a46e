using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Control.Statistics;

/// <summary>How long one kind of thing took, for one database, user or statement, over one span.</summary>
/// <param name="IsPeriod">The last period; false: since the start.</param>
/// <param name="SpanUs">Length of the span, microseconds.</param>
internal sealed record LatencyRow(string Name, LatencyMeasure Measure, bool IsPeriod, long SpanUs, HistogramSum Times);

/// <summary>How long a prepared statement took, over one span.</summary>
internal sealed record StatementRow(Statement Statement, bool IsPeriod, long SpanUs, HistogramSum Times);

/// <summary>
/// Latencies as they were at the last tick and at the one before: the last period is the window of the averages of SHOW
/// STATS, between one and two periods long. Histograms that have not changed since are not copied. Control thread.
/// </summary>
public sealed class LatencyWindows
{
    private const long UsPerSecond = 1_000_000;

    private readonly PoolRegistry _registry;
    private readonly StatementTable _statements;
    private Dictionary<Statement, HistogramSum> _olderStatements = [];
    private Dictionary<Statement, HistogramSum> _newerStatements = [];
    private long _olderUs;
    private long _newerUs;

    internal LatencyWindows(PoolRegistry registry, StatementTable statements, long nowUs)
    {
        _registry = registry;
        _statements = statements;
        StartUs = _newerUs = nowUs;
        _olderUs = nowUs - UsPerSecond; // As for averages.
    }

    /// <summary>When the pooler began, on the monotonic clock.</summary>
    internal long StartUs { get; }

    /// <summary>For each database that has a pool, by name, and each measure: the last period, then since the start.</summary>
    internal IEnumerable<LatencyRow> OfDatabases(long nowUs) =>
        _registry.Databases.Where(database => database.Pools.Count > 0 && database != _registry.Admin)
            .SelectMany(database => Rows(database.Name, database.Pools, nowUs));

    /// <summary>The same by the user that servers are used as.</summary>
    internal IEnumerable<LatencyRow> OfUsers(long nowUs) =>
        _registry.Pools.Where(pool => pool != _registry.AdminPool)
            .GroupBy(static pool => pool.User.Name, StringComparer.Ordinal)
            .OrderBy(static group => group.Key, StringComparer.Ordinal)
            .SelectMany(group => Rows(group.Key, group, nowUs));

    /// <summary>The statements on which most time was spent since the start; both spans of each.</summary>
    internal IEnumerable<StatementRow> OfStatements(long nowUs, int most)
    {
        var top = _statements.Timed.Select(static statement => (Statement: statement, Now: Read(statement)))
            .Where(static pair => pair.Now.Count > 0)
            .OrderByDescending(static pair => pair.Now.SumUs)
            .Take(most);
        foreach (var (statement, now) in top)
        {
            yield return new StatementRow(statement, IsPeriod: true, nowUs - _olderUs,
                now.Since(_olderStatements.GetValueOrDefault(statement)));
            yield return new StatementRow(statement, IsPeriod: false, Math.Max(1, nowUs - StartUs), now);
        }
    }

    /// <summary>Some pools since the start, in place of what is in the sum.</summary>
    internal static void ReadTotal(HistogramSum sum, IReadOnlyList<Pool> pools, LatencyMeasure measure)
    {
        sum.Clear();
        foreach (var pool in pools) AddTo(sum, pool, measure);
    }

    /// <summary>
    /// Ends a period, behind <see cref="StatsWindows.Tick"/>. Figures of statements that are gone are forgotten.
    /// </summary>
    internal void Tick(long nowUs)
    {
        _olderStatements = _newerStatements;
        _newerStatements = _statements.Timed.ToDictionary(static statement => statement, Read);
        _olderUs = _newerUs;
        _newerUs = nowUs;
    }

    private IEnumerable<LatencyRow> Rows(string name, IEnumerable<Pool> pools, long nowUs)
    {
        for (var measure = LatencyMeasure.Transaction; measure <= LatencyMeasure.Client; measure++)
        {
            var now = new HistogramSum();
            var then = new HistogramSum();
            foreach (var pool in pools)
            {
                AddTo(now, pool, measure);
                if (pool.Window is { OlderLatencies: { Length: > 0 } earlier }) then.Add(earlier[(int)measure]);
            }
            yield return new LatencyRow(name, measure, IsPeriod: true, nowUs - _olderUs, now.Since(then));
            yield return new LatencyRow(name, measure, IsPeriod: false, Math.Max(1, nowUs - StartUs), now);
        }
    }

    private static void AddTo(HistogramSum sum, Pool pool, LatencyMeasure measure)
    {
        foreach (var stats in pool.Stats) stats.Latency?[measure].AddTo(sum);
    }

    private static HistogramSum Read(Statement statement)
    {
        var sum = new HistogramSum();
        statement.AddLatencyTo(sum);
        return sum;
    }
}
