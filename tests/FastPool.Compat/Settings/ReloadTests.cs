namespace FastPool.Compat.Effects;

/// <summary>Changes that a reload makes, and things it leaves alone, with clients at work.</summary>
public class ReloadTests
{
    [PoolerTheory(FastPoolOnly = "what stands before the mistake is applied there"), Loops]
    public async Task A_broken_file_changes_nothing(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        var pid = (await client.QueryAsync("begin; select pg_backend_pid()")).Rows[0][0];
        var before = await ConfigAsync(pooler);
        foreach (var mistake in new[] { ("pool_mode", "nonsense"), ("no_such_key", "1"), ("auth_dbname", "pgbouncer") })
        {
            pooler.Rewrite(f =>
            {
                f.Databases.Clear();
                f["default_pool_size"] = "77";
                f["max_client_conn"] = "1";
                f[mistake.Item1] = mistake.Item2;
            });
            Assert.Equal("ERROR/F0000 RELOAD failed, see logs for additional details",
                (await pooler.ConsoleAsync("RELOAD")).ErrorText);
            Assert.Equal(before, await ConfigAsync(pooler));
            Assert.Equal(pid, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        }
        await pooler.LineAsync("config file loading failed");
        File.Delete(pooler.IniPath);
        Assert.Equal("ERROR/F0000 RELOAD failed, see logs for additional details",
            (await pooler.ConsoleAsync("RELOAD")).ErrorText);
        Assert.Equal(before, await ConfigAsync(pooler));
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory(FastPoolOnly = "a folder is an empty file there"), Loops]
    public async Task An_included_folder_that_is_closed_later_takes_no_database_along(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        var folder = Machine.NewFolder("conf.d");
        await File.WriteAllTextAsync($"{folder}/1.ini", "more = host=127.0.0.1\n");
        await File.AppendAllTextAsync(pooler.IniPath, $"\n[databases]\n%include {folder}\n");
        Assert.Equal(["RELOAD"], (await pooler.ConsoleAsync("RELOAD")).Tags);
        File.SetUnixFileMode(folder, UnixFileMode.None);
        Assert.Equal("ERROR/F0000 RELOAD failed, see logs for additional details",
            (await pooler.ConsoleAsync("RELOAD")).ErrorText);
        await pooler.LineAsync($"could not load folder \"{folder}\": Permission denied");
        Assert.Contains((await pooler.ConsoleAsync("SHOW DATABASES")).Rows, static row => row[0] == "more");
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [PoolerTheory]
    [Loops("{server} dbname=postgres")]
    [Loops("{server} dbname=app connect_query='select 1'")]
    [Loops("{server} dbname=app load_balance_hosts=disable")]
    [Loops("{server} dbname=app auth_dbname=app")]
    [Loops("{server} dbname=app user=user_md5")]
    public async Task A_changed_connection_replaces_servers_behind_the_clients_backs(int loops, string entry)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await using var idle = await pooler.RawAsync();
        var pid = (await client.QueryAsync("begin; select pg_backend_pid()")).Rows[0][0];
        await idle.QueryAsync("select 1");
        pooler.Rewrite(f => f.Databases[Postgres.Database] = entry);
        Assert.Equal(["RELOAD"], (await pooler.ConsoleAsync("RELOAD")).Tags);
        await pooler.LineAsync("closing because: database configuration changed (age");
        Assert.Equal(pid, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        Assert.NotEqual(pid, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        Assert.Equal("TDCZ", (await idle.QueryAsync("select 1")).Types);
    }

    [PoolerTheory]
    [Loops("{server} dbname=app pool_size=7 min_pool_size=1 reserve_pool_size=1 max_db_connections=9")]
    [Loops("{server} dbname=app pool_mode=transaction server_lifetime=1000 abandoned_transaction=rollback")]
    [Loops("{server} dbname=app client_encoding=LATIN1 datestyle=German timezone=UTC application_name=x")]
    [Loops("{server} dbname=app auth_user=user_md5 password=p")]
    public async Task A_change_of_sizes_and_such_keeps_the_servers(int loops, string entry)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        var pid = (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        pooler.Rewrite(f => f.Databases[Postgres.Database] = entry);
        Assert.Equal(["RELOAD"], (await pooler.ConsoleAsync("RELOAD")).Tags);
        for (var i = 0; i < 3; i++) Assert.Equal(pid, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        Assert.DoesNotContain("configuration changed", pooler.Process.Text);
    }

    [PoolerTheory, Loops]
    public async Task A_forced_user_that_gets_another_name_logs_in_by_it(int loops)
    {
        await using var pooler =
            await Pooler.StartAsync(loops, f => f.Databases[Postgres.Database] = "{server} dbname=app user=user_trust");
        await using var client = await pooler.RawAsync();
        Assert.Equal("user_trust", (await client.QueryAsync("select session_user")).Rows[0][0]);
        pooler.Rewrite(f => f.Databases[Postgres.Database] = "{server} dbname=app user=user_md5");
        await pooler.ConsoleAsync("RELOAD");
        Assert.Equal("user_md5", (await client.QueryAsync("select session_user")).Rows[0][0]);
        Assert.Equal("user_md5", await pooler.ScalarAsync("select session_user::text"));
    }

    [PoolerTheory, Loops]
    public async Task An_entry_that_is_gone_ends_its_clients_and_only_these(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Databases["other"] = "{server} dbname=app");
        await using var other = await pooler.RawAsync(database: "other");
        await using var client = await pooler.RawAsync();
        await other.QueryAsync("begin");
        await client.QueryAsync("begin");
        pooler.Rewrite(f => f.Databases.Remove("other"));
        await pooler.ConsoleAsync("RELOAD");
        Assert.Equal("FATAL/08P01 database removed", (await other.ReplyAsync()).ErrorText);
        await pooler.LineAsync("dropping database 'other' as it does not exist anymore or inactive auto-database");
        Assert.Equal("CZ", (await client.QueryAsync("commit")).Types);
    }

    [PoolerTheory, Loops]
    public async Task A_smaller_pool_size_closes_servers_that_are_too_many(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using (var holders = new ClientList())
        {
            for (var i = 0; i < 5; i++) await holders.AddAsync(pooler);
            pooler.Rewrite(f => f["default_pool_size"] = "2");
            await pooler.ConsoleAsync("RELOAD");
            Assert.Equal(5, await pooler.PoolAsync("sv_active"));
        }
        await pooler.PoolIsAsync("sv_idle", 2);
        await pooler.LineAsync("closing because: too many servers in the pool");
    }

    [PoolerTheory, Loops]
    public async Task Pool_mode_and_timeouts_hold_at_once_for_those_that_are_connected(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["pool_mode"] = "session");
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        await pooler.PoolIsAsync("sv_active", 1);
        pooler.Rewrite(f =>
        {
            f["pool_mode"] = "transaction";
            f["client_idle_timeout"] = "1";
        });
        await pooler.ConsoleAsync("RELOAD");
        await client.QueryAsync("select 1");
        await pooler.PoolIsAsync("sv_active", 0);
        Assert.Equal("FATAL/08P01 client_idle_timeout", (await client.ReplyAsync()).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task A_reload_passes_over_a_setting_that_needs_a_restart_even_if_it_is_nonsense(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        var before = await ConfigAsync(pooler);
        pooler.Rewrite(f =>
        {
            f["pkt_buf"] = "nonsense";
            f["so_reuseport"] = "1";
            f["unix_socket_mode"] = "0700";
            f["job_name"] = "x";
        });
        Assert.Equal(["RELOAD"], (await pooler.ConsoleAsync("RELOAD")).Tags);
        Assert.Equal(before, await ConfigAsync(pooler));
        Assert.Equal(["SET pkt_buf=1"], (await pooler.ConsoleAsync("SET pkt_buf=1")).Tags);
        Assert.Equal(before, await ConfigAsync(pooler));
    }

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task A_peer_that_is_gone_is_told_of(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        var ini = await File.ReadAllTextAsync(pooler.IniPath);
        await File.WriteAllTextAsync(pooler.IniPath, ini + "[peers]\n3 = host=127.0.0.1 port=1\n");
        await pooler.ConsoleAsync("RELOAD");
        Assert.Single((await pooler.ConsoleAsync("SHOW PEERS")).Rows);
        await File.WriteAllTextAsync(pooler.IniPath, ini);
        await pooler.ConsoleAsync("RELOAD");
        Assert.Empty((await pooler.ConsoleAsync("SHOW PEERS")).Rows);
        await pooler.LineAsync("dropping peer ");
    }

    private static async Task<string> ConfigAsync(Pooler pooler) =>
        string.Join('\n', (await pooler.ConsoleAsync("SHOW CONFIG")).Rows.Select(row => $"{row[0]}={row[1]}"))
        + string.Join('\n', (await pooler.ConsoleAsync("SHOW DATABASES")).Rows.Select(row => string.Join('|', row[..7])));
}
