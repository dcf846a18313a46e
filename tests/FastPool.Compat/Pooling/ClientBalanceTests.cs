using System.Diagnostics;

namespace FastPool.Compat.Pooling;

/// <summary>
/// As many loops are in use as the load needs. Clients spread over more, or gather on fewer, and notice nothing.
/// </summary>
public class ClientBalanceTests
{
    private const string FastPoolOnly = "it has one loop";
    private const int LoopCount = 4;
    private const int HotCount = 8;
    private const int CloseCount = 4_000;

    /// <summary>Messages that cost the pooler much more than the client that sends them: no server hears of them.</summary>
    private static readonly byte[] Closes =
        [.. Enumerable.Repeat(Wire.Close('S', "nobody"), CloseCount).SelectMany(static one => one)];

    private static Task<Pooler> StartAsync() => Pooler.StartAsync(LoopCount, static file =>
    {
        file.LoopsMin = 1;
        file["default_pool_size"] = "8";
        file["max_client_conn"] = "300";
        file.Own["session_state"] = "keep";
    });

    private static async Task<long[]> LoopsAsync(Pooler pooler, string column)
    {
        var loops = await pooler.ConsoleAsync("SHOW LOOPS");
        return [.. loops.Rows.Select(row => long.Parse(row[loops.Columns.IndexOf(column)]!))];
    }

    /// <summary>Clients that are all on the one loop that is in use.</summary>
    private static async Task<List<RawClient>> BunchedAsync(Pooler pooler)
    {
        var clients = new List<RawClient>();
        for (var i = 0; i < HotCount; i++) clients.Add(await pooler.RawAsync());
        Assert.Equal(HotCount + 1, (await LoopsAsync(pooler, "clients"))[0]); // And the console.
        return clients;
    }

    /// <summary>Clients on all loops, among a crowd of others that say nothing.</summary>
    private static async Task<(List<RawClient> Silent, List<RawClient> Clients)> ScatteredAsync(Pooler pooler)
    {
        var (silent, clients) = (new List<RawClient>(), new List<RawClient>());
        Assert.Equal(1, await InUseAsync(pooler));
        while (await InUseAsync(pooler) < LoopCount)
        {
            Assert.True(silent.Count < 200);
            for (var i = 0; i < 8; i++) silent.Add(await RawClient.ConnectAsync(pooler.Port));
            clients.Add(await pooler.RawAsync());
        }
        clients.Add(await pooler.RawAsync());
        return (silent, clients);
    }

    /// <summary>The crowd leaves, so one loop is enough: clients that speak go there.</summary>
    private static async Task GatherAsync(Pooler pooler, List<RawClient> silent, List<RawClient> clients, Func<Task> speak)
    {
        foreach (var one in silent) await one.DisposeAsync();
        await Until.TrueAsync(async () =>
        {
            await speak();
            // And the console.
            return await InUseAsync(pooler) == 1 && (await LoopsAsync(pooler, "clients"))[0] == clients.Count + 1;
        }, "the clients gather", 60, () => pooler.Process.Text);
        Assert.True((await LoopsAsync(pooler, "clients_in"))[0] > 0);
        Assert.Equal((await LoopsAsync(pooler, "clients_out")).Sum(), (await LoopsAsync(pooler, "clients_in"))[0]);
    }

