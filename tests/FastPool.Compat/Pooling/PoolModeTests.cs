using Npgsql;

namespace FastPool.Compat.Pooling;

/// <summary>When a server comes back to the pool: at the end of the session, the transaction or the statement.</summary>
public class PoolModeTests
{
    [PoolerTheory, Loops]
    public async Task In_session_mode_a_client_keeps_its_server_until_it_leaves(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["pool_mode"] = "session");
        await using var one = await pooler.ConnectAsync();
        await using var two = await pooler.ConnectAsync();
        var (first, second) = (await one.BackendPidAsync(), await two.BackendPidAsync());
        Assert.NotEqual(first, second);
        for (var i = 0; i < 5; i++)
            Assert.Equal((first, second), (await one.BackendPidAsync(), await two.BackendPidAsync()));
        await one.CloseAsync();
        await pooler.PoolIsAsync("sv_idle", 1);
        await using var three = await pooler.ConnectAsync();
        Assert.Equal(first, await three.BackendPidAsync());
    }

    [PoolerTheory, Loops]
    public async Task In_transaction_mode_clients_share_one_server_between_transactions(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        var clients = new List<NpgsqlConnection>();
        for (var i = 0; i < 8; i++)
            clients.Add(await pooler.ConnectAsync());
        var pids = new HashSet<int>();
        foreach (var client in clients)
            pids.Add(await client.BackendPidAsync());
        Assert.Single(pids);
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [PoolerTheory, Loops]
    public async Task In_transaction_mode_an_open_transaction_keeps_its_server_to_itself(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var holder = await pooler.ConnectAsync();
        await using var waiter = await pooler.ConnectAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        var pid = await holder.BackendPidAsync();
        var waiting = waiter.BackendPidAsync();
        await pooler.PoolIsAsync("cl_waiting", 1);
        Assert.Equal(pid, await holder.BackendPidAsync());
        Assert.False(waiting.IsCompleted);
        await transaction.CommitAsync();
        Assert.Equal(pid, await waiting);
    }

    [PoolerTheory, Loops]
    public async Task A_failed_transaction_keeps_its_server_until_rollback(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var client = await pooler.RawAsync();
        await using var waiter = await pooler.ConnectAsync();
        Assert.Equal('T', (await client.QueryAsync("begin")).Status);
        Assert.Equal('E', (await client.QueryAsync("select 1/0")).Status);
        var waiting = waiter.BackendPidAsync();
        await pooler.PoolIsAsync("cl_waiting", 1);
        Assert.Equal('I', (await client.QueryAsync("rollback")).Status);
        await waiting;
    }

    [PoolerTheory, Loops]
    public async Task Statement_mode_serves_statements_and_refuses_transactions(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["pool_mode"] = "statement";
            f["default_pool_size"] = "1";
        });
        await using var client = await pooler.RawAsync();
        await using var other = await pooler.RawAsync();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal($"{i}", (await client.QueryAsync($"select {i}")).Rows[0][0]);
            Assert.Equal($"{-i}", (await other.QueryAsync($"select {-i}")).Rows[0][0]);
        }

        var refused = await client.QueryAsync("begin");
        Assert.Equal("FATAL/08P01 transaction blocks not allowed in statement pooling mode", refused.ErrorText);
        Assert.Equal("7", (await other.QueryAsync("select 7")).Rows[0][0]);
    }

    [PoolerTheory, Loops]
    public async Task A_database_may_have_its_own_pool_mode(int loops)
    {
        await using var pooler =
            await Pooler.StartAsync(loops, f => f.Databases["held"] = "{server} dbname=app pool_mode=session pool_size=2");
        await using var one = await pooler.ConnectAsync(database: "held");
        await using var two = await pooler.ConnectAsync(database: "held");
        Assert.NotEqual(await one.BackendPidAsync(), await two.BackendPidAsync());
        var pools = await pooler.ConsoleAsync("SHOW POOLS");
        Assert.Equal("session", pools.Rows.Single(r => r[0] == "held")[pools.Columns.IndexOf("pool_mode")]);
    }
}
