using System.Globalization;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Console;

/// <summary>SHOW LATENCY against a witness: what pgbench itself measured in the same run.</summary>
public sealed class LatencyTests
{
    private const int Clients = 5;
    private const int Transactions = 60;

    /// <summary>
    /// The time that client, wire and a loop's turn add to each transaction, milliseconds; the machine may be busy.
    /// </summary>
    private const double WireMs = 2;

    [PoolerTheory(FastPoolOnly = "knows averages alone"), Loops]
    public async Task Pgbench_and_the_console_agree(int loops)
    {
        // pgbench reads its clock late when the machine is busy; a figure of ours that is wrong is wrong each time.
        const int Tries = 3;
        for (var i = 1; ; i++)
        {
            try
            {
                await CompareAsync(loops);
                return;
            }
            catch (Xunit.Sdk.InRangeException) when (i < Tries)
            {
            }
        }
    }

    private static async Task CompareAsync(int loops)
    {
        await using var pooler =
            await Pooler.StartAsync(loops, file => file.Databases["bench"] = "{server} dbname=app pool_size=10");
        var script = Path.Combine(pooler.Folder, "sleep.sql");
        // Long ones, beside which what a busy machine adds to each is little.
        await File.WriteAllTextAsync(script,
            "\\set us random_exponential(60000, 450000, 3)\nselect pg_sleep(:us / 1000000.0);\n");
        var (exit, report) = await Child.RunAsync(
            Machine.Program("pgbench"),
            ["-n", "-f", script, "-c", $"{Clients}", "-j", "2", "-t", $"{Transactions}", "-P", "100", "-l",
                $"--log-prefix={pooler.Folder}/log", "-h", "127.0.0.1", "-p", $"{pooler.Port}", "-U", "user_trust", "bench"]);
        Assert.True(exit == 0, report);

        var latency = await pooler.ConsoleAsync("SHOW LATENCY");
        var row = latency.Rows.Single(r => r[0] == "bench" && r[1] == "transaction" && r[2] == "total");
        double Figure(string column) => double.Parse(row[latency.Columns.IndexOf(column)]!, CultureInfo.InvariantCulture);
        var times = Directory.GetFiles(pooler.Folder, "log*").SelectMany(File.ReadLines)
            .Select(line => double.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture) / 1000).Order().ToArray();
        Assert.Equal(Clients * Transactions, times.Length);
        Assert.Equal(times.Length, Figure("count"));
        var reported =
            double.Parse(Regex.Match(report, "latency average = ([0-9.]+) ms").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(Figure("avg_ms"), reported * 0.95, reported * 1.05);
        var deviation =
            double.Parse(Regex.Match(report, "latency stddev = ([0-9.]+) ms").Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(Figure("stddev_ms"), deviation * 0.95, deviation * 1.05);
        foreach (var (column, share) in new[] { ("p50_ms", 0.5), ("p90_ms", 0.9), ("p95_ms", 0.95), ("p99_ms", 0.99) })
        {
            var witness = times[(int)Math.Ceiling(times.Length * share) - 1];
            Assert.InRange(Figure(column), (witness * 0.98) - WireMs, (witness * 1.02) + WireMs);
        }
        Assert.InRange(Figure("max_ms"), times[^1] - (3 * WireMs), times[^1] + WireMs);
    }

    [PoolerFact(FastPoolOnly = "knows averages alone")]
    public async Task Prepared_statements_are_told_apart()
    {
        await using var pooler = await Pooler.StartAsync(1, file => file["max_prepared_statements"] = "50");
        await using (var connection = await pooler.ConnectAsync())
        {
            foreach (var sql in new[] { "select 1", "select pg_sleep(0.03)" })
            {
                await using var command = new Npgsql.NpgsqlCommand(sql, connection);
                await command.PrepareAsync();
                for (var i = 0; i < 3; i++) await command.ExecuteNonQueryAsync();
            }
            var rows = (await pooler.ConsoleAsync("SHOW LATENCY STATEMENTS")).Rows.Where(row => row[1] == "total").ToArray();
            Assert.Equal(["select pg_sleep(0.03)", "select 1"], rows.Select(row => row[^1]));
            Assert.All(rows, row => Assert.Equal("3", row[2]));
            Assert.True(double.Parse(rows[0][4]!, CultureInfo.InvariantCulture) >= 30);
        }
    }

    [PoolerTheory(FastPoolOnly = "does not tell why"), Loops]
    public async Task A_waiting_client_is_shown_with_its_cause(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, file => file["default_pool_size"] = "1");
        await using var holder = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        await using var waiter = await pooler.RawAsync();
        var waiting = waiter.QueryAsync("select 1");
        await Until.TrueAsync(async () =>
            (await pooler.ConsoleAsync("SHOW WAITING")).Rows is [[.., "pool full"]], "one waits for the full pool");
        await holder.QueryAsync("commit");
        await waiting;
        await pooler.ConsoleAsync("PAUSE app");
        waiting = waiter.QueryAsync("select 1");
        await Until.TrueAsync(async () =>
            (await pooler.ConsoleAsync("SHOW WAITING")).Rows is [[.., "paused"]], "one waits for the end of the pause");
        await pooler.ConsoleAsync("RESUME app");
        await waiting;
        Assert.Empty((await pooler.ConsoleAsync("SHOW WAITING")).Rows);
    }

    [PoolerFact(FastPoolOnly = "does not look")]
    public async Task SHOW_SAFETY_lists_uses_that_shared_servers_break()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var client =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "careless"));
        foreach (
            var sql in new[] { "set work_mem='8MB'", "set datestyle='ISO, DMY'", "begin; set local work_mem='4MB'; commit",
            "listen l", "prepare p as select 1", "declare c cursor with hold for select 1", "create temp table t (i int)",
            "select pg_advisory_lock(1)", "select set_config('work_mem', '9MB', false)",
            "select set_config('work_mem', '9MB', true)", "deallocate p",
            "select set_config('application_name', 'other', false)", "select 1" })
            await client.QueryAsync(sql);
        var safety = await pooler.ConsoleAsync("SHOW SAFETY");
        Assert.All(safety.Rows, row => Assert.Equal("app user_trust careless", string.Join(' ', row[..3])));
        Assert.Equal(
            ["SET outside a transaction", "LISTEN", "PREPARE", "temporary table", "advisory lock", "WITH HOLD cursor",
            "set_config", "DEALLOCATE"],
            safety.Rows.Select(row => row[3]));
        Assert.All(safety.Rows, row => Assert.Equal("1", row[4]));
    }
}
