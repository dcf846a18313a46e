using System.Diagnostics;

namespace FastPool.Compat.Faults;

/// <summary>
/// Peers that go without a word: the kernel drops all that comes for their sockets, so nothing is acknowledged. Setting:
/// dead_peer_timeout.
/// </summary>
public class DeadPeerTests
{
    private const string OnlyHere = "leaves silent peers to the settings of the system";
    private const string NoAnswer = "closing because: no answer from the peer (dead_peer_timeout) (age";
    private const int TimeoutSeconds = 4;

    private static Task<Pooler> StartAsync(int loops, int? serverPort = null, Action<PoolerFile>? change = null)
    {
        void Change(PoolerFile file)
        {
            file.Own["dead_peer_timeout"] = $"{TimeoutSeconds}";
            file["default_pool_size"] = "1";
            change?.Invoke(file);
        }

        return serverPort is { } port ? Pooler.StartAsync(port, loops, Change) : Pooler.StartAsync(loops, Change);
    }

    /// <summary>The time since is that of the setting; the machine may be slow.</summary>
    private static void IsInTime(Stopwatch watch) =>
        Assert.InRange(watch.Elapsed.TotalSeconds, TimeoutSeconds / 2.0, TimeoutSeconds + 6);

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task An_idle_client_that_has_gone_is_found_and_others_stay(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var well = await pooler.RawAsync();
        await using var gone = await pooler.RawAsync();
        var watch = Stopwatch.StartNew();
        Deafness.Begin(gone.Socket);
        await pooler.LineAsync("closing because: client unexpected eof (age");
        IsInTime(watch);
        Assert.Equal("1", (await well.QueryAsync("select 1")).Rows[0][0]);
        Assert.Single((await pooler.ConsoleAsync("SHOW CLIENTS")).Rows, static row => row[2] == "app");
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_client_that_has_gone_before_its_reply_came_is_found(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var gone = await pooler.RawAsync();
        await gone.SendAsync(Wire.Query("select pg_sleep(2), repeat('x', 100000)"));
        await pooler.PoolIsAsync("sv_active", 1);
        Deafness.Begin(gone.Socket);
        await pooler.LineAsync(NoAnswer);
        await pooler.PoolIsAsync("sv_idle", 1);
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task An_idle_server_that_has_gone_is_found(int loops)
    {
        await using var proxy = new FaultProxy((await Postgres.SharedAsync()).Port);
        await using var pooler = await StartAsync(loops, proxy.Port);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        var watch = Stopwatch.StartNew();
        proxy.Deafen();
        await pooler.LineAsync("closing because: server conn crashed? (age");
        IsInTime(watch);
        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_server_that_does_not_take_a_query_is_given_up_and_the_client_hears_why(int loops)
    {
        await using var proxy = new FaultProxy((await Postgres.SharedAsync()).Port);
        await using var pooler = await StartAsync(loops, proxy.Port);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        proxy.Deafen();
        var watch = Stopwatch.StartNew();
        await client.SendAsync(Wire.Query("select 'nobody hears'"));
        var error = (await client.ReplyAsync()).ErrorText;
        Assert.Contains("no answer from the peer (dead_peer_timeout)", error, StringComparison.Ordinal);
        IsInTime(watch);
        await using var next = await pooler.RawAsync();
        Assert.Equal("1", (await next.QueryAsync("select 1")).Rows[0][0]);
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_server_that_does_not_answer_its_check_is_given_to_nobody(int loops)
    {
        await using var proxy = new FaultProxy((await Postgres.SharedAsync()).Port);
        await using var pooler = await StartAsync(loops, proxy.Port, static f =>
        {
            f.Own["dead_peer_timeout"] = "0";
            f["default_pool_size"] = "2";
            f["server_check_delay"] = "0";
            f["server_check_query"] = "select 1";
        });
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        await pooler.PoolIsAsync("sv_used", 1);
        proxy.Deafen();
        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]); // By another server.
        await pooler.LineAsync("closing because: test query failed (age");
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_client_that_keeps_its_window_shut_lives(int loops)
    {
        const int rows = 200_000;
        await using var pooler = await StartAsync(loops);
        await using var slow = await pooler.RawAsync();
        await slow.SendAsync(Wire.Query($"select repeat('x', 500) from generate_series(1, {rows})"));
        await pooler.PoolIsAsync("sv_active", 1);
        await Task.Delay(TimeSpan.FromSeconds(3 * TimeoutSeconds)); // In that time nothing may happen.
        Assert.Equal(rows, (await slow.ReplyAsync()).Rows.Count);
        Assert.DoesNotContain("dead_peer_timeout", pooler.Process.Text, StringComparison.Ordinal);
    }
}
