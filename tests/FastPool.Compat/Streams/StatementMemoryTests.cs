using Xunit.Abstractions;

namespace FastPool.Compat.Streams;

/// <summary>Ten thousand statements from a thousand clients: the texts are kept once, however many clients hold them.</summary>
public class StatementMemoryTests(ITestOutputHelper output)
{
    private const int Clients = 1_000;
    private const int Statements = 10_000;
    private const int StatementsOfEach = 50;
    private const int TextBytes = 2_000;

    /// <summary>
    /// Texts once are 20 MB; a copy for each client that holds one would be 100 MB, and these are resident as well as what is
    /// garbage of them.
    /// </summary>
    private const int GrowthMost_kB = 75_000;

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task Texts_are_shared(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, file =>
        {
            file["default_pool_size"] = "4";
            file["max_client_conn"] = $"{Clients + 50}";
            file["max_prepared_statements"] = "100";
        });
        var clients = await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => pooler.RawAsync()));
        var before = Resident_kB(pooler.Pid);
        await Parallel.ForAsync(0, Clients, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, _) =>
        {
            // Fifty neighbours on a ring of ten thousand: each statement belongs to five clients.
            await clients[number]
                .SendAsync(
                [.. Enumerable.Range(number * (Statements / Clients), StatementsOfEach)
                .SelectMany(i => Wire.Parse($"s{i % Statements}", Text(i % Statements))), .. Wire.Sync]);
            Assert.Equal(new string('1', StatementsOfEach) + "Z", (await clients[number].ReplyAsync()).Types);
        });
        var growth = Resident_kB(pooler.Pid) - before;
        output.WriteLine(
            $"{Statements} statements of {TextBytes} bytes from {Clients} clients with {StatementsOfEach} each, {loops} loops: {growth} kB more resident, {before + growth} kB in all");
        Assert.InRange(growth, 0, GrowthMost_kB);

        await clients[0].SendAsync([.. Wire.Bind("", "s7"), .. Wire.Execute(), .. Wire.Sync]);
        Assert.Equal("7", (await clients[0].ReplyAsync()).Rows[0][0]);
        foreach (var client in clients) await client.DisposeAsync();
        await pooler.PoolIsAsync("cl_active", 0);
        Assert.InRange((await pooler.ConsoleAsync("SHOW SERVERS")).Rows.Count, 1, 4);
    }

    /// <summary>
    /// The message is held whole for a moment, and its text is kept as long as client or server have the statement: one copy.
    /// Memory needed on the way is given back within seconds, though nothing more is allocated that would give the runtime
    /// cause.
    /// </summary>
    [PoolerTheory(Since = "1.21"), Loops]
    public async Task Of_a_huge_statement_one_copy_stays(int loops)
    {
        const int textBytes = 64_000_000;
        await using var pooler = await Pooler.StartAsync(loops, file =>
        {
            file["default_pool_size"] = "1";
            file["max_prepared_statements"] = "100";
        });
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        var before = Resident_kB(pooler.Pid);
        await client.SendAsync([.. Wire.Parse("huge", $"select length('{new string('x', textBytes)}')"), .. Wire.Sync]);
        Assert.Equal("1Z", (await client.ReplyAsync()).Types);
        await client.SendAsync([.. Wire.Bind("", "huge"), .. Wire.Execute(), .. Wire.Sync]);
        Assert.Equal($"{textBytes}", (await client.ReplyAsync()).Rows[0][0]);
        const int oneCopy_kB = textBytes / 1024;
        await Until.TrueAsync(
            () => Task.FromResult(Resident_kB(pooler.Pid) - before < oneCopy_kB * 3 / 2),
            "no more than one copy is resident",
            20,
            () => $"{Resident_kB(pooler.Pid) - before} kB more than before");
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    private static string Text(int number) => $"select {number} /* {new string('x', TextBytes - 20)} */";

    private static int Resident_kB(int pid) => int.Parse(
        File.ReadLines($"/proc/{pid}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
}
