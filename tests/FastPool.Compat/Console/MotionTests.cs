using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Console;

/// <summary>The books while everything moves: load on four loops, with PAUSE, RECONNECT, KILL and RELOAD under way.</summary>
public sealed class MotionTests
{
    private const int Clients = 16;
    private const int PoolSize = 5;
    private const int LoadSeconds = 14;
    private const int SamplesLeast = 5;

    /// <summary>Well before the load ends and its clients leave.</summary>
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(3.5);

    [PoolerFact(FastPoolOnly = "has one loop")]
    public async Task Sums_stay_consistent_and_no_transaction_is_lost_or_counted_twice()
    {
        await using var pooler = await Pooler.StartAsync(4, file => file.Databases["other"] = "{server} dbname=app");
        await using var sampler = await RawClient.LoginAsync(pooler.Port, "stats", "pgbouncer");
        await using var steady = Bench(pooler, Postgres.Database, Clients, LoadSeconds);
        using var isOver = new CancellationTokenSource();
        var last = new Dictionary<string, long>();
        await Until.TrueAsync(async () =>
            await pooler.PoolAsync("cl_active") + await pooler.PoolAsync("cl_waiting") == Clients, "all clients are in");
        var disturbing = DisturbAsync(pooler, isOver.Token);
        var samples = 0;
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        try
        {
            var watch = Stopwatch.StartNew();
            for (; watch.Elapsed < Watched || samples < SamplesLeast; await pace.WaitForNextTickAsync())
            {
                await LookAsync(sampler, last, () => steady.Text + pooler.Process.Text);
                samples++;
            }
        }
        finally
        {
            await isOver.CancelAsync();
            await disturbing;
        }
        Assert.True(await steady.ExitAsync() == 0, steady.Text + "\n"
            + string.Join("\n",
            pooler.Process.Lines.Where(static line =>
            line.Contains(": app/", StringComparison.Ordinal) || !line.Contains("-0x", StringComparison.Ordinal))));
        var done =
            long.Parse(Regex.Match(steady.Text, "actually processed: ([0-9]+)").Groups[1].Value, CultureInfo.InvariantCulture);
        var stats = await sampler.QueryAsync("SHOW STATS_TOTALS");
        var row = stats.Rows.Single(r => r[0] == Postgres.Database);
        Assert.Equal(done, Number(stats, row, "xact_count"));
        Assert.Equal(done * 3, Number(stats, row, "query_count"));
        var latency = await sampler.QueryAsync("SHOW LATENCY");
        Assert.Equal(done,
            Number(latency, latency.Rows.Single(r => r[0] == Postgres.Database && r[1] == "transaction" && r[2] == "total"),
            "count"));
    }

    private static async Task LookAsync(RawClient sampler, Dictionary<string, long> last, Func<string> more)
    {
        var pools = await sampler.QueryAsync("SHOW POOLS");
        var pool = pools.Rows.Single(row => row[0] == Postgres.Database);
        var servers =
            new[] { "sv_active", "sv_being_canceled", "sv_idle", "sv_used", "sv_tested", "sv_login" }.Sum(column =>
            Number(pools, pool, column));
        Assert.InRange(servers, 0, PoolSize);
        var clients = Number(pools, pool, "cl_active") + Number(pools, pool, "cl_waiting");
        Assert.True(clients == Clients, $"{clients} clients\n{more()}");

        var listed = await sampler.QueryAsync("SHOW CLIENTS");
        Assert.Equal(listed.Rows.Count, listed.Rows.Select(row => row[^1]).Distinct().Count());
        var count = listed.Rows.Count(row => row[2] == Postgres.Database);
        Assert.True(count == Clients, $"{count} clients\n{more()}");
        var servers2 = await sampler.QueryAsync("SHOW SERVERS");
        Assert.Equal(servers2.Rows.Count, servers2.Rows.Select(row => row[^1]).Distinct().Count());
        // Between two loops one may have been replaced.
        Assert.InRange(servers2.Rows.Count(row => row[2] == Postgres.Database), 0, PoolSize * 2);

        var lists = await sampler.QueryAsync("SHOW LISTS");
        Assert.InRange(Number(lists, lists.Rows.Single(row => row[0] == "used_clients"), "items"), Clients + 1, Clients + 30);

        var stats = await sampler.QueryAsync("SHOW STATS_TOTALS");
        var totals = stats.Rows.Single(row => row[0] == Postgres.Database);
        foreach (var column in stats.Columns.Skip(1))
        {
            var value = Number(stats, totals, column);
            Assert.True(value >= last.GetValueOrDefault(column),
                $"{column} went back from {last.GetValueOrDefault(column)} to {value}");
            last[column] = value;
        }
        Assert.True(last["query_count"] >= last["xact_count"]);
        Assert.InRange(last["server_assignment_count"], last["xact_count"] - Clients, last["xact_count"] + Clients);
    }

    /// <summary>One after the other, as often as they come.</summary>
    private static async Task DisturbAsync(Pooler pooler, CancellationToken isOver)
    {
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        while (!isOver.IsCancellationRequested)
        {
            await using var victim = Bench(pooler, "other", 4, seconds: 1);
            foreach (
                var command in new[] { "PAUSE", "RESUME", "RECONNECT", "RELOAD", "PAUSE app", "RESUME app", "KILL other",
                "RESUME other" })
                Assert.Equal("", (await console.QueryAsync(command)).ErrorText);
            await victim.ExitAsync();
        }
    }

    private static Child Bench(Pooler pooler, string database, int clients, int seconds)
    {
        var script = Path.Combine(pooler.Folder, "three.sql");
        if (!File.Exists(script)) File.WriteAllText(script, "begin;\nselect 1;\ncommit;\n");
        return Child.Start(
            Machine.Program("pgbench"),
                ["-n", "-f", script, "-c", $"{clients}", "-j", "2", "-T", $"{seconds}", "-h", "127.0.0.1", "-p", $"{pooler.Port}",
                "-U", "user_trust", database], Machine.Folder);
    }

    private static long Number(Reply reply, string?[] row, string column) =>
        long.Parse(row[reply.Columns.IndexOf(column)]!, CultureInfo.InvariantCulture);
}
