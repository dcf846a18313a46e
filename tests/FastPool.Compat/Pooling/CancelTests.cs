using System.Diagnostics;
using Npgsql;

namespace FastPool.Compat.Pooling;

/// <summary>Cancel requests reach the query of the client that they were made for, and nothing else.</summary>
public class CancelTests
{
    [PoolerTheory, Loops]
    public async Task A_running_query_is_cancelled_and_its_connection_lives_on(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var connection = await pooler.ConnectAsync();
        await using var command = new NpgsqlCommand("select pg_sleep(30)", connection);
        var watch = Stopwatch.StartNew();
        var sleeping = command.ExecuteNonQueryAsync();
        await SleepsAsync();
        command.Cancel();
        await IsCancelledAsync(sleeping);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 20);
        Assert.Equal(5, await connection.ScalarAsync("select 5"));
    }

    [PoolerTheory, Loops]
    public async Task A_cancel_hits_its_own_query_among_many(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "8");
        await using var victim = await pooler.ConnectAsync();
        var others = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => pooler.ConnectAsync()));
        for (var round = 0; round < 3; round++)
        {
            await using var command = new NpgsqlCommand("select pg_sleep(30)", victim);
            var sleeping = command.ExecuteNonQueryAsync();
            await SleepsAsync();
            var busy = others.Select(o => o.ScalarAsync("select 'fine' from pg_sleep(0.3)")).ToList();
            command.Cancel();
            await IsCancelledAsync(sleeping);
            Assert.All(await Task.WhenAll(busy), answer => Assert.Equal("fine", answer));
        }

        foreach (var other in others)
            await other.DisposeAsync();
    }

    [PoolerTheory, Loops]
    public async Task A_cancel_with_an_unknown_key_or_for_an_idle_client_is_closed_without_a_word(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        foreach (
            var (key, reason) in new[] { (new byte[8], "failed cancel request"),
            (client.CancelKey, "cancel request for idle client") })
        {
            await using var cancel = await RawClient.ConnectAsync(pooler.Port);
            await cancel.SendAsync(Wire.Untyped(Wire.CancelRequest, key));
            Assert.Null(await cancel.BytesAsync(1));
            await pooler.LineAsync($"closing because: {reason} (age");
        }

        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
    }

    [PoolerTheory, Loops]
    public async Task A_cancel_comes_through_when_every_server_is_busy(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var client = await pooler.RawAsync();
        var mark = $"{Guid.NewGuid():N}";
        await client.SendAsync(Wire.Query($"select pg_sleep(30), '{mark}'"));
        var server = await Postgres.SharedAsync();
        // A cancel before that finds nothing.
        await Until.TrueAsync(async () =>
            await server.BackendCountAsync($"wait_event = 'PgSleep' and query like '%{mark}%'") == 1, "the sleep runs");
        await using (var cancel = await RawClient.ConnectAsync(pooler.Port))
        {
            await cancel.SendAsync(Wire.Untyped(Wire.CancelRequest, client.CancelKey));
            Assert.Null(await cancel.BytesAsync(1));
        }

        Assert.StartsWith("ERROR/57014", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
        await pooler.LineAsync("closing because: successfully sent cancel request (age");
    }

    [PoolerTheory, Loops]
    public async Task Cancels_that_race_releases_never_hit_somebody_elses_query(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "2");
        var clients = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => pooler.RawAsync()));
        var isOver = false;
        var hits = new int[clients.Length];
        var queries = clients.Select(async (client, index) =>
        {
            for (var i = 0; !Volatile.Read(ref isOver); i++)
            {
                var reply = await client.QueryAsync($"select {i} from pg_sleep(0.001)");
                if (reply.Error is null) Assert.Equal($"{i}", reply.Rows[0][0]);
                else if (reply.ErrorText.StartsWith("ERROR/57014", StringComparison.Ordinal)) hits[index]++;
                else Assert.Fail(reply.ErrorText);
            }
        }).ToList();
        // On a busy machine most come too late.
        for (var round = 0; round < 150 || (round < 20_000 && hits[..4].Sum() == 0); round++)
        {
            await using var cancel = await RawClient.ConnectAsync(pooler.Port);
            // The other four are never meant.
            await cancel.SendAsync(Wire.Untyped(Wire.CancelRequest, clients[round % 4].CancelKey));
            Assert.Null(await cancel.BytesAsync(1));
        }

        Volatile.Write(ref isOver, true);
        await Task.WhenAll(queries);
        Assert.Equal(new int[4], hits[4..]);
        Assert.NotEqual(0, hits[..4].Sum());
        await pooler.PoolIsAsync("sv_being_canceled", 0);
        await pooler.PoolIsAsync("sv_idle", 2);
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [PoolerTheory(Since = "1.21.0"), Loops]
    public async Task A_cancel_that_finds_no_server_to_connect_to_gives_up_after_cancel_wait_timeout(int loops)
    {
        await using var server = await Postgres.StartAsync();
        await using var proxy = new FaultProxy(server.Port);
        await using var pooler = await Pooler.StartAsync(proxy.Port, loops, f => f["cancel_wait_timeout"] = "1");
        await using var client = await pooler.RawAsync();
        await client.SendAsync(Wire.Query("select pg_sleep(2)"));
        await pooler.PoolIsAsync("sv_active", 1);
        proxy.StopListening();
        await using var cancel = await RawClient.ConnectAsync(pooler.Port);
        await cancel.SendAsync(Wire.Untyped(Wire.CancelRequest, client.CancelKey));
        Assert.Null(await cancel.BytesAsync(1));
        await pooler.LineAsync("closing because: cancel_wait_timeout (age");
        Assert.Null((await client.ReplyAsync()).Error);
    }

    private static async Task IsCancelledAsync(Task query)
    {
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => query);
        Assert.Equal("57014", Assert.IsType<PostgresException>(cancelled.InnerException).SqlState);
    }

    /// <summary>Waits until PostgreSQL runs the sleep, since a cancel before that finds nothing to cancel.</summary>
    private static async Task SleepsAsync()
    {
        var server = await Postgres.SharedAsync();
        await Until.TrueAsync(async () =>
            await server.BackendCountAsync("wait_event = 'PgSleep' and query like '%pg_sleep(30)%'") > 0, "the sleep runs");
    }
}
