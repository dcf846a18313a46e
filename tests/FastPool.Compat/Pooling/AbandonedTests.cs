using System.Globalization;

namespace FastPool.Compat.Pooling;

/// <summary>abandoned_transaction = rollback: a client that vanishes in a transaction does not take its server along.</summary>
public class AbandonedTests
{
    private const string OnlyHere = "closes every server whose client goes in a transaction";
    private const string Kept = "rolled back and kept: its client has gone in a transaction (";

    private static readonly Lazy<Task<Postgres>> Prepared = new(PrepareAsync);

    private static async Task<Postgres> PrepareAsync()
    {
        var server = await Postgres.SharedAsync();
        await using var admin = await server.ConnectAsync(Postgres.Database);
        await admin.ScalarAsync(
            "create table abandoned (v text); grant all on abandoned to public; select 1");
        return server;
    }

    private static async Task<Pooler> StartAsync(int loops, Action<PoolerFile>? change = null) =>
        await Pooler.StartAsync((await Prepared.Value).Port, loops, file =>
        {
            file["default_pool_size"] = "1";
            file["log_connections"] = "1";
            file.Own["abandoned_transaction"] = "rollback";
            change?.Invoke(file);
        });

    private static async Task<string> FirstAsync(RawClient client, string sql)
    {
        var reply = await client.QueryAsync(sql);
        Assert.Equal("", reply.ErrorText);
        return reply.Rows[0][0] ?? "(null)";
    }

    /// <summary>A client plays something and vanishes in the middle of it; the next one finds the same backend, with nothing
    /// left on it.</summary>
    private static async Task VanishAsync(Pooler pooler, Func<RawClient, Task> play, bool resets = true)
    {
        var client = await pooler.RawAsync();
        var pid = await FirstAsync(client, "select pg_backend_pid()");
        await play(client);
        if (resets) client.Reset();
        else await client.DisposeAsync();
        await using var next = await pooler.RawAsync();
        Assert.Equal(pid, await FirstAsync(next, "select pg_backend_pid()"));
        Assert.Equal("0", await FirstAsync(next, "select count(*) from abandoned"));
        Assert.Equal("t", await FirstAsync(next, "select pg_current_xact_id_if_assigned() is null"));
    }

    private static async Task RunsAsync(string mark)
    {
        var server = await Postgres.SharedAsync();
        await Until.TrueAsync(async () =>
            await server.BackendCountAsync($"wait_event = 'PgSleep' and query like '%{mark}%'") == 1, "the sleep runs");
    }

