namespace FastPool.Compat.Life;

/// <summary>Clients are told that the pooler goes, each between two transactions; no connection breaks without a word.</summary>
public sealed class DrainTests
{
    private const string Farewell = "E: FATAL/57P01 terminating connection due to administrator command";

    [PoolerTheory(FastPoolOnly = "waits until clients go by themselves")]
    [Loops(Child.SigTerm)]
    [Loops("SHUTDOWN WAIT_FOR_CLIENTS")]
    public async Task Idle_clients_go_and_a_transaction_is_finished_first(int loops, object how)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Own["drain_timeout"] = "12");
        var idle = new List<RawClient>();
        for (var i = 0; i < 30; i++) idle.Add(await pooler.RawAsync());
        await using var busy = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        if (how is int signal) pooler.Process.Signal(signal);
        else await pooler.ConsoleAsync((string)how);
        foreach (var client in idle)
        {
            Assert.Equal(Farewell, $"{await client.ReadAsync()}");
            Assert.Null(await client.ReadAsync());
            await client.DisposeAsync();
        }

        Assert.False(pooler.Process.HasExited);
        Assert.Equal("1", (await busy.QueryAsync("select 1")).Rows[0][0]);
        Assert.Equal(["COMMIT"], (await busy.QueryAsync("commit")).Tags);
        Assert.Equal(Farewell, $"{await busy.ReadAsync()}");
        Assert.Null(await busy.ReadAsync());
        Assert.Equal(0, await pooler.Process.ExitAsync());
        Assert.Contains("LOG all clients have been told to go, exiting", pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "waits until clients go by themselves"), Loops]
    public async Task Clients_of_session_pooling_go_while_they_are_idle(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["pool_mode"] = "session";
            f.Own["drain_timeout"] = "2";
        });
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        pooler.Process.Signal(Child.SigTerm);
        Assert.Equal(Farewell, $"{await client.ReadAsync()}");
        Assert.Equal(0, await pooler.Process.ExitAsync());
    }

    [PoolerTheory(FastPoolOnly = "waits until clients go by themselves"), Loops]
    public async Task The_rest_is_told_at_the_end_of_the_time(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Own["drain_timeout"] = "1");
        await using var busy = await pooler.RawAsync();
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        await busy.QueryAsync("begin");
        pooler.Process.Signal(Child.SigTerm);
        Assert.Equal(Farewell, $"{await busy.ReadAsync()}");
        Assert.Null(await busy.ReadAsync());
        Assert.Equal(Farewell, $"{await console.ReadAsync()}"); // It does not keep the process.
        Assert.Equal(0, await pooler.Process.ExitAsync());
        Assert.Contains(
            "LOG drain_timeout: 1 client connections are left and are closed", pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "waits until transactions end by themselves")]
    [Loops(Child.SigInt)]
    [Loops("SHUTDOWN WAIT_FOR_SERVERS")]
    public async Task Transactions_that_do_not_end_are_told_at_the_end_of_the_time_too(int loops, object how)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Own["drain_timeout"] = "1");
        await using var idle = await pooler.RawAsync();
        await using var busy = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        if (how is int signal) pooler.Process.Signal(signal);
        else await pooler.ConsoleAsync((string)how);
        Assert.Equal("1", (await busy.QueryAsync("select 1")).Rows[0][0]);
        foreach (var client in new[] { busy, idle })
        {
            Assert.Equal(Farewell, $"{await client.ReadAsync()}");
            Assert.Null(await client.ReadAsync());
        }
        Assert.Equal(0, await pooler.Process.ExitAsync());
        Assert.Contains("LOG drain_timeout: server connections are in use still", pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "closes them without a word"), Loops]
    public async Task Every_other_shutdown_tells_its_clients_and_consoles_too(int loops)
    {
        foreach (var command in new[] { null, "SHUTDOWN", "SHUTDOWN WAIT_FOR_SERVERS" })
        {
            await using var pooler = await Pooler.StartAsync(loops);
            await using var idle = await pooler.RawAsync();
            await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
            await idle.QueryAsync("select 1");
            if (command is null) pooler.Process.Signal(Child.SigInt);
            else await console.SendAsync(Wire.Query(command));
            Assert.Equal(Farewell, $"{await idle.ReadAsync()}");
            Assert.Null(await idle.ReadAsync());
            if (command == "SHUTDOWN WAIT_FOR_SERVERS")
            {
                Assert.Equal('C', (await console.ReadAsync())!.Type);
                Assert.Equal('Z', (await console.ReadAsync())!.Type);
            }
            Assert.Equal(Farewell, $"{await console.ReadAsync()}");
            Assert.Null(await console.ReadAsync());
            Assert.Equal(0, await pooler.Process.ExitAsync());
        }
    }
}
