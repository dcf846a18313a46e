using Npgsql;

namespace FastPool.Compat.Console;

/// <summary>console_extended: an ordinary driver, set up as for any database, reads the console; and bad input.</summary>
public sealed class ExtendedTests
{
    [PoolerTheory(FastPoolOnly = "has the simple protocol alone"), Loops]
    public async Task A_driver_reads_listings_in_its_own_way(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, file => file.Own["console_extended"] = "1");
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        await using var console = await pooler.ConnectAsync("admin", "pgbouncer");
        Assert.Equal(Binary.Since126("PgBouncer 1.26.1", "PgBouncer 1.25.2"), await console.ScalarAsync("SHOW VERSION"));
        await using var command = new NpgsqlCommand("SHOW POOLS", console);
        await command.PrepareAsync();
        for (var i = 0; i < 2; i++)
        {
            await using var reader = await command.ExecuteReaderAsync();
            Assert.True(await reader.ReadAsync());
            Assert.Equal(("app", 1), (reader.GetString(0), reader.GetInt32(2))); // A number, in binary.
        }
        await using (var latency = new NpgsqlCommand("SHOW LATENCY", console))
        {
            await using var reader = await latency.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                if (reader.GetString(1) == "query") Assert.InRange(reader.GetDecimal(5), 0.001m, 10_000m);
            }
        }
        await using (var transaction = await console.BeginTransactionAsync())
        {
            Assert.Equal("databases", await console.ScalarAsync("SHOW LISTS"));
            await transaction.CommitAsync();
        }
        var error = await Assert.ThrowsAsync<PostgresException>(() => console.ScalarAsync("SHOW NONSENSE"));
        Assert.Equal("42000", error.SqlState); // Of class 08 it would drop the connection.
        Assert.Equal(Binary.Since126("PgBouncer 1.26.1", "PgBouncer 1.25.2"), await console.ScalarAsync("SHOW VERSION"));
        Assert.Equal("0A000", (await Assert.ThrowsAsync<PostgresException>(() => console.ScalarAsync("SHOW POOLS", 1))).SqlState);
    }

    [PoolerFact(FastPoolOnly = "wants a command in one piece")]
    public async Task A_megabyte_of_query_ends_its_session_alone()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var client = await pooler.RawAsync();
        await using (var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer"))
        {
            await console.SendAsync(Wire.Query("show " + new string('x', 1_000_000)));
            // The end may overtake the reason.
            Assert.True((await console.ReplyAsync()).ErrorText is "" or "FATAL/08P01 incomplete pkt");
        }
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
    }

    [PoolerFact]
    public async Task Text_behind_a_NUL_does_not_count()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        Assert.Equal(["SHOW"], (await console.QueryAsync("show version\0; nonsense")).Tags);
        await console.SendAsync(Wire.Typed('Q', "show version"u8.ToArray()));
        Assert.Equal("FATAL/08P01 incomplete query", (await console.ReplyAsync()).ErrorText);
    }

    [PoolerFact(FastPoolOnly = "is one loop, and the reader holds it up")]
    public async Task A_session_that_stops_reading_costs_one_answer_and_nobodys_time()
    {
        await using var pooler = await Pooler.StartAsync(1);
        var clients = new List<RawClient>();
        for (var i = 0; i < 200; i++)
            clients.Add(
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", new string('a', 60))));
        await using var silent = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        var before = ResidentKb(pooler.Pid);
        for (var i = 0; i < 2000; i++) await silent.SendAsync(Wire.Query("show clients")); // 2000 answers of 40 kB: 80 MB.
        Assert.Equal("TDCZ", (await clients[0].QueryAsync("select 1")).Types);
        // Two of the console, one of them the silent one.
        Assert.Equal(201 + 1, (await pooler.ConsoleAsync("show clients")).Rows.Count);
        Assert.InRange(ResidentKb(pooler.Pid) - before, -100_000, 40_000);
        for (var i = 0; i < 2000; i++) Assert.Equal(["SHOW"], (await silent.ReplyAsync()).Tags); // All of it comes in the end.
        foreach (var client in clients) await client.DisposeAsync();
    }

    private static long ResidentKb(int pid) =>
        long.Parse(File.ReadLines($"/proc/{pid}/status")
            .Single(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
}