    private static string Mark => $"{Guid.NewGuid():N}";

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task Idle_and_failed_transactions_are_rolled_back(int loops)
    {
        await using var pooler = await StartAsync(loops);
        foreach (var resets in new[] { true, false })
        {
            await VanishAsync(pooler, static async client =>
            {
                await client.QueryAsync("begin; insert into abandoned values ('idle')");
            }, resets);
            await VanishAsync(pooler, static async client =>
            {
                Assert.Equal('E', (await client.QueryAsync("begin; insert into abandoned values ('failed'); select 1/0")).Status);
            }, resets);
        }
        await pooler.LineAsync(Kept);
        var figures = (await pooler.ConsoleAsync("SHOW FASTPOOL")).Rows.ToDictionary(static row => row[0]!, static row => row[1]);
        Assert.Equal("4", figures["abandoned_kept"]);
        Assert.Equal("rollback", figures["abandoned_transaction"]);
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_running_query_is_canceled(int loops)
    {
        await using var pooler = await StartAsync(loops);
        foreach (var begin in new[] { "begin; insert into abandoned values ('sleep'); ", "" })
        {
            var mark = Mark;
            await VanishAsync(pooler, async client =>
            {
                await client.SendAsync(Wire.Query($"{begin}select pg_sleep(60), '{mark}'"));
                await RunsAsync(mark);
            });
        }
        await pooler.LineAsync("closing because: successfully sent cancel request (age");
        Assert.DoesNotContain("client disconnect while server was not ready", pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task COPY_comes_to_an_end_in_both_directions(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await VanishAsync(pooler, static async client =>
        {
            await client.SendAsync(Wire.Query("copy abandoned from stdin"));
            Assert.Equal('G', (await client.ReadAsync())!.Type);
            await client.SendAsync([.. Wire.CopyData("one\n"), .. Wire.CopyData("two\n")]);
        });
        // As libpq sends it: the Sync is read in COPY, and never answered.
        await VanishAsync(pooler, static async client =>
        {
            await client.QueryAsync("begin");
            await client.SendAsync([.. Wire.Parse("", "copy abandoned from stdin"), .. Wire.Bind("", ""), .. Wire.Execute(),
                .. Wire.Sync]);
            while ((await client.ReadAsync())!.Type != 'G') { }
            await client.SendAsync(Wire.CopyData("one\n"));
        });
        // Nobody reads that.
        await VanishAsync(pooler, static async client =>
        {
            await client.SendAsync(Wire.Query("copy (select repeat('x', 1000) from generate_series(1, 200000)) to stdout"));
            Assert.Equal('H', (await client.ReadAsync())!.Type);
        });
        await VanishAsync(pooler, static async client =>
        {
            await client.SendAsync(Wire.Query("select repeat('x', 1000) from generate_series(1, 200000)"));
            Assert.Equal('T', (await client.ReadAsync())!.Type);
        });
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_pipeline_comes_to_an_end(int loops)
    {
        await using var pooler = await StartAsync(loops);
        byte[] Run(string text) => [.. Wire.Parse("", text), .. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Close('P', "")];
        var mark = Mark;
        await VanishAsync(pooler, async client =>
        {
            await client.SendAsync([.. Run("begin"), .. Wire.Sync, .. Run("insert into abandoned values ('x')"), .. Wire.Sync,
                .. Wire.Parse("named", $"select pg_sleep(60), '{mark}'"), .. Wire.Bind("", "named"), .. Wire.Execute(),
                .. Wire.Close('S', "named"), .. Wire.Sync, .. Run("insert into abandoned values ('y')"), .. Run("select 1/0"),
                .. Run("select 1"), .. Wire.Sync, .. Wire.Query("select 3"), .. Run("select 4")]);
            await RunsAsync(mark);
        });
        // The statement of before is prepared anew.
        await using var next = await pooler.RawAsync();
        await next.SendAsync([.. Wire.Parse("other", $"select pg_sleep(0), '{mark}'"), .. Wire.Bind("", "other"),
            .. Wire.Execute(), .. Wire.Sync]);
        Assert.Equal("12DCZ", (await next.ReplyAsync()).Types);
        // Errors in a segment that has no end.
        await VanishAsync(pooler, async client =>
        {
            await client.SendAsync([.. Run("begin"), .. Run("insert into abandoned values ('z')"), .. Run("select 1/0"),
                .. Run("select 1"), .. Wire.Flush]);
            while ((await client.ReadAsync())!.Type != 'E') { }
        });
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_server_that_has_a_message_in_part_is_closed(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var client = await pooler.RawAsync();
        var pid = await FirstAsync(client, "select pg_backend_pid()");
        await client.QueryAsync("begin");
        var query = Wire.Query("insert into abandoned values ('" + new string('x', 1_000_000) + "')");
        await client.SendAsync(query[..500_000]);
        await Task.Delay(100);
        client.Reset();
        await using var next = await pooler.RawAsync();
        Assert.NotEqual(pid, await FirstAsync(next, "select pg_backend_pid()"));
        Assert.Equal("0", await FirstAsync(next, "select count(*) from abandoned"));
        await pooler.LineAsync("closing because: client disconnect while server was not ready (age");
        Assert.DoesNotContain(Kept, pooler.Process.Text, StringComparison.Ordinal);
    }

    /// <summary>200 clients crash in transactions, 20 at a time.</summary>
    [PoolerTheory(FastPoolOnly = OnlyHere)]
    [InlineData("rollback", 2, false)]
    [InlineData("rollback", 1, true)]
    [InlineData("close", 2, false)]
    public async Task A_storm_of_crashing_clients_is_no_storm_of_logins(string setting, int loops, bool sleeps)
    {
        const int Size = 20;
        await using var pooler = await StartAsync(loops, file =>
        {
            file["default_pool_size"] = Size.ToString(CultureInfo.InvariantCulture);
            file.Own["abandoned_transaction"] = setting;
        });
        for (var wave = 0; wave < 10; wave++)
        {
            var clients = await Task.WhenAll(Enumerable.Range(0, Size).Select(_ => pooler.RawAsync()));
            await Task.WhenAll(clients.Select(static client =>
                client.QueryAsync("begin; insert into abandoned values ('storm')")));
            if (sleeps) await Task.WhenAll(clients.Select(static client => client.SendAsync(Wire.Query("select pg_sleep(60)"))));
            await pooler.PoolIsAsync("sv_active", Size);
            foreach (var client in clients) client.Reset();
            await pooler.PoolIsAsync("sv_active", 0);
        }
        await pooler.PoolIsAsync("sv_being_canceled", 0);
        await pooler.PoolIsAsync("sv_tested", 0);
        var opened = pooler.Process.Text.Split("new connection to server (from").Length - 1;
        // Each cancel request has a connection of its own, but no backend.
        if (sleeps) opened -= pooler.Process.Text.Split("successfully sent cancel request").Length - 1;
        if (setting == "close") Assert.InRange(opened, 200, int.MaxValue);
        else Assert.InRange(opened, Size, Size + 3);
        await using var next = await pooler.RawAsync();
        Assert.Equal("0", await FirstAsync(next, "select count(*) from abandoned"));
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task KILL_CLIENT_and_time_outs_keep_the_server(int loops)
    {
        await using var pooler = await StartAsync(loops, static file => file["idle_transaction_timeout"] = "1");
        await using var client = await pooler.RawAsync();
        var pid = await FirstAsync(client, "select pg_backend_pid()");
        await client.QueryAsync("begin; insert into abandoned values ('time')");
        Assert.Contains("idle transaction timeout", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
        await using var killed = await pooler.RawAsync();
        var mark = Mark;
        await killed.SendAsync(Wire.Query($"begin; insert into abandoned values ('kill'); select pg_sleep(60), '{mark}'"));
        await RunsAsync(mark);
        var clients = await pooler.ConsoleAsync("SHOW CLIENTS");
        var row = clients.Rows.Single(row => row[clients.Columns.IndexOf("database")] == Postgres.Database
            && row[clients.Columns.IndexOf("state")] == "active");
        await pooler.ConsoleAsync($"KILL_CLIENT {row[clients.Columns.IndexOf("id")]}");
        Assert.NotEqual("", (await killed.ReplyAsync()).ErrorText);
        await using var next = await pooler.RawAsync();
        Assert.Equal(pid, await FirstAsync(next, "select pg_backend_pid()"));
        Assert.Equal("0", await FirstAsync(next, "select count(*) from abandoned"));
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task In_session_pooling_the_reset_query_runs_behind_it(int loops)
    {
        await using var pooler = await StartAsync(loops, static file => file["pool_mode"] = "session");
        await VanishAsync(pooler, static async client =>
        {
            await client.QueryAsync("create temporary table left_behind (v int)");
            await client.QueryAsync("set work_mem = '7MB'");
            await client.QueryAsync("begin; insert into abandoned values ('session')");
        });
        await using var next = await pooler.RawAsync();
        Assert.Equal("(null)", await FirstAsync(next, "select to_regclass('left_behind')"));
        Assert.NotEqual("7MB", await FirstAsync(next, "show work_mem"));
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task With_session_state_the_next_client_finds_nothing(int loops)
    {
        await using var pooler = await StartAsync(loops, static file => file.Own["session_state"] = "keep");
        await VanishAsync(pooler, static async client =>
        {
            await client.QueryAsync("set work_mem = '7MB'");
            await client.QueryAsync("begin; set statement_timeout = '70s'; create temporary table left_behind (v int)");
        });
        var mark = Mark;
        await VanishAsync(pooler, async client =>
        {
            await client.SendAsync([.. Wire.Query("set work_mem = '8MB'"),
                .. Wire.Query($"select pg_sleep(60), '{mark}'")]);
            await RunsAsync(mark);
        });
        await using var next = await pooler.RawAsync();
        Assert.Equal("(null)", await FirstAsync(next, "select to_regclass('left_behind')"));
        Assert.DoesNotContain(await FirstAsync(next, "show work_mem"), new[] { "7MB", "8MB" });
        Assert.Equal("0", await FirstAsync(next, "show statement_timeout"));
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_database_or_a_user_may_have_its_own(int loops)
    {
        await using var pooler = await StartAsync(loops, static file =>
        {
            file.Own["abandoned_transaction"] = "close";
            file.Databases[Postgres.Database] += " abandoned_transaction=rollback";
        });
        await VanishAsync(pooler, static client => client.QueryAsync("begin; insert into abandoned values ('own')"));
        pooler.Rewrite(static file => file.Databases[Postgres.Database] =
            "{server} dbname=app abandoned_transaction=close");
        await pooler.ConsoleAsync("RELOAD");
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        client.Reset();
        await pooler.LineAsync("closing because: client disconnect while server was not ready (age");
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_takeover_in_the_midst_of_it_leaves_nothing(int loops)
    {
        await using var pooler = await StartAsync(loops, static file => file["default_pool_size"] = "8");
        for (var round = 0; round < 3; round++)
        {
            var clients = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => pooler.RawAsync()));
            await Task.WhenAll(clients.Select(static client => client.QueryAsync("begin; insert into abandoned values ('-R')")));
            foreach (var client in clients.Take(4)) await client.SendAsync(Wire.Query("select pg_sleep(60)"));
            await using var witness = clients[7];
            foreach (var client in clients.Take(7)) client.Reset();
            await pooler.TakeOverAsync();
            Assert.Equal("COMMIT", (await witness.QueryAsync("delete from abandoned; commit")).Tags.Last());
            await pooler.PoolIsAsync("sv_active", 0);
            await pooler.PoolIsAsync("sv_being_canceled", 0);
            await pooler.PoolIsAsync("sv_tested", 0);
            await using var next = await pooler.RawAsync();
            Assert.Equal("0", await FirstAsync(next, "select count(*) from abandoned"));
        }
        var server = await Postgres.SharedAsync();
        Assert.Equal(0, await server.BackendCountAsync("state like 'idle in transaction%' and query like '%abandoned%'"));
    }
}
