namespace FastPool.Compat.Streams;

/// <summary>Named statements where PostgreSQL does not have, or does not understand, what the pooler believes.</summary>
public class StatementHealingTests
{
    private static async Task<string> UseAsync(Pooler pooler, string text, params (string, string)[] parameters)
    {
        await using var client = await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, parameters);
        await client.SendAsync(
            [.. Wire.Parse("s", text), .. Wire.Describe('S', "s"), .. Wire.Bind("", "s"), .. Wire.Execute(), .. Wire.Sync]);
        var reply = await client.ReplyAsync();
        return reply.Error is null ? reply.Rows[0][0]! : reply.Error.Field('C')!;
    }

    private static Task<Pooler> StartAsync(int loops, Action<PoolerFile>? change = null) => Pooler.StartAsync(loops, file =>
    {
        file["default_pool_size"] = "1";
        file["max_prepared_statements"] = "300";
        change?.Invoke(file);
    });

    [PoolerTheory(FastPoolOnly = "never hears of it"), Loops]
    public async Task A_statement_that_a_DO_block_drops_is_missed_once(int loops)
    {
        await using var pooler = await StartAsync(loops);
        Assert.Equal("1", await UseAsync(pooler, "select 1"));
        Assert.Equal("2", await UseAsync(pooler, "select 2"));
        await using var client = await pooler.RawAsync();
        Assert.Equal("", (await client.QueryAsync("do $$ begin execute 'deallocate all'; end $$")).ErrorText);
        Assert.Equal("26000", await UseAsync(pooler, "select 1"));
        Assert.Equal("1", await UseAsync(pooler, "select 1"));
        Assert.Equal("2", await UseAsync(pooler, "select 2"));
    }

    [PoolerTheory(FastPoolOnly = "never hears of it")]
    [Loops("/* all */ deallocate all")]
    [Loops("select 1; discard all")]
    [Loops("deallocate  all")]
    public async Task A_drop_in_disguise_is_missed_once(int loops, string text)
    {
        await using var pooler = await StartAsync(loops);
        Assert.Equal("1", await UseAsync(pooler, "select 1"));
        await using var client = await pooler.RawAsync();
        await client.SendAsync([.. Wire.Query(text), .. Wire.Parse("s", "select 1"), .. Wire.Sync]);
        for (var ready = 0; ready < 2;)
        {
            if ((await client.ReadAsync())!.Type == 'Z') ready++;
        }
        for (var i = 0; i < 3; i++) Assert.Equal("1", await UseAsync(pooler, "select 1"));
    }

    [PoolerTheory(FastPoolOnly = "never hears of it"), Loops]
    public async Task A_reset_query_may_drop_them(int loops)
    {
        await using var pooler = await StartAsync(loops, file =>
        {
            file["server_reset_query"] = "DEALLOCATE ALL";
            file["server_reset_query_always"] = "1";
        });
        for (var i = 0; i < 3; i++) Assert.Equal("1", await UseAsync(pooler, "select 1"));
    }

    /// <summary>asyncpg, pgx and tokio-postgres look at a statement before they bind it.</summary>
    [PoolerTheory(FastPoolOnly = "fails for each new client"), Loops]
    public async Task A_plan_that_no_longer_fits_is_found_out_by_Describe_too(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var direct = await server.ConnectAsync(Postgres.Database);
        var table = $"altered_{Guid.NewGuid():N}";
        await direct.ScalarAsync($"create table {table} (one int); insert into {table} values (7)");
        await using var pooler = await StartAsync(loops);
        Assert.Equal("7", await UseAsync(pooler, $"select * from {table}"));
        await direct.ScalarAsync($"alter table {table} add two text");
        Assert.Equal("0A000", await UseAsync(pooler, $"select * from {table}"));
        for (var i = 0; i < 3; i++) Assert.Equal("7", await UseAsync(pooler, $"select * from {table}"));
        await direct.ScalarAsync($"drop table {table}");
    }

    [PoolerTheory(FastPoolOnly = "shares them"), Loops]
    public async Task Literals_are_read_with_the_clients_own_settings(int loops)
    {
        await using var pooler = await StartAsync(loops);
        const string date = "select to_char('02/01/2024'::date, 'YYYY-MM-DD')";
        const string zone = "select extract(epoch from timestamptz '2024-01-01 00:00')::bigint";
        const string slash = @"select length('a\\b')";
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal("2024-02-01", await UseAsync(pooler, date, ("DateStyle", "ISO, MDY")));
            Assert.Equal("2024-01-02", await UseAsync(pooler, date, ("DateStyle", "German")));
            Assert.Equal("1704067200", await UseAsync(pooler, zone, ("TimeZone", "UTC")));
            Assert.Equal("1704034800", await UseAsync(pooler, zone, ("TimeZone", "Asia/Tokyo")));
            Assert.Equal("4", await UseAsync(pooler, slash, ("standard_conforming_strings", "on")));
            Assert.Equal("3", await UseAsync(pooler, slash, ("standard_conforming_strings", "off")));
        }
    }

    /// <summary>191 kB: a slow query, drops that do not look like it, Parses. CPU time of the process, not of a clock.</summary>
    [PoolerTheory, Loops]
    public async Task Drops_behind_a_slow_query_cost_what_they_are(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var client = await pooler.RawAsync();
        var before = CpuTicks(pooler.Pid);
        await client.SendAsync([
            .. Wire.Query("select pg_sleep(1)"),
            .. Enumerable.Repeat(Wire.Query("/**/deallocate all"), 8_000).SelectMany(static query => query),
            .. Enumerable.Range(0, 200).SelectMany(static i => Wire.Parse("n" + i, "select " + i)),
            .. Wire.Sync]);
        for (var ready = 0; ready < 8_002;)
        {
            if ((await client.ReadAsync(60))!.Type == 'Z') ready++;
        }
        Assert.InRange(CpuTicks(pooler.Pid) - before, 0, 200); // 2 s; where each reply looked at all that was outstanding, 14.
    }

    private static long CpuTicks(int pid)
    {
        var fields = File.ReadAllText($"/proc/{pid}/stat").Split(") ")[1].Split(' ');
        return long.Parse(fields[11], System.Globalization.CultureInfo.InvariantCulture)
            + long.Parse(fields[12], System.Globalization.CultureInfo.InvariantCulture);
    }
}
