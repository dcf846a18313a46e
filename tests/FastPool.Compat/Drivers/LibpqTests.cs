using Xunit.Abstractions;

namespace FastPool.Compat.Drivers;

/// <summary>libpq by way of pgbench and psql, in transaction mode with more clients than servers.</summary>
public class LibpqTests(ITestOutputHelper output)
{
    private const int Clients = 12;
    private const int TransactionsOfEach = 100;

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task Pgbench_runs_in_every_query_mode_and_with_pipelines(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops);
        foreach (var (mode, script) in new[]
        {
            ("simple", "statements"), ("extended", "statements"), ("prepared", "statements"), ("extended", "pipeline"),
                ("prepared", "pipeline"),
            ("extended", "pipelines-in-transaction"), ("prepared", "pipelines-in-transaction"),
        })
        {
            var copy = Path.Combine(Machine.NewFolder("b"), "script.sql");
            File.Copy(Path.Combine(DriverSuite.Folder("pgbench"), script + ".sql"), copy);

            // One thread a client: pgbench waits for a Parse with the whole thread, so clients of one thread would wait for each
            // other's servers.
            var (exit, text) = await Child.RunAsync(
                Machine.Program("pgbench"),
                    ["-n", "-M", mode, "-c", $"{Clients}", "-j", $"{Clients}", "-t", $"{TransactionsOfEach}", "-f", copy],
                    [.. DriverSuite.Place(pooler)]);
            output.WriteLine($"-M {mode} {script}\n{text}");
            Assert.True(exit == 0, text);
            Assert.Contains($"actually processed: {Clients * TransactionsOfEach}/{Clients * TransactionsOfEach}", text,
                StringComparison.Ordinal);
        }

        await DriverSuite.IsCleanAsync(pooler);
        DriverSuite.Passed("libpq");
    }

    [PoolerTheory, Loops]
    public async Task Psql_copies_describes_and_fetches_by_cursor(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops);
        var rows = Path.Combine(Machine.NewFolder("b"), "rows.txt");
        await File.WriteAllLinesAsync(rows, Enumerable.Range(0, 5000).Select(i => $"{i}\tbody {i}"));
        var text = await PsqlAsync(pooler, Postgres.Database,
            "begin; create temp table psql_rows (number int, body text) on commit drop;",
            $"\\copy psql_rows from '{rows}'",
            "\\copy (select sum(number) from psql_rows) to stdout",
            "commit;",
            "select 1 as one, 'x'::text as two \\gdesc",
            "\\set FETCH_COUNT 100\n select generate_series(1, 1000);",
            "select 1 / 0;",
            "select 'still here';");
        var lines = text.Split('\n'); // Errors come by another stream: their place among the rest is not told.
        foreach (var line in new[] { "12497500", "one|integer", "two|text", "999", "1000", "still here" })
            Assert.Contains(line, lines);
        Assert.Contains("division by zero", text, StringComparison.Ordinal);
        await DriverSuite.IsCleanAsync(pooler);
        DriverSuite.Passed("libpq");
    }

    [PoolerTheory, Loops]
    public async Task Psql_hears_a_notification_in_session_mode(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops);
        var text =
            await PsqlAsync(pooler, DriverSuite.SessionDatabase, "listen psql_channel;", "notify psql_channel, 'hello';",
            "select 1;");
        Assert.Contains("Asynchronous notification \"psql_channel\" with payload \"hello\"", text, StringComparison.Ordinal);
        await DriverSuite.IsCleanAsync(pooler);
        DriverSuite.Passed("libpq");
    }

    [PoolerTheory, Loops]
    public async Task Psql_cancels_by_an_interrupt(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops);
        var postgres = await Postgres.SharedAsync();
        await using var psql = Child.Start(
            Machine.Program("psql"), ["-X", "-At", "-c", "select pg_sleep(40) /* for an interrupt */"], Machine.NewFolder("b"),
                [.. DriverSuite.Place(pooler)]);
        await Until.TrueAsync(
            async () => await postgres.BackendCountAsync("state = 'active' and query like '%for an interrupt%'") > 0,
            "psql sleeps", 20, () => psql.Text);
        psql.Signal(Child.SigInt);
        Assert.NotEqual(0, await psql.ExitAsync());
        Assert.Contains("canceling statement due to user request", psql.Text, StringComparison.Ordinal);
        await DriverSuite.IsCleanAsync(pooler);
        DriverSuite.Passed("libpq");
    }

    private async Task<string> PsqlAsync(Pooler pooler, string database, params string[] lines)
    {
        var script = Path.Combine(Machine.NewFolder("b"), "script.sql");
        await File.WriteAllLinesAsync(script, lines);
        var (_, text) =
            await Child.RunAsync(Machine.Program("psql"), ["-X", "-At", "-f", script], [.. DriverSuite.Place(pooler, database)]);
        output.WriteLine(text);
        return text;
    }
}
