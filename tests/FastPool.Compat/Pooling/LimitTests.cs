using Npgsql;

namespace FastPool.Compat.Pooling;

/// <summary>The limits of the ini: how many clients, how many servers, and who waits.</summary>
public class LimitTests
{
    [PoolerTheory, Loops]
    public async Task Pool_size_bounds_the_servers_of_a_pool(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "3");
        var clients = await Task.WhenAll(Enumerable.Range(0, 9).Select(_ => pooler.RawAsync()));
        var served = clients.Select(async client =>
        {
            Assert.Equal('T', (await client.QueryAsync("begin")).Status);
            Assert.Equal('T', (await client.QueryAsync("select pg_sleep(0.3)")).Status);
            Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        }).ToList();
        await Until.TrueAsync(
            async () => (await pooler.PoolAsync("sv_active"), await pooler.PoolAsync("cl_waiting")) is ( <= 3, > 0),
                "some are served, others wait");
        await Task.WhenAll(served);
        await pooler.PoolIsAsync("sv_idle", 3);
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [PoolerTheory, Loops]
    public async Task The_reserve_pool_opens_after_its_timeout(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["default_pool_size"] = "1";
            f["reserve_pool_size"] = "1";
            f["reserve_pool_timeout"] = "1";
        });
        await using var holder = await pooler.RawAsync();
        await using var second = await pooler.RawAsync();
        await using var third = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        Assert.Equal('T', (await second.QueryAsync("begin")).Status);
        await pooler.LineAsync("taking connection from reserve_pool");
        Assert.Equal(2, await pooler.PoolAsync("sv_active"));
        await third.SendAsync(Wire.Query("select 1"));
        await pooler.PoolIsAsync("cl_waiting", 1);
        await holder.QueryAsync("commit");
        Assert.Equal("TDCZ", (await third.ReplyAsync()).Types);
    }

    [PoolerTheory, Loops]
    public async Task Max_client_conn_refuses_the_next_client_but_not_the_console(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["max_client_conn"] = "3");
        var clients = new List<RawClient>();
        for (var i = 0; i < 3; i++)
            clients.Add(await pooler.RawAsync());
        var refused = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync());
        Assert.Equal(("08P01", "no more connections allowed (max_client_conn)"), (refused.SqlState, refused.MessageText));
        Assert.Equal("", (await pooler.ConsoleAsync("SHOW VERSION")).ErrorText);
        await clients[0].DisposeAsync();
        await Until.TrueAsync(pooler.TakesClientsAsync, "the place is free again");
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [PoolerTheory, Loops]
    public async Task Max_db_connections_holds_over_all_pools_of_a_database_and_evicts_idle_servers(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["max_db_connections"] = "2");
        await using var one = await pooler.RawAsync("user_trust");
        await using var two = await pooler.RawAsync("user_plain");
        await one.QueryAsync("select 1");
        await two.QueryAsync("select 1");
        await using var three = await pooler.RawAsync("user_md5");
        Assert.Equal("TDCZ", (await three.QueryAsync("select 1")).Types);
        await pooler.LineAsync(Binary.Since126("closing because: evicted for max_db_connections (age",
            "closing because: evicted (age"));
        Assert.Equal('T', (await one.QueryAsync("begin")).Status);
        Assert.Equal('T', (await two.QueryAsync("begin")).Status);
        await three.SendAsync(Wire.Query("select 1"));
        await pooler.PoolIsAsync("cl_waiting", 1, "user_md5");
        await one.QueryAsync("commit");
        Assert.Equal("TDCZ", (await three.ReplyAsync()).Types);
    }

    [PoolerTheory(FastPoolOnly = "a pool that is never idle keeps its servers"), Loops]
    public async Task The_client_that_has_waited_longest_is_served_first_over_all_pools_of_a_limit(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["max_db_connections"] = "1");
        await using var busy = await pooler.RawAsync();
        await using var other = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        var late = pooler.ConnectAsync("user_md5"); // A pool of its own, whose first login needs a server.
        await pooler.PoolIsAsync("cl_waiting", 1, "user_md5");
        await Task.Delay(200); // By so much it is the first.
        await other.SendAsync(Wire.Query("select pg_sleep(20)"));
        await pooler.PoolIsAsync("cl_waiting", 1);
        await busy.QueryAsync("commit");
        await using var connection = await Until.DoneAsync(late, "the first is served before the second's 20 seconds", 15);
        await pooler.LineAsync(Binary.Since126("closing because: evicted for max_db_connections (age",
            "closing because: evicted (age"));
    }

    [PoolerTheory, Loops]
    public async Task Max_user_connections_holds_over_all_databases(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["max_user_connections"] = "1";
            f.Databases["other"] = "{server} dbname=app";
        });
        await using var one = await pooler.RawAsync();
        await using var two = await pooler.RawAsync(database: "other");
        await one.QueryAsync("begin");
        await two.SendAsync(Wire.Query("select 1"));
        await pooler.PoolIsAsync("cl_waiting", 1, database: "other");
        await one.QueryAsync("commit");
        Assert.Equal("TDCZ", (await two.ReplyAsync()).Types);
    }

    [PoolerTheory(Since = "1.24")]
    [Loops("max_db_client_connections")]
    [Loops("max_user_client_connections")]
    public async Task Client_limits_of_a_database_and_a_user_refuse_who_has_the_password(int loops, string limit)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "md5";
            f[limit] = "2";
        });
        await using var one = await pooler.ConnectAsync();
        await using var two = await pooler.ConnectAsync();
        var refused = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync());
        Assert.Equal(("08P01", $"client connections exceeded ({limit})"), (refused.SqlState, refused.MessageText));
        // PgBouncer tells everybody.
        var wrong = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync(more: "Password=wrong"));
        Assert.Equal(Binary.IsFastPool ? "password authentication failed" : refused.MessageText, wrong.MessageText);
        await two.CloseAsync();
        await pooler.LineAsync("closing because: client close request (age");
        await Until.TrueAsync(pooler.TakesClientsAsync, "the place is free again");
    }

    [PoolerTheory, Loops]
    public async Task Min_pool_size_is_filled_once_somebody_came(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["min_pool_size"] = "4");
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        await pooler.PoolIsAsync("sv_idle", 4);
    }

    [PoolerTheory(FastPoolOnly = "a waiting client's socket is not read, so its leaving shows only when it is served"), Loops]
    public async Task A_client_that_hangs_up_while_waiting_leaves_the_queue_at_once(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var holder = await pooler.RawAsync();
        await holder.QueryAsync("begin");
        var waiter = await pooler.RawAsync();
        var leaver = await pooler.RawAsync();
        await waiter.SendAsync(Wire.Query("select 1"));
        await leaver.SendAsync(Wire.Query("select 2"));
        await pooler.PoolIsAsync("cl_waiting", 2);
        await leaver.DisposeAsync();
        await pooler.PoolIsAsync("cl_waiting", 1);
        waiter.Reset();
        await pooler.PoolIsAsync("cl_waiting", 0);
        Assert.Equal('I', (await holder.QueryAsync("commit")).Status);
    }
}