    private static async Task KeepBusyAsync(RawClient client, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            await client.SendAsync(Closes);
            Assert.NotNull(await client.BytesAsync(5 * CloseCount));
        }
    }

    /// <summary>All of them are hot until that many have moved.</summary>
    /// <returns>False: the machine was so busy that the loop had less than half a core, and was not full.</returns>
    private static async Task<bool> SpreadAsync(Pooler pooler, IReadOnlyList<RawClient> clients, Func<Task<bool>> until)
    {
        using var end = new CancellationTokenSource();
        var busy = clients.Select(client => Task.Run(() => KeepBusyAsync(client, end.Token))).ToArray();
        try
        {
            var since = Stopwatch.StartNew();
            var hasSpread = false;
            await Until.TrueAsync(
                async () => (hasSpread = await until())
                    || (since.Elapsed.TotalSeconds > 60 && await IsStarvedAsync(pooler, since)),
                "the clients spread", 120, () => pooler.Process.Text);
            return hasSpread;
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(busy);
        }
    }

    private static async Task<bool> IsStarvedAsync(Pooler pooler, Stopwatch since) =>
        (await LoopsAsync(pooler, "busy_us")).Sum() < since.Elapsed.TotalMicroseconds / 2;

    private static async Task<int> LoopsWithNewcomersAsync(Pooler pooler) =>
        (await LoopsAsync(pooler, "clients_in")).Count(static count => count > 0);

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task Hot_clients_of_one_loop_spread_and_each_is_listed_once()
    {
        await using var pooler = await StartAsync();
        var clients = await BunchedAsync(pooler);
        var haveSpread = await SpreadAsync(pooler, clients, async () =>
        {
            var listed = await pooler.ConsoleAsync("SHOW CLIENTS");
            var (user, port) = (listed.Columns.IndexOf("user"), listed.Columns.IndexOf("port"));
            var ports = listed.Rows.Where(row => row[user] == "user_trust").Select(row => row[port]).ToList();
            Assert.Equal(clients.Count, ports.Count);
            Assert.Equal(clients.Count, ports.Distinct().Count());
            return await LoopsWithNewcomersAsync(pooler) >= 1;
        });
        Assert.True(!haveSpread || (await LoopsAsync(pooler, "clients_out"))[0] > 0);
        // The last of them may be on its way while loops are asked one after the other.
        await Until.TrueAsync(async () =>
            (await LoopsAsync(pooler, "clients_in")).Sum() == (await LoopsAsync(pooler, "clients_out")).Sum(), "all have come");
        Assert.Equal(0, (await pooler.ConsoleAsync("SHOW FASTPOOL")).Rows.Where(static row => row[0] == "broken_invariants")
            .Sum(static row => int.Parse(row[1]!)));
        foreach (var client in clients) await client.DisposeAsync();
        await Until.TrueAsync(async () => (await LoopsAsync(pooler, "clients")).Sum() == 1, "all of them are gone");
    }

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task A_client_that_has_moved_has_its_session_still()
    {
        await using var pooler = await StartAsync();
        var (silent, clients) = await ScatteredAsync(pooler);
        for (var i = 0; i < clients.Count; i++)
        {
            await SayAsync(clients[i], $"set application_name = 'moving {i}'"); // Tracked.
            await SayAsync(clients[i], $"set work_mem = '{i + 1}MB'"); // Kept.
            await SayAsync(clients[i], $"set moving.number = '{i}'");
            await SayAsync(clients[i], $"set search_path = moving_{i}");
            await clients[i].SendAsync(
                [.. Wire.Parse("s", $"select 'named {i}'"), .. Wire.Parse("", $"select 'unnamed {i}'"), .. Wire.Sync]);
            Assert.Equal("", (await clients[i].ReplyAsync()).ErrorText);
        }
        await GatherAsync(pooler, silent, clients, async () =>
        {
            for (var i = 0; i < clients.Count; i++)
            {
                // No simple query, which would drop the unnamed statement.
                await clients[i].SendAsync([.. Wire.Bind("", ""), .. Wire.Execute(""), .. Wire.Sync]);
                Assert.Equal($"unnamed {i}", OnlyValue(await clients[i].ReplyAsync()));
            }
        });
        for (var i = 0; i < clients.Count; i++)
        {
            var client = clients[i];
            await client.SendAsync([.. Wire.Bind("", "s"), .. Wire.Execute(""), .. Wire.Sync]);
            Assert.Equal($"named {i}", OnlyValue(await client.ReplyAsync()));
            Assert.Equal($"moving {i}", OnlyValue(await SayAsync(client, "show application_name")));
            Assert.Equal($"{i + 1}MB", OnlyValue(await SayAsync(client, "show work_mem")));
            Assert.Equal($"{i}", OnlyValue(await SayAsync(client, "show moving.number")));
            Assert.Equal($"moving_{i}", OnlyValue(await SayAsync(client, "show search_path")));
            Assert.Equal('T', (await SayAsync(client, "begin")).Status);
            await SayAsync(client, $"set local work_mem = '{i + 50}MB'");
            Assert.Equal($"{i + 50}MB", OnlyValue(await SayAsync(client, "show work_mem")));
            Assert.Equal('I', (await SayAsync(client, "commit")).Status);
            Assert.Equal($"{i + 1}MB", OnlyValue(await SayAsync(client, "show work_mem")));
            await CancelAsync(pooler, client);
            await ListenAsync(client, i);
        }
        await pooler.TakeOverAsync();
        for (var i = 0; i < clients.Count; i++)
        {
            Assert.Equal($"{i + 1}MB", OnlyValue(await SayAsync(clients[i], "show work_mem")));
            await clients[i].DisposeAsync();
        }
    }

    // ---- few loops, or many -----------------------------------------------------------------------------------------

    private static async Task<long> InUseAsync(Pooler pooler) => (await LoopsAsync(pooler, "in_use")).Sum();

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task Clients_on_all_loops_share_servers_and_gather_on_one_loop()
    {
        await using var pooler = await StartAsync();
        var (silent, clients) = await ScatteredAsync(pooler);
        Assert.All(await LoopsAsync(pooler, "clients"), static count => Assert.True(count > 0));
        foreach (var client in clients) Assert.Equal("1", OnlyValue(await SayAsync(client, "select 1")));
        Assert.True((await LoopsAsync(pooler, "moves")).Sum() > 0); // There was one server.
        var rounds = 0;
        await GatherAsync(pooler, silent, clients, async () =>
        {
            foreach (var client in clients) await SayAsync(client, $"set application_name = 'gathered {rounds}'");
            foreach (var client in clients)
                Assert.Equal($"gathered {rounds}", OnlyValue(await SayAsync(client, "show application_name")));
            rounds++;
        });
        foreach (var client in clients) await client.DisposeAsync();
    }

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task A_storm_of_newcomers_reaches_all_loops()
    {
        await using var pooler = await StartAsync();
        var all = await Task.WhenAll(Enumerable.Range(0, 150).Select(_ => RawClient.ConnectAsync(pooler.Port)));
        await Until.TrueAsync(async () => (await LoopsAsync(pooler, "clients")).Sum() > all.Length, "all are in");
        Assert.Equal(LoopCount, await InUseAsync(pooler));
        Assert.All(await LoopsAsync(pooler, "clients"), static count => Assert.InRange(count, 15, 80));
        foreach (var one in all) await one.DisposeAsync();
        await Until.TrueAsync(async () => await InUseAsync(pooler) == 1, "the others rest", 60);
    }

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task As_many_are_in_use_as_min_loops_says_and_a_reload_changes_that()
    {
        await using var pooler = await Pooler.StartAsync(LoopCount, static file => file.LoopsMin = 3);
        Assert.Equal("1 1 1 0", string.Join(' ', await LoopsAsync(pooler, "in_use")));
        pooler.Rewrite(static file => file.LoopsMin = 64);
        await pooler.ConsoleAsync("RELOAD");
        await Until.TrueAsync(async () => await InUseAsync(pooler) == LoopCount, "all are in use");
        pooler.Rewrite(static file => file.LoopsMin = 1);
        await pooler.ConsoleAsync("RELOAD");
        await Until.TrueAsync(async () => await InUseAsync(pooler) == 1, "the others rest", 60);
        await pooler.ConsoleAsync("SET min_loops = 2");
        await Until.TrueAsync(async () => await InUseAsync(pooler) == 2, "two are in use");
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerFact(FastPoolOnly = FastPoolOnly)]
    public async Task Clients_that_keep_their_servers_are_spread_as_they_come()
    {
        await using var pooler = await Pooler.StartAsync(LoopCount, static file =>
        {
            file.LoopsMin = 1;
            file["pool_mode"] = "session";
        });
        var clients = new List<RawClient>();
        for (var i = 0; i < 60; i++) clients.Add(await pooler.RawAsync());
        Assert.All(await LoopsAsync(pooler, "clients"), static count => Assert.InRange(count, 6, 30));
        foreach (var client in clients) await client.DisposeAsync();
    }

    private static string? OnlyValue(Reply reply)
    {
        Assert.Equal("", reply.ErrorText);
        return Assert.Single(Assert.Single(reply.Rows));
    }

    private static async Task<Reply> SayAsync(RawClient client, string sql)
    {
        var reply = await client.QueryAsync(sql);
        Assert.Equal("", reply.ErrorText);
        return reply;
    }

    private static async Task CancelAsync(Pooler pooler, RawClient client)
    {
        await client.SendAsync(Wire.Query("select pg_sleep(60)"));
        var reply = client.ReplyAsync();
        while (!reply.IsCompleted) // It may come before the query is there.
        {
            await using var requester = await RawClient.ConnectAsync(pooler.Port);
            await requester.SendAsync(Wire.Untyped(Wire.CancelRequest, client.CancelKey));
            Assert.Null(await requester.ReadAsync());
            await Task.WhenAny(reply, Task.Delay(50));
        }
        Assert.Equal("57014", (await reply).Error?.Field('C'));
    }

    private static async Task ListenAsync(RawClient client, int number)
    {
        await SayAsync(client, $"listen moving_{number}");
        await client.SendAsync(Wire.Query($"notify moving_{number}, 'heard'"));
        var types = "";
        while (!types.Contains('A', StringComparison.Ordinal) || !types.Contains('Z', StringComparison.Ordinal))
        {
            var message = await client.ReadAsync();
            Assert.NotNull(message);
            types += message.Type;
            if (message.Type == 'A') Assert.True(message.Body.AsSpan().IndexOf("heard"u8) >= 0);
        }
        await SayAsync(client, "unlisten *");
    }
}
