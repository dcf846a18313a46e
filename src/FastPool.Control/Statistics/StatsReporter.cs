using FastPool.Base;
using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using Microsoft.Extensions.Logging;

namespace FastPool.Control.Statistics;

/// <summary>
/// The tick of the statistics: every stats_period, as it was at the start, one line in the log and the windows move on.
/// </summary>
internal sealed class StatsReporter(PoolRegistry registry, StatsWindows windows, LatencyWindows latency, IProcessControl process,
    Clock clock, ILogger log)
{
    private const long UsPerSecond = 1_000_000;

    /// <summary>A period of 0 or less: no tick, so averages are those since the start.</summary>
    public void Start(ControlThread control)
    {
        if (registry.Settings.StatsPeriod > 0) control.Every(registry.Settings.StatsPeriod * UsPerSecond, Tick);
    }

    internal void Tick()
    {
        var now = clock.NowUs;
        var line = Line(windows.OfPeriod(now).Averages, registry.Settings.Own.ShowAs);
        if (registry.Settings.LogStats) log.Line(line);
        process.StatsReported(line);
        windows.Tick(now);
        latency.Tick(now);
    }

    private static string Line(in StatsTotals average, ShownVersion version) =>
        $"stats: {average.Xacts} xacts/s, {average.Queries} queries/s, {average.ClientParses} client parses/s, "
        + $"{average.ServerParses} server parses/s, {average.Binds} binds/s, "
        + (version >= ShownVersion.V126 ? $"{average.Logins} client logins/s, " : "")
        + $"in {average.ReceivedBytes} B/s, out {average.SentBytes} B/s, "
        + $"xact {average.XactUs} us, query {average.QueryUs} us, wait {average.WaitUs} us";
}
