using System.Globalization;
using FastPool.Base;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>
/// log_min_duration: queries and transactions that took longer, a line each. So many lines a second, of which the first are
/// written and the others counted. What a parameter was is never told. Belongs to the loop's thread.
/// </summary>
public sealed class SlowLog(SessionContext context, long minUs)
{
    private const int TextMax = 1024;
    private const long UsPerSecond = 1_000_000;
    private const double UsPerMs = 1_000;

    private long _secondEndsUs;
    private int _lines;
    private long _leftOut;

    /// <summary>From here on it is slow; the greatest number: nothing is.</summary>
    public long MinUs { get; } = minUs;

    /// <param name="statement">Null: a query that is not prepared, whose text nobody has kept.</param>
    internal void AddQuery(ClientSession client, long us, Statement? statement)
    {
        if (!MayWrite()) return;
        if (statement is null) context.Log.Slow(client.LogPrefix, "query", Ms(us));
        else context.Log.SlowStatement(client.LogPrefix, Ms(us), statement.Name, statement.Text(TextMax));
    }

    internal void AddTransaction(ClientSession client, long us)
    {
        if (MayWrite()) context.Log.Slow(client.LogPrefix, "transaction", Ms(us));
    }

    private bool MayWrite()
    {
        if (context.NowUs >= _secondEndsUs)
        {
            if (_leftOut > 0) context.Log.SlowLeftOut(_leftOut);
            (_secondEndsUs, _lines, _leftOut) = (context.NowUs + UsPerSecond, 0, 0);
        }
        if (_lines++ < Limits.SlowLinesPerSecond) return true;
        _leftOut++;
        return false;
    }

    private static string Ms(long us) => (us / UsPerMs).ToString("0.000", CultureInfo.InvariantCulture);
}
