using Npgsql;

namespace FastPool.Compat.Pooling;

/// <summary>The timeouts of the ini: who is ended, and with which words.</summary>
public class TimeoutTests
{
    [PoolerTheory, Loops]
    public async Task Query_wait_timeout_ends_a_client_that_waits(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["default_pool_size"] = "1";
            f["query_wait_timeout"] = "1";
        });
        await using var holder = await pooler.RawAsync();
        await using var waiter = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        Assert.Equal("FATAL/08P01 query_wait_timeout", (await waiter.QueryAsync("select 1")).ErrorText);
        Assert.Equal("CZ", (await holder.QueryAsync("commit")).Types);
        await pooler.LineAsync("closing because: query_wait_timeout (age");
    }

    [PoolerTheory(FastPoolOnly = "new in 1.26"), Loops]
    public async Task Query_wait_timeout_of_a_user_goes_before_that_of_the_database_and_that_before_the_ini_s(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["default_pool_size"] = "1";
            f["query_wait_timeout"] = "60";
            f.Databases[Postgres.Database] += " query_wait_timeout=1";
        });
        await File.AppendAllTextAsync(pooler.IniPath, "\n[users]\nuser_md5 = query_wait_timeout=0\n");
        await pooler.ConsoleAsync("RELOAD");
        await using var holder = await pooler.RawAsync();
        await using var waiter = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        await using var ofUser = await pooler.ConnectAsync("user_md5");
        await using var transaction = await ofUser.BeginTransactionAsync();
        await ofUser.ScalarAsync("select 1");
        await using var patient = await pooler.ConnectAsync("user_md5");
        var waiting = patient.ScalarAsync("select 1");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal("FATAL/08P01 query_wait_timeout", (await waiter.QueryAsync("select 1")).ErrorText);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0.5, 30);
        await Task.Delay(TimeSpan.FromSeconds(1.5)); // The database's time-out would have ended it.
        Assert.False(waiting.IsCompleted);
        await transaction.CommitAsync();
        Assert.Equal(1, await waiting);
    }

    [PoolerTheory, Loops]
    public async Task Query_timeout_ends_a_long_query_and_its_server(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f["query_timeout"] = "1");
        await using var client = await pooler.RawAsync();
        var pid = (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        var reply = await client.QueryAsync("select pg_sleep(20)");
        Assert.Equal("FATAL/08P01 query timeout", reply.ErrorText);
        await pooler.LineAsync("closing because: query timeout (age");
        await server.TerminateAsync(int.Parse(pid!));
    }

    [PoolerTheory, Loops]
    public async Task Idle_transaction_timeout_ends_a_transaction_that_sleeps(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["idle_transaction_timeout"] = "1");
        await using var busy = await pooler.RawAsync();
        await using var idle = await pooler.RawAsync();
        await using var free = await pooler.RawAsync();
        await busy.SendAsync(Wire.Query("begin; select pg_sleep(2.5); commit"));
        await idle.QueryAsync("begin");
        Assert.Equal("FATAL/08P01 idle transaction timeout", (await idle.ReplyAsync()).ErrorText);
        Assert.Equal('I', (await busy.ReplyAsync()).Status);
        Assert.Equal('I', (await free.QueryAsync("select 1")).Status);
    }

    [PoolerTheory(FastPoolOnly = "a Flush begins a query there, which is never over"), Loops("0"), Loops("1")]
    public async Task A_Flush_is_no_query_and_ends_no_idleness(int loops, string deferred)
    {
        await using var pooler = await Pooler.StartAsync(loops, file =>
        {
            file["query_timeout"] = "1";
            file["idle_transaction_timeout"] = "2";
            file.Own["defer_begin"] = deferred;
        });
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        await client.SendAsync(Wire.Typed('H'));
        Assert.Equal("FATAL/08P01 idle transaction timeout", (await client.ReplyAsync()).ErrorText);
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task Transaction_timeout_ends_a_transaction_that_lasts(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["transaction_timeout"] = "1");
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        Assert.Equal("FATAL/08P01 transaction timeout", (await client.QueryAsync("select pg_sleep(5)")).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task Client_idle_timeout_ends_a_client_without_a_server(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["client_idle_timeout"] = "1");
        await using var idle = await pooler.RawAsync();
        await using var holder = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        Assert.Equal("FATAL/08P01 client_idle_timeout", (await idle.ReplyAsync()).ErrorText);
        Assert.Equal('T', (await holder.QueryAsync("select 1")).Status);
    }

    [PoolerTheory(FastPoolOnly = "a client with a server is never idle there"), Loops]
    public async Task Client_idle_timeout_counts_from_the_last_reply_in_session_pooling(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["client_idle_timeout"] = "1";
            f["pool_mode"] = "session";
            f["default_pool_size"] = "2";
        });
        await using var holder = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        await using var idle = await pooler.RawAsync();
        Assert.Equal("", (await idle.QueryAsync("select pg_sleep(1.5)")).ErrorText);
        Assert.Equal("", (await idle.QueryAsync("select 1")).ErrorText);
        Assert.Equal("FATAL/08P01 client_idle_timeout", (await idle.ReplyAsync()).ErrorText);
        Assert.Equal('T', (await holder.QueryAsync("select 1")).Status);
        await Until.TrueAsync(async () => await pooler.PoolAsync("sv_idle") == 1, "the server is free again");
    }

    [PoolerTheory, Loops]
    public async Task Client_login_timeout_ends_a_client_that_says_nothing_more(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["client_login_timeout"] = "1";
            f["auth_type"] = "md5";
            f["tcp_defer_accept"] = "0";
        });
        await using var silent = await RawClient.ConnectAsync(pooler.Port);
        await using var half = await RawClient.ConnectAsync(pooler.Port);
        await half.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
        Assert.Equal('R', (await half.ReadAsync())!.Type);
        Assert.Equal("FATAL/08P01 client_login_timeout", (await half.ReplyAsync()).ErrorText);
        Assert.Equal("FATAL/08P01 client_login_timeout", (await silent.ReplyAsync()).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task Client_login_timeout_ends_a_client_that_waits_for_a_server_that_is_down(int loops)
    {
        await using var pooler = await Pooler.StartAsync(Machine.FreePort(), loops, f => f["client_login_timeout"] = "1");
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
        Assert.Equal("FATAL/08P01 client_login_timeout (server down)", (await client.ReplyAsync()).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task Server_connect_timeout_gives_up_a_server_that_does_not_answer(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var stalled = new FaultProxy(server.Port) { Delay = TimeSpan.FromHours(1) };
        await using var pooler = await Pooler.StartAsync(stalled.Port, loops, f =>
        {
            f["server_connect_timeout"] = "1";
            f["query_wait_timeout"] = "4";
        });
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", Postgres.Database)));
        await pooler.LineAsync("closing because: connect timeout (age");
        Assert.Equal("FATAL/08P01 query_wait_timeout", (await client.ReplyAsync()).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task Server_idle_timeout_closes_a_server_that_nobody_uses(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["server_idle_timeout"] = "1");
        await pooler.ScalarAsync("select 1");
        await pooler.LineAsync("closing because: server idle timeout (age");
        await pooler.PoolIsAsync("sv_idle", 0);
    }

    [PoolerTheory, Loops]
    public async Task Server_lifetime_closes_a_server_of_that_age(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["server_lifetime"] = "1");
        var pid = await pooler.ScalarAsync("select pg_backend_pid()");
        await pooler.LineAsync("closing because: server lifetime over (age");
        Assert.NotEqual(pid, await pooler.ScalarAsync("select pg_backend_pid()"));
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task A_client_that_waits_long_is_told_so(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["default_pool_size"] = "1";
            f["query_wait_notify"] = "1";
        });
        await using var holder = await pooler.RawAsync();
        await using var waiter = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        await waiter.SendAsync(Wire.Query("select 1"));
        Assert.Equal("N: NOTICE/00000 No server connection available in postgres backend, client being queued",
            $"{await waiter.ReadAsync()}");
        await holder.QueryAsync("commit");
        Assert.Equal("TDCZ", (await waiter.ReplyAsync()).Types);
    }
}
