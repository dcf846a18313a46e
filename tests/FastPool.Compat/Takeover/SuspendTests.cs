namespace FastPool.Compat.Takeover;

/// <summary>SUSPEND without a takeover: everything stands still at the end of a message.</summary>
public class SuspendTests
{
    [PoolerTheory, Loops]
    public async Task Messages_sent_during_a_suspend_are_served_after_resume(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        await using var idle = await pooler.RawAsync();
        await using var inTransaction = await pooler.RawAsync();
        await inTransaction.QueryAsync("begin");
        Assert.Equal("SUSPEND", Assert.Single((await console.QueryAsync("SUSPEND")).Tags));
        await idle.SendAsync(Wire.Query("select 1"));
        await inTransaction.SendAsync(Wire.Query("select 2"));
        await using var newcomer = await RawClient.ConnectAsync(pooler.Port);
        await newcomer.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
        await Task.WhenAll(NothingAsync(idle), NothingAsync(inTransaction), NothingAsync(newcomer));
        Assert.Equal("suspended|yes", string.Join('|', (await console.QueryAsync("SHOW STATE")).Rows[2]));
        Assert.Equal("ERROR/08P01 already suspended/paused", (await console.QueryAsync("SUSPEND")).ErrorText);
        Assert.Equal("RESUME", Assert.Single((await console.QueryAsync("RESUME")).Tags));
        Assert.Equal("1", (await idle.ReplyAsync()).Rows[0][0]);
        Assert.Equal("2", (await inTransaction.ReplyAsync()).Rows[0][0]);
        Assert.Equal('I', (await newcomer.ReplyAsync()).Status);
        Assert.Equal('I', (await inTransaction.QueryAsync("commit")).Status);

        static async Task NothingAsync(RawClient client)
        {
            try
            {
                Assert.Null(await client.BytesAsync(1, seconds: 1));
                Assert.Fail("the connection ended");
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    [PoolerTheory, Loops]
    public async Task Whoever_is_still_busy_after_suspend_timeout_is_closed(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, file =>
        {
            file["suspend_timeout"] = "1";
            file["default_pool_size"] = "1";
        });
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        await using var holder = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        await using var waiter = await pooler.RawAsync();
        await waiter.SendAsync(Wire.Query("select 1"));
        await pooler.PoolIsAsync("cl_waiting", 1);
        await using var login = await RawClient.ConnectAsync(pooler.Port);
        await login.SendAsync([0, 0]);
        await Until.TrueAsync(
            async () => (await pooler.ConsoleAsync("SHOW LISTS")).Rows.Any(row => row[0] == "login_clients" && row[1] == "1"),
            "one is logging in");
        Assert.Equal("SUSPEND", Assert.Single((await console.QueryAsync("SUSPEND")).Tags));
        Assert.Equal("FATAL/08P01 suspend_timeout", (await waiter.ReplyAsync()).ErrorText);
        Assert.Equal("FATAL/08P01 suspend_timeout", (await login.ReplyAsync()).ErrorText);
        await console.QueryAsync("RESUME");
        Assert.Equal('I', (await holder.QueryAsync("commit")).Status);
    }

    [PoolerFact(FastPoolOnly = "PgBouncer waits until all is parked")]
    public async Task The_last_console_session_takes_the_suspend_with_it()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var client = await pooler.RawAsync();
        await using (var console =
            await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer")) await console.QueryAsync("SUSPEND");
        await pooler.LineAsync("LOG admin disappeared when suspended, doing RESUME");
        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
    }

    [PoolerFact]
    public async Task A_signal_to_end_ends_a_suspended_pooler_at_once()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        await console.QueryAsync("SUSPEND");
        pooler.Process.Signal(Child.SigTerm);
        Assert.Equal(1, await pooler.Process.ExitAsync());
        Assert.Contains("FATAL suspend was in progress, going down immediately", pooler.Process.Text, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(pooler.Folder, $".s.PGSQL.{pooler.Port}")));
    }

    [PoolerFact]
    public async Task The_own_user_gets_descriptors_and_others_get_rows()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var rows = (await pooler.OwnUserAsync("show fds")).Split('\n');
        Assert.Equal(4, rows.Length);
        Assert.Contains("|pooler|||127.0.0.1|", rows[0], StringComparison.Ordinal);
        Assert.Contains("|pooler|||unix|", rows[1], StringComparison.Ordinal);
        var (one, other) = (rows[2].Split('|'), rows[3].Split('|'));
        Assert.Equal("client|user_trust|app", string.Join('|', one[1..4]));
        Assert.Equal("server|user_trust|app", string.Join('|', other[1..4]));
        Assert.Equal((one[0], other[0]), (other[7], one[7]));
        Assert.Equal(4, (await pooler.ConsoleAsync("show fds")).Rows.Count);
    }
}
