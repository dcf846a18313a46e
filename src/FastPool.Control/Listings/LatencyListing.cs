using FastPool.Control.Statistics;
using FastPool.Core.Pools;

namespace FastPool.Control.Listings;

using Rows = Columns<LatencyRow>;
using Statements = Columns<StatementLine>;

/// <summary>A statement's row as one asks for it: the text of queries is for administrators.</summary>
internal sealed record StatementLine(StatementRow Row, bool ShowsText);

/// <summary>
/// SHOW LATENCY, SHOW LATENCY USERS and SHOW LATENCY STATEMENTS: times in milliseconds, as pgbench reports them.
/// </summary>
internal static class LatencyListing
{
    /// <summary>Statements that are shown.</summary>
    internal const int StatementsShown = 50;

    private const int TextMax = 1000;
    private const double Thousand = 1000;
    private const double UsPerSecond = 1_000_000;

    /// <summary>The same for both, but for what the first column names.</summary>
    public static Listing<LatencyRow> Databases { get; } = Of("database");

    public static Listing<LatencyRow> Users { get; } = Of("user");

    public static Listing<StatementLine> TopStatements { get; } = new(
    [
        Statements.Text("statement", static line => line.Row.Statement.Name),
        Statements.Text("span", static line => SpanWord(line.Row.IsPeriod)),
        .. Figures<StatementLine>(static line => line.Row.Times, static line => line.Row.SpanUs),
        Statements.Text("query", static line => line.ShowsText ? line.Row.Statement.Text(TextMax) : null),
    ]);

    public static IEnumerable<StatementLine> StatementLines(LatencyWindows windows, long nowUs, bool showsText) =>
        windows.OfStatements(nowUs, StatementsShown).Select(row => new StatementLine(row, showsText));

    public static string MeasureWord(LatencyMeasure measure) => measure switch
    {
        LatencyMeasure.Transaction => "transaction",
        LatencyMeasure.Query => "query",
        LatencyMeasure.Wait => "wait",
        LatencyMeasure.Connect => "connect",
        _ => "client",
    };

    private static Listing<LatencyRow> Of(string first) => new(
    [
        Rows.Text(first, static row => row.Name),
        Rows.Text("measure", static row => MeasureWord(row.Measure)),
        Rows.Text("span", static row => SpanWord(row.IsPeriod)),
        .. Figures<LatencyRow>(static row => row.Times, static row => row.SpanUs),
    ]);

    private static IEnumerable<Column<T>> Figures<T>(Func<T, HistogramSum> times, Func<T, long> spanUs) =>
    [
        Columns<T>.Numeric("count", row => times(row).Count),
        Columns<T>.Thousandths("tps", row => (long)Math.Round(times(row).Count * Thousand * UsPerSecond / spanUs(row))),
        Columns<T>.Thousandths("avg_ms", row => (long)Math.Round(times(row).AverageUs)),
        Columns<T>.Thousandths("stddev_ms", row => (long)Math.Round(times(row).DeviationUs)),
        Columns<T>.Thousandths("p50_ms", row => times(row).PercentileUs(0.5)),
        Columns<T>.Thousandths("p90_ms", row => times(row).PercentileUs(0.9)),
        Columns<T>.Thousandths("p95_ms", row => times(row).PercentileUs(0.95)),
        Columns<T>.Thousandths("p99_ms", row => times(row).PercentileUs(0.99)),
        Columns<T>.Thousandths("p999_ms", row => times(row).PercentileUs(0.999)),
        Columns<T>.Thousandths("max_ms", row => times(row).MaxUs),
    ];

    private static string SpanWord(bool isPeriod) => isPeriod ? "period" : "total";
}
