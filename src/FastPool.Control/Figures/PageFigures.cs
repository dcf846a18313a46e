using System.Text;
using System.Text.Json;
using FastPool.Control.Answers;
using FastPool.Control.Listings;
using FastPool.Control.Operations;
using FastPool.Control.Statistics;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;

namespace FastPool.Control.Figures;

/// <summary>The figures of the page as JSON: totals, from whose differences the page works out what happens a second.</summary>
internal static class PageFigures
{
    private const int HoldersShown = 20;
    private const int StatementsShown = 10;
    private const int FailuresShown = 20;

    public static byte[] Write(Sources sources, PoolerReadiness readiness)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            var now = sources.Clock.NowUs;
            json.WriteStartObject();
            json.WriteNumber("now_us", now);
            json.WriteNumber("uptime_us", now - sources.Latency.StartUs);
            json.WriteString("version", sources.Product.Version);
            json.WriteString("engine", sources.Product.Engine);
            json.WriteString("state", readiness.IsReady
                && sources.Registry.State.Mode == PoolerMode.Paused ? "paused" : readiness.Word);
            json.WriteNumber("max_client_conn", sources.Registry.Settings.MaxClientConn);
            json.WriteNumber("clients", sources.Registry.Clients.Count);
            WriteProcess(json, sources.Process.Figures());
            var holders = TransactionListing.Rows(sources);
            var sums = HolderSum.Of(holders).ToDictionary(static sum => sum.Pool);
            WriteArray(json, "pools", PoolListing.Rows(sources).Where(row => row.Pool != sources.Registry.AdminPool),
                (_, row) => WritePool(json, row, sums.GetValueOrDefault(row.Pool)));
            WriteArray(json, "holders", holders.Take(HoldersShown), WriteHolder);
            WriteArray(json, "statements", sources.Latency.OfStatements(now, StatementsShown).Where(static row => !row.IsPeriod),
                WriteStatement);
            WriteArray(json, "failures", Failures(sources), WriteFailure);
            WriteArray(json, "stats", sources.Stats.OfDatabases(now).Where(row => row.Name != PoolRegistry.AdminDatabase),
                WriteStats);
            WriteArray(json, "latency", sources.Latency.OfDatabases(now), WriteLatency);
            WriteArray(json, "waiting", WaitingListing.Rows(sources).GroupBy(static row => (row.Database, row.User, row.Cause)),
                WriteWaiting);
            WriteArray(json, "loops", LoopRow.All(sources.Walk), WriteLoop);
            WriteArray(json, "hosts", HostListing.Rows(sources), WriteHost);
            WriteArray(json, "safety", SafetyListing.Rows(sources.Walk), WriteSafety);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static void WriteArray<T>(Utf8JsonWriter json, string name, IEnumerable<T> rows, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartArray(name);
        foreach (var row in rows)
        {
            json.WriteStartObject();
            write(json, row);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteProcess(Utf8JsonWriter json, ProcessFigures process)
    {
        json.WriteNumber("open_fds", process.OpenDescriptors);
        json.WriteNumber("max_fds", process.MaxDescriptors);
        json.WriteNumber("resident_bytes", process.ResidentBytes);
        json.WriteBoolean("is_reload_bad", process.IsLastReloadBad);
    }

    private static void WriteHolder(Utf8JsonWriter json, TransactionRow row)
    {
        Name(json, "database", row.Pool.Database.Name);
        Name(json, "user", row.User);
        Name(json, "application_name", row.ApplicationName);
        json.WriteString("client", row.Port == 0 ? row.Address : $"{row.Address}:{row.Port}");
        json.WriteNumber("id", row.Id);
        json.WriteNumber("remote_pid", row.RemotePid);
        json.WriteString("state", TransactionListing.StateWord(row.State));
        json.WriteNumber("xact_us", row.XactUs);
        json.WriteNumber("since_us", row.StateUs);
    }

    /// <summary>Without its text, which is for administrators.</summary>
    private static void WriteStatement(Utf8JsonWriter json, StatementRow row)
    {
        Name(json, "statement", row.Statement.Name);
        WriteTimes(json, row.Times);
    }

    /// <summary>The reasons told to clients that were closed, over all loops and users; the most frequent first.</summary>
    private static IEnumerable<EndingRow> Failures(Sources sources)
    {
        var all = new List<EndingRow>();
        sources.Walk.Each(view => all.AddRange(view.Endings.Rows));
        return all.GroupBy(static row => (row.Reason, row.IsLogin))
            .Select(static group =>
                new EndingRow(group.Key.Reason, "", group.Key.IsLogin, group.Sum(static row => row.Count)))
            .OrderByDescending(static row => row.Count)
            .Take(FailuresShown);
    }

    private static void WriteFailure(Utf8JsonWriter json, EndingRow row)
    {
        Name(json, "reason", row.Reason);
        json.WriteBoolean("login", row.IsLogin);
        json.WriteNumber("count", row.Count);
    }

    /// <summary>The last hour: the names of the figures, then a row of them for each moment.</summary>
    public static byte[] WriteHistory(History history)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartArray("fields");
            foreach (var (name, _) in HistoryFields) json.WriteStringValue(name);
            json.WriteEndArray();
            json.WriteStartArray("points");
            foreach (var point in history.Points)
            {
                json.WriteStartArray();
                foreach (var (_, value) in HistoryFields) json.WriteNumberValue(value(point));
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static readonly (string Name, Func<HistoryPoint, long> Value)[] HistoryFields =
    [
        ("at_us", static point => point.AtUs),
        ("xacts", static point => point.Xacts),
        ("queries", static point => point.Queries),
        ("errors", static point => point.Errors),
        ("logins", static point => point.Logins),
        ("xact_us", static point => point.XactUs),
        ("wait_us", static point => point.WaitUs),
        ("clients", static point => point.Clients),
        ("waiting", static point => point.Waiting),
        ("servers", static point => point.Servers),
        ("active", static point => point.ServersInUse),
        ("resident_bytes", static point => point.ResidentBytes),
        ("open_fds", static point => point.OpenDescriptors),
    ];

    private static void WritePool(Utf8JsonWriter json, PoolRow row, HolderSum? holders)
    {
        json.WriteNumber("idle_in_transaction", holders?.IdleInTransaction ?? 0);
        json.WriteNumber("oldest_us", holders?.OldestUs ?? 0);
        Name(json, "database", row.Pool.Database.Name);
        Name(json, "user", row.Pool.User.Name);
        Numbers(json, PoolListing.Listing, row, "cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used", "sv_tested",
            "sv_login");
        json.WriteNumber("maxwait_us", PoolListing.Listing.Number("longest_wait_us", row));
        json.WriteNumber("pinned", row.Pool.PinnedServers);
        json.WriteNumber("pool_size", row.Pool.Limits.PoolSize);
        json.WriteString("pool_mode", PoolModes.Words.WordOf(row.Pool.Limits.PoolMode));
        json.WriteBoolean("paused", row.Pool.Database.IsHeld);
    }

    private static void WriteStats(Utf8JsonWriter json, DatabaseStats row)
    {
        Name(json, "database", row.Name);
        foreach (var (name, column) in StatsNames) json.WriteNumber(name, StatsListing.Stats.Number(column, row));
    }

    /// <summary>As the page calls them, and as SHOW STATS does.</summary>
    private static readonly (string Name, string Column)[] StatsNames =
    [
        ("xacts", "total_xact_count"),
        ("queries", "total_query_count"),
        ("received", "total_received"),
        ("sent", "total_sent"),
        ("xact_us", "total_xact_time"),
        ("query_us", "total_query_time"),
        ("wait_us", "total_wait_time"),
        ("errors", "total_error_count"),
        ("logins", "total_client_login_count"),
    ];

    private static void WriteLatency(Utf8JsonWriter json, LatencyRow row)
    {
        Name(json, "database", row.Name);
        json.WriteString("measure", LatencyListing.MeasureWord(row.Measure));
        json.WriteString("span", row.IsPeriod ? "period" : "total");
        WriteTimes(json, row.Times);
    }

    private static void WriteTimes(Utf8JsonWriter json, HistogramSum times)
    {
        json.WriteNumber("count", times.Count);
        json.WriteNumber("avg_us", Math.Round(times.AverageUs));
        json.WriteNumber("p50_us", times.PercentileUs(0.5));
        json.WriteNumber("p95_us", times.PercentileUs(0.95));
        json.WriteNumber("p99_us", times.PercentileUs(0.99));
        json.WriteNumber("p999_us", times.PercentileUs(0.999));
        json.WriteNumber("max_us", times.MaxUs);
    }

    private static void WriteWaiting(Utf8JsonWriter json, IGrouping<(string Database, string User, string Cause),
        WaitingRow> group)
    {
        Name(json, "database", group.Key.Database);
        Name(json, "user", group.Key.User);
        json.WriteString("cause", group.Key.Cause);
        json.WriteNumber("count", group.Count());
        json.WriteNumber("longest_us", group.Max(static row => row.WaitUs));
    }

    private static void WriteLoop(Utf8JsonWriter json, LoopRow row)
    {
        var listing = LoopListing.Listing;
        Numbers(json, listing, row, "loop", "clients", "servers", "wakeups", "moves", "sends_together", "busy_us");
        json.WriteNumber("messages", listing.Number("client_messages", row) + listing.Number("server_messages", row));
        json.WriteNumber("bytes", listing.Number("client_bytes", row) + listing.Number("server_bytes", row));
    }

    /// <summary>Figures under the names of their columns.</summary>
    private static void Numbers<T>(Utf8JsonWriter json, Listing<T> listing, T row, params ReadOnlySpan<string> columns)
    {
        foreach (var column in columns) json.WriteNumber(column, listing.Number(column, row));
    }

    private static void WriteHost(Utf8JsonWriter json, HostReading row)
    {
        Name(json, "host", row.Name);
        Name(json, "address", row.Address);
        json.WriteNumber("port", row.Port);
        json.WriteString("role", row.Role.Word());
        json.WriteString("state", HostListing.StateWord(row.State));
        Name(json, "last_error", row.LastError);
        Numbers(json, HostListing.Listing, row, "servers", "login_us", "failures");
    }

    private static void WriteSafety(Utf8JsonWriter json, SafetyRow row)
    {
        Name(json, "database", row.Database);
        Name(json, "user", row.User);
        Name(json, "application_name", row.ApplicationName);
        json.WriteString("usage", SafetyListing.UsageOf(row));
        json.WriteNumber("count", row.Count);
        json.WriteNumber("last_us", row.LastWallUs);
    }

    /// <summary>Outside text is one char a byte; here it becomes the UTF-8 it was, or what comes nearest.</summary>
    private static void Name(Utf8JsonWriter json, string name, string value) =>
        json.WriteString(name, ByteText.ToNative(value));
}
