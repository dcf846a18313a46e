namespace FastPool.Compat.Effects;

/// <summary>Settings that a client meets.</summary>
public class ClientRuleTests
{
    [PoolerTheory(Since = "1.24"), Loops]
    public async Task Client_idle_timeout_of_a_user_is_his_alone(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await File.AppendAllTextAsync(pooler.IniPath, "[users]\nuser_md5 = client_idle_timeout=1\n");
        await pooler.ConsoleAsync("RELOAD");
        await using var other = await pooler.RawAsync();
        await using var idle = await pooler.RawAsync("user_md5");
        Assert.Equal("FATAL/08P01 client_idle_timeout", (await idle.ReplyAsync()).ErrorText);
        Assert.Equal("TDCZ", (await other.QueryAsync("select 1")).Types);
    }

    [ReferenceFact]
    public Task The_host_of_a_client_of_this_machine_is_named_as_PgBouncer_does() => Reference.SameAsync(async program =>
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Program = program;
            f["application_name_add_host"] = "1";
        });
        var (_, name) = await Child.RunAsync(Machine.Program("psql"),
            ["-X", "-At", "-h", pooler.Folder, "-p", $"{pooler.Port}", "-U", "user_trust", "-d", Postgres.Database,
            "-c", "show application_name"]);
        Assert.Matches(@"^psql - unix\([0-9]+@", name);
        return System.Text.RegularExpressions.Regex.Replace(name, "[(][0-9]+@|:[0-9]+$", "#");
    });

    [PoolerTheory, Loops]
    public async Task A_packet_beyond_the_limit_ends_its_client(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["max_packet_size"] = "10000");
        await using var client = await pooler.RawAsync();
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1 --" + new string('x', 5000))).Types);
        var reply = await client.QueryAsync("select 1 --" + new string('x', 20000));
        Assert.StartsWith("FATAL/08P01 bad packet header: '51", reply.ErrorText, StringComparison.Ordinal);
    }

    [PoolerTheory, Loops]
    public async Task The_address_is_added_to_the_application_name(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["application_name_add_host"] = "1");
        await using var named =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "mine"));
        Assert.StartsWith("mine - 127.0.0.1:", (await named.QueryAsync("show application_name")).Rows[0][0],
            StringComparison.Ordinal);
        await using var unnamed = await pooler.RawAsync();
        Assert.StartsWith("app - 127.0.0.1:", (await unnamed.QueryAsync("show application_name")).Rows[0][0],
            StringComparison.Ordinal);
        await unnamed.QueryAsync("set application_name = 'other'");
        Assert.Equal("other", (await unnamed.QueryAsync("show application_name")).Rows[0][0]);
    }

    [PoolerTheory]
    [Loops("log_connections", "login attempt:")]
    [Loops("log_disconnections", "closing because:")]
    [Loops("log_pooler_errors", "pooler error:")]
    public async Task A_log_switch_that_is_off_leaves_its_lines_out(int loops, string setting, string line)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f[setting] = "0";
            f["client_idle_timeout"] = "1";
            f["server_idle_timeout"] = "1";
        });
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        Assert.Equal("FATAL/08P01 client_idle_timeout", (await client.ReplyAsync()).ErrorText);
        await pooler.PoolIsAsync("sv_idle", 0);
        Assert.DoesNotContain(line, pooler.Process.Text);
        await pooler.ConsoleAsync($"SET {setting}=1");
        await using var again = await pooler.RawAsync();
        await again.ReplyAsync();
        await pooler.LineAsync(line);
    }

    [PoolerTheory, Loops]
    public async Task The_statistics_line_comes_every_period_unless_it_is_switched_off(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["stats_period"] = "1");
        await pooler.LineAsync(" stats: ");
        await pooler.ConsoleAsync("SET log_stats=0");
        await Until.TrueAsync(async () =>
        {
            var before = Count();
            await Task.Delay(2500); // Two periods: a line would come, and none must.
            return Count() == before;
        }, "no further line");

        int Count() => pooler.Process.Lines.Count(line => line.Contains(" stats: ", StringComparison.Ordinal));
    }

    [PoolerTheory(Since = "1.20"), Loops]
    public async Task The_batch_that_sets_variables_is_logged_when_it_is_asked_for(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["verbose"] = "2");
        await using var client =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "mine"));
        await client.QueryAsync("select 1");
        await pooler.LineAsync("varcache_apply"); // The log is written behind.
        Assert.Matches(@" DEBUG .*varcache_apply: .*SET application_name='mine'", pooler.Process.Text);
    }

    [PoolerTheory(Since = "1.23.0"), Loops]
    public async Task A_value_that_the_server_spells_otherwise_is_logged_when_it_is_asked_for(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["verbose"] = "2");
        await using var client = await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("DateStyle", "ISO"));
        await client.QueryAsync("select 1");
        await pooler.LineAsync("varcache_set_canonical: setting DateStyle to its canonical version ISO -> ISO, MDY");
    }

    [PoolerTheory, Loops]
    public async Task Without_verbosity_there_is_nothing_for_debugging(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "mine"));
        await client.QueryAsync("select 1");
        Assert.DoesNotContain(" DEBUG ", pooler.Process.Text);
        await pooler.ConsoleAsync("SET verbose=2");
        await using var other =
            await RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database, ("application_name", "other"));
        await other.QueryAsync("select 1");
        await pooler.LineAsync(" DEBUG ");
    }

    [PoolerTheory, Loops]
    public async Task A_wait_for_the_reserve_pool_is_logged(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["default_pool_size"] = "1";
            f["reserve_pool_size"] = "1";
            f["reserve_pool_timeout"] = "1";
        });
        await using var holders = new ClientList();
        await holders.AddAsync(pooler);
        await holders.AddAsync(pooler);
        await pooler.LineAsync("WARNING C-");
        Assert.Contains("taking connection from reserve_pool", pooler.Process.Text);
    }
}
