using System.Globalization;
using FastPool.Base;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>
/// log_min_duration: queries and transactions that took longer, a line each. So many lines a second, of which the first are
/// written and the others counted. A parameter is never told. Belongs to the loop's thread.
/// </summary>
public sealed class SlowLog(ILogger log, long minUs)
{
    private const int TextMax = 1024;
    private const long UsPerSecond = 1_000_000;
    private const double UsPerMs = 1_000;

    private long _secondEndsUs;
    private int _lines;
    private long _leftOut;

    /// <summary>From here on it is slow; the greatest number: nothing is.</summary>
    public long MinUs { get; } = minUs;

    /// <summary>There is room for a line in this second; if not, it counts as left out.</summary>
    internal bool MayWrite(long nowUs)
    {
        if (nowUs >= _secondEndsUs)
        {
            if (_leftOut > 0) log.SlowLeftOut(_leftOut);
            (_secondEndsUs, _lines, _leftOut) = (nowUs + UsPerSecond, 0, 0);
        }
        if (_lines++ < Limits.SlowLinesPerSecond) return true;
        _leftOut++;
        return false;
    }

    /// <param name="statement">Null: a query that is not prepared, whose text nobody has kept.</param>
    internal void WriteQuery(string prefix, long us, Statement? statement)
    {
        if (statement is null) log.Slow(prefix, "query", Ms(us));
        else log.SlowStatement(prefix, Ms(us), statement.Name, statement.Text(TextMax));
    }

    internal void WriteTransaction(string prefix, long us) => log.Slow(prefix, "transaction", Ms(us));

    private static string Ms(long us) => (us / UsPerMs).ToString("0.000", CultureInfo.InvariantCulture);
}
