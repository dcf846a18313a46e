namespace FastPool.Compat.Effects;

/// <summary>When servers are opened, checked and closed.</summary>
public class ServerRuleTests
{
    [PoolerTheory, Loops]
    public async Task Fast_close_ends_a_marked_server_of_a_session_between_its_transactions(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["pool_mode"] = "session";
            f["server_fast_close"] = "1";
        });
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        await pooler.ConsoleAsync("RECONNECT");
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        Assert.Equal("FATAL/08P01 database configuration changed", (await client.ReplyAsync()).ErrorText);
        await pooler.PoolIsAsync("sv_active", 0);
    }

    [PoolerTheory, Loops]
    public async Task Without_fast_close_a_session_keeps_its_marked_server(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["pool_mode"] = "session");
        await using var client = await pooler.RawAsync();
        var pid = (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        await pooler.ConsoleAsync("RECONNECT");
        await Until.TrueAsync(async () =>
        {
            Assert.Equal(pid, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
            return pooler.Process.Text.Contains("RECONNECT command issued", StringComparison.Ordinal);
        }, "the command is through");
        await client.DisposeAsync();
        await pooler.LineAsync("closing because: close_needed (age");
    }

    [PoolerTheory, Loops]
    public async Task A_check_delay_of_0_has_every_server_checked_before_its_next_client(int loops)
    {
        var server = await Postgres.SharedAsync();
        var table = $"checks{Guid.NewGuid():N}";
        await using (var direct =
            await server.ConnectAsync(Postgres.Database)) await direct.ScalarAsync($"create sequence {table}");
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["server_check_delay"] = "0";
            f["server_check_query"] = $"select nextval('{table}')";
            f["default_pool_size"] = "1";
        });
        await using var one = await pooler.RawAsync();
        await using var two = await pooler.RawAsync();
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("TDCZ", (await one.QueryAsync("select 1")).Types);
            Assert.Equal("TDCZ", (await two.QueryAsync("select 1")).Types);
        }
        await using var look = await server.ConnectAsync(Postgres.Database);
        Assert.InRange((long)(await look.ScalarAsync($"select last_value from {table}"))!, 9, 10);
    }

    [PoolerTheory, Loops]
    public async Task Min_pool_size_of_a_forced_user_is_kept_without_any_client(int loops)
    {
        await using var pooler =
            await Pooler.StartAsync(loops, f =>
            f.Databases[Postgres.Database] = "{server} dbname=app user=user_trust min_pool_size=3");
        await pooler.PoolIsAsync("sv_idle", 3);
        await pooler.ConsoleAsync("RECONNECT");
        await pooler.LineAsync("closing because: database configuration changed");
        await pooler.PoolIsAsync("sv_idle", 3);
    }

    [PoolerTheory, Loops]
    public async Task Lifetimes_that_end_together_are_spaced_over_the_pool(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["server_lifetime"] = "8";
            f["default_pool_size"] = "4";
        });
        await using (var holders = new ClientList())
        {
            for (var i = 0; i < 4; i++) await holders.AddAsync(pooler);
        }
        await Until.TrueAsync(() => Closed().Count == 4, "all four are closed", 30, () => pooler.Process.Text);
        var times = Closed().ConvertAll(line => DateTime.Parse(line[..23], System.Globalization.CultureInfo.InvariantCulture));
        for (var i = 1; i < times.Count; i++)
            Assert.True(times[i] - times[i - 1] >= TimeSpan.FromSeconds(1.9), $"{times[i - 1]:O} {times[i]:O}");

        List<string> Closed() =>
            [.. pooler.Process.Lines.Where(line =>
            line.Contains("closing because: server lifetime over", StringComparison.Ordinal))];
    }

    [PoolerTheory, Loops]
    public async Task A_lifetime_of_0_means_single_use(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["server_lifetime"] = "0");
        await using var client = await pooler.RawAsync();
        var pids = new HashSet<string?>();
        for (var i = 0; i < 4; i++) pids.Add((await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        Assert.Equal(4, pids.Count);
    }

    [PoolerTheory, Loops]
    public async Task Round_robin_uses_all_idle_servers_in_turn(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["server_round_robin"] = "1");
        await using (var holders = new ClientList())
        {
            for (var i = 0; i < 3; i++) await holders.AddAsync(pooler);
        }
        await using var client = await pooler.RawAsync();
        var pids = new HashSet<string?>();
        for (var i = 0; i < 12; i++) pids.Add((await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        if (loops == 1) Assert.Equal(3, pids.Count);
        else Assert.NotEmpty(pids); // Servers of the client's own loop come first.
    }
}
