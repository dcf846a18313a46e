namespace FastPool.Compat.Life;

/// <summary>Signals, one after the other, with clients at work.</summary>
public sealed class EndingTests
{
    private const int SigUsr1 = 10, SigUsr2 = 12;

    [PoolerTheory(Since = "1.23"), Loops]
    public async Task INT_does_not_wait_for_idle_clients(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var idle = await pooler.RawAsync();
        await idle.QueryAsync("select 1");
        pooler.Process.Signal(Child.SigInt);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        if (Binary.IsFastPool) Assert.Equal('E', (await idle.ReadAsync())!.Type);
        Assert.Null(await idle.ReadAsync());
    }

    [PoolerTheory(Since = "1.23")]
    [Loops(Child.SigInt, Child.SigInt, "got SIGINT while shutting down, fast exit")]
    [Loops(Child.SigTerm, Child.SigTerm, "got SIGTERM while shutting down, fast exit")]
    [Loops(Child.SigTerm, Child.SigInt, "got SIGINT while shutting down, fast exit")]
    [Loops(Child.SigTerm, Child.SigQuit, "got SIGQUIT, fast exit")]
    [Loops(Child.SigInt, Child.SigQuit, "got SIGQUIT, fast exit")]
    public async Task The_first_waits_for_a_transaction_and_the_second_for_nothing(int loops, int first, int second, string line)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var busy = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        pooler.Process.Signal(first);
        await pooler.LineAsync("shutting down, waiting for all");
        Assert.Equal("1", (await busy.QueryAsync("select 1")).Rows[0][0]);
        Assert.False(pooler.Process.HasExited);
        pooler.Process.Signal(second);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        Assert.Contains("LOG " + line, pooler.Process.Text, StringComparison.Ordinal);
        if (Binary.IsFastPool) await IsToldAsync(busy);
    }

    [PoolerTheory(FastPoolOnly = "just goes"), Loops]
    public async Task A_fast_exit_tells_clients_and_consoles_too(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var idle = await pooler.RawAsync();
        await using var busy = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
        pooler.Process.Signal(Child.SigQuit);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        foreach (var client in (RawClient[])[idle, busy, console]) await IsToldAsync(client);
    }

    private static async Task IsToldAsync(RawClient client)
    {
        var last = (await client.ReadAsync())!;
        Assert.Equal(("FATAL", "57P01"), (last.Field('S'), last.Field('C')));
        Assert.Null(await client.ReadAsync());
    }

    [PoolerTheory, Loops]
    public async Task QUIT_ends_it_while_paused_and_while_suspended(int loops)
    {
        foreach (var command in new[] { "PAUSE", "SUSPEND" })
        {
            await using var pooler = await Pooler.StartAsync(loops);
            await using var console = await RawClient.LoginAsync(pooler.Port, "admin", "pgbouncer");
            Assert.Equal([command], (await console.QueryAsync(command)).Tags);
            pooler.Process.Signal(Child.SigQuit);
            Assert.Equal(0, await pooler.Process.ExitAsync());
        }
    }

    [PoolerTheory, Loops]
    public async Task USR1_pauses_and_USR2_resumes_and_the_console_says_so(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        pooler.Process.Signal(SigUsr1);
        await PausedIsAsync(pooler, "yes");
        var waiting = client.QueryAsync("select 1");
        await pooler.PoolIsAsync("cl_waiting", 1);
        pooler.Process.Signal(SigUsr2);
        await PausedIsAsync(pooler, "no");
        Assert.Equal("TDCZ", (await waiting).Types);
    }

    private static Task PausedIsAsync(Pooler pooler, string value) =>
        Until.TrueAsync(async () => (await pooler.ConsoleAsync("SHOW STATE")).Rows[1][1] == value, $"paused is {value}");
}
