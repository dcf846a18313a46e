using Xunit.Abstractions;

namespace FastPool.Compat.Drivers;

/// <summary>
/// Drivers of other languages in transaction mode, with more clients than servers: each is one program under tests/drivers.
/// </summary>
public class DriverTests(ITestOutputHelper output)
{
    private const string Python = "/usr/bin/python3"; // Debian's own, which Debian's drivers belong to.
    private const string JdbcArchive = "/usr/share/java/postgresql.jar";

    private readonly DriverSuite _suite = new(output);

    [PoolerTheory(Since = "1.21"), Loops]
    public Task Psycopg_works(int loops) => RunAsync(loops, "python psycopg 3", Python, "psycopg3.py");

    [PoolerTheory(Since = "1.21"), Loops]
    public Task Psycopg2_works(int loops) => RunAsync(loops, "python psycopg2", Python, "psycopg_two.py");

    [PoolerTheory(Since = "1.21"), Loops]
    public Task Asyncpg_works(int loops) => RunAsync(loops, "python asyncpg", Python, "async_pg.py");

    [PoolerTheory(Since = "1.21"), Loops]
    public Task Node_postgres_works(int loops) => RunAsync(loops, "node node-postgres", "node", "node-postgres.js");

    [PoolerTheory(Since = "1.21"), Loops]
    public Task Postgres_js_works(int loops) => RunAsync(loops, "node postgres.js", "node", "postgres-js.js");

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task Pgjdbc_works_beside_a_client_with_German_dates(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops);
        using var ended = new CancellationTokenSource();
        var german = AskInGermanAsync(pooler, ended.Token);
        await _suite.RunAsync("java pgjdbc", pooler, "java", "-cp", JdbcArchive, "Pgjdbc.java");
        await ended.CancelAsync();
        Assert.True(await german > 20);
        await DriverSuite.IsCleanAsync(pooler);
    }

    /// <summary>
    /// Their own TLS 1.3: OpenSSL in Python and node, Java's own. The pooler carries the records itself, without the library.
    /// </summary>
    [PoolerTheory(FastPoolOnly = "no own records")]
    [InlineData("python psycopg 3", Python, "psycopg3.py")]
    [InlineData("python asyncpg", Python, "async_pg.py")]
    [InlineData("node node-postgres", "node", "node-postgres.js")]
    [InlineData("node postgres.js", "node", "postgres-js.js")]
    [InlineData("java pgjdbc", "java", "-cp", JdbcArchive, "Pgjdbc.java")]
    public async Task Drivers_work_through_TLS_on_the_poolers_own_records(string driver, string program,
        params string[] arguments)
    {
        var certificates = await Certificates.SharedAsync();
        // Only the clients insist on it: cancel requests of libpq are plain.
        await using var pooler = await DriverSuite.StartAsync(loops: 2, change: file => file.OfferTls(certificates, "allow"));
        await using var stays = await pooler.ConnectAsync(more: "SSL Mode=Require");
        await _suite.RunAsync(driver + " TLS", pooler, certificates, program, arguments);
        var counts = (await pooler.ConsoleAsync("SHOW FASTPOOL")).Rows.ToDictionary(static row => row[0]!, static row => row[1]);
        Assert.Equal(("1", "0"), (counts["tls_own_connections"], counts["tls_library_connections"]));
        var logins = pooler.Process.Lines.Where(static line => line.Contains("user=user_trust tls=")).ToList();
        Assert.All(logins, static line => Assert.Contains("tls=TLSv1.3", line));
        Assert.True(logins.Count > 10);
    }

    /// <summary>They see no difference, and their servers are asked and shared.</summary>
    [PoolerTheory(FastPoolOnly = "has no session_state")]
    [InlineData("python psycopg 3", Python, "psycopg3.py")]
    [InlineData("python psycopg2", Python, "psycopg_two.py")]
    [InlineData("python asyncpg", Python, "async_pg.py")]
    [InlineData("node node-postgres", "node", "node-postgres.js")]
    [InlineData("node postgres.js", "node", "postgres-js.js")]
    [InlineData("java pgjdbc", "java", "-cp", JdbcArchive, "Pgjdbc.java")]
    public async Task Drivers_work_while_the_state_of_sessions_is_kept(string driver, string program,
        params string[] arguments)
    {
        await using var pooler =
            await DriverSuite.StartAsync(loops: 2, change: static file => file.Own["session_state"] = "keep");
        await _suite.RunAsync(driver + " keep", pooler, program, arguments);
        var counts = (await pooler.ConsoleAsync("SHOW FASTPOOL")).Rows.ToDictionary(static row => row[0]!, static row => row[1]);
        Assert.NotEqual("0", counts["state_questions"]);
        await DriverSuite.IsCleanAsync(pooler);
    }

    [PoolerTheory(FastPoolOnly = "has no session_state"), Loops]
    public async Task Psycopg_listens_in_transaction_mode(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops, change: static file => file.Own["session_state"] = "keep");
        await _suite.RunAsync("python psycopg 3 LISTEN", pooler, Python, "psycopg_listen.py");
        await DriverSuite.IsCleanAsync(pooler);
    }

    private async Task RunAsync(int loops, string driver, string program, params string[] arguments)
    {
        await using var pooler = await DriverSuite.StartAsync(loops);
        await _suite.RunAsync(driver, pooler, program, arguments);
        await DriverSuite.IsCleanAsync(pooler);
    }

    private static async Task<int> AskInGermanAsync(Pooler pooler, CancellationToken ended)
    {
        await using var client =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("datestyle", "German"));
        var count = 0;
        for (; !ended.IsCancellationRequested; count++)
            Assert.Equal("03.02.2001", (await client.QueryAsync("select date '2001-02-03'")).Rows[0][0]);
        return count;
    }
}
