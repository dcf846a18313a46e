using Npgsql;

namespace FastPool.Compat.Pooling;

/// <summary>State of a session: there while the client holds its server, gone when the next one gets it.</summary>
public class SessionTests
{
    [PoolerTheory, Loops]
    public async Task Notifications_reach_a_listening_session(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["pool_mode"] = "session");
        await using var listener = await pooler.ConnectAsync();
        var heard = new List<string>();
        listener.Notification += (_, e) => heard.Add($"{e.Channel}:{e.Payload}");
        await listener.ScalarAsync($"listen news_{loops}");
        await using var speaker = await pooler.ConnectAsync();
        await speaker.ScalarAsync($"notify news_{loops}, 'first'");
        Assert.True(await listener.WaitAsync(TimeSpan.FromSeconds(15)));
        await speaker.ScalarAsync($"notify news_{loops}, 'second'");
        Assert.True(await listener.WaitAsync(TimeSpan.FromSeconds(15)));
        Assert.Equal([$"news_{loops}:first", $"news_{loops}:second"], heard);
    }

    [PoolerTheory, Loops]
    public async Task The_reset_query_leaves_nothing_of_a_session_to_the_next(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["pool_mode"] = "session";
            f["default_pool_size"] = "1";
        });
        int pid;
        await using (var first = await pooler.ConnectAsync())
        {
            pid = await first.BackendPidAsync();
            await first.ScalarAsync("create temp table mine (x int)");
            await first.ScalarAsync("set work_mem = '77kB'");
            await first.ScalarAsync("prepare p as select 1");
            await first.ScalarAsync($"select pg_advisory_lock({pid})");
        }

        await using var second = await pooler.ConnectAsync();
        Assert.Equal(pid, await second.BackendPidAsync());
        Assert.Equal(DBNull.Value, await second.ScalarAsync("select to_regclass('mine')::text") ?? DBNull.Value);
        Assert.NotEqual("77kB", await second.ScalarAsync("show work_mem"));
        Assert.Equal(0L, await second.ScalarAsync("select count(*) from pg_prepared_statements where name = 'p'"));
        Assert.Equal(0L,
            await second.ScalarAsync("select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"));
    }

    [PoolerTheory, Loops]
    public async Task Without_reset_always_a_transaction_pool_does_not_reset(int loops)
    {
        foreach (var always in new[] { "0", "1" })
        {
            await using var pooler = await Pooler.StartAsync(loops, f =>
            {
                f["default_pool_size"] = "1";
                f["server_reset_query_always"] = always;
            });
            await using var first = await pooler.ConnectAsync();
            await first.ScalarAsync("set work_mem = '88kB'");
            await using var second = await pooler.ConnectAsync();
            Assert.Equal(always == "0", "88kB".Equals(await second.ScalarAsync("show work_mem")));
        }
    }

    [PoolerTheory, Loops]
    public async Task An_idle_server_that_is_due_for_a_check_is_checked_first(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["default_pool_size"] = "1";
            f["server_check_delay"] = "0";
            f["server_check_query"] = "select 4711";
        });
        var pid = (int)(await pooler.ScalarAsync("select pg_backend_pid()"))!;
        await pooler.PoolIsAsync("sv_used", 1);
        Assert.Equal(pid, await pooler.ScalarAsync("select pg_backend_pid()"));
    }

    [PoolerTheory, Loops]
    public async Task The_connect_query_has_run_before_the_first_client(int loops)
    {
        await using var pooler = await Pooler.StartAsync(
            loops, f => f.Databases["prepared"] = "{server} dbname=app connect_query='set work_mem=\"99kB\"' ");
        await using var connection = await pooler.ConnectAsync(database: "prepared");
        Assert.Equal("99kB", await connection.ScalarAsync("show work_mem"));
    }
}
