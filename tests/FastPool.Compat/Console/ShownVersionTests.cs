namespace FastPool.Compat.Console;

/// <summary>The pooler as PgBouncer 1.26 is, and as 1.25 was; a PgBouncer 1.26 passes what is not of FastPool alone.</summary>
public sealed class ShownVersionTests
{
    private static string[] Own(RawClient client) =>
        [.. client.ParameterOrder.Where(static name => name.StartsWith("pgbouncer.", StringComparison.Ordinal))];

    [PoolerTheory(Since = "1.26"), Loops]
    public async Task A_client_hears_what_it_is_connected_to(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        for (var i = 0; i < 2; i++) // The first waits for a server, the second does not.
        {
            await using var client = await pooler.RawAsync();
            Assert.Equal(["pgbouncer.version", "pgbouncer.max_prepared_statements", "pgbouncer.pool_mode"], Own(client));
            Assert.Equal("pgbouncer.version", client.ParameterOrder[0]);
            Assert.Equal(("1.26.1", "200", "transaction"), (client.Parameters["pgbouncer.version"],
                client.Parameters["pgbouncer.max_prepared_statements"], client.Parameters["pgbouncer.pool_mode"]));
        }
        await pooler.ConsoleAsync("SET pool_mode = session");
        await pooler.ConsoleAsync("SET max_prepared_statements = 7");
        await using var later = await pooler.RawAsync();
        Assert.Equal(("7", "session"), (later.Parameters["pgbouncer.max_prepared_statements"],
            later.Parameters["pgbouncer.pool_mode"]));
    }

    [PoolerTheory(Since = "1.26"), Loops]
    public async Task A_notice_follows_each_login(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["login_notify_message"] = "mind the pooler");
        foreach (var database in new[] { Postgres.Database, Postgres.Database, "pgbouncer" })
        {
            await using var client = await RawClient.ConnectAsync(pooler.Port);
            var user = database == "pgbouncer" ? "admin" : "user_trust";
            await client.SendAsync(Wire.Startup(("user", user), ("database", database)));
            var types = new List<char>();
            Message? notice = null;
            while (await client.ReadAsync() is { } message)
            {
                types.Add(message.Type);
                if (message.Type == 'N') notice = message;
                if (message.Type == 'Z') break;
            }
            Assert.Equal(['K', 'N', 'Z'], types.TakeLast(3));
            Assert.Equal(("NOTICE", "00000", "mind the pooler"), (notice!.Field('S'), notice.Field('C'), notice.Field('M')));
        }
    }

    [PoolerTheory(Since = "1.26"), Loops]
    public async Task The_time_in_the_queue_is_the_users_then_the_databases(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.Databases["short"] = "{server} dbname=app pool_size=1 query_wait_timeout=1";
        });
        await using var holder = await pooler.RawAsync(database: "short");
        await holder.QueryAsync("begin");
        await using var waiter = await pooler.RawAsync(database: "short");
        Assert.Equal("FATAL/08P01 query_wait_timeout", (await waiter.QueryAsync("select 1")).ErrorText);
    }

    [PoolerTheory(Since = "1.26"), Loops]
    public async Task An_unused_pool_goes_with_its_statistics(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["pool_idle_timeout"] = "1";
            f["server_idle_timeout"] = "1";
        });
        await pooler.ScalarAsync("select 1");
        Assert.Contains((await pooler.ConsoleAsync("SHOW POOLS")).Rows, static row => row[1] == "user_trust");
        await Until.TrueAsync(
            async () => (await pooler.ConsoleAsync("SHOW POOLS")).Rows.All(static row => row[1] != "user_trust"),
            "the pool is gone");
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        var row = Assert.Single((await pooler.ConsoleAsync("SHOW STATS")).Rows, static row => row[0] == Postgres.Database);
        Assert.Equal("1", row[12]); // total_client_login_count: of the new one.
    }

    [PoolerTheory(FastPoolOnly = "has one version"), Loops]
    public async Task Show_as_is_for_who_comes_after_it(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Own["show_as"] = "1.25");
        async Task SeesAsync(string version, int columns, string state)
        {
            Assert.Equal("PgBouncer " + version, (await pooler.ConsoleAsync("SHOW VERSION")).Rows[0][0]);
            Assert.Equal(columns, (await pooler.ConsoleAsync("SHOW STATS")).Columns.Count);
            await using var client = await pooler.RawAsync();
            Assert.Equal(version.StartsWith("1.26", StringComparison.Ordinal) ? 3 : 0, Own(client).Length);
            await using var console = await pooler.RawAsync("admin", "pgbouncer");
            Assert.Equal(version + "/bouncer", console.Parameters["server_version"]);
            await using var stranger = await RawClient.ConnectAsync(pooler.Port);
            await stranger.SendAsync(Wire.Startup(("user", "stranger"), ("database", Postgres.Database)));
            Assert.Equal($"FATAL/{state} \"trust\" authentication failed", (await stranger.ReplyAsync()).ErrorText);
        }

        await SeesAsync("1.25.2", 23, "08P01");
        await pooler.ConsoleAsync("SET show_as = '1.26'");
        await SeesAsync("1.26.1", 25, "28000");
        await pooler.ConsoleAsync("RELOAD");
        await SeesAsync("1.25.2", 23, "08P01");
        pooler.Rewrite(f => f.Own["show_as"] = "1.26");
        await pooler.ConsoleAsync("RELOAD");
        await SeesAsync("1.26.1", 25, "28000");
        await pooler.TakeOverAsync();
        await SeesAsync("1.26.1", 25, "28000");
    }
}
