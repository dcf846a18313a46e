using System.Globalization;

namespace FastPool.Compat.Pooling;

/// <summary>result_buffer: a client that reads slowly does not keep its server.</summary>
public sealed class ResultBufferTests
{
    private const string OnlyHere = "has the server wait for a slow client";
    private const string Ample = "16777216";

    private static string Rows(int kilobytes) => $"select repeat(md5(i::text), 32) from generate_series(1, {kilobytes}) i";

    /// <summary>The kernel keeps little of a result: the pooler is left with it.</summary>
    private static async Task<Pooler> StartAsync(int loops, string buffer, Action<PoolerFile>? change = null) =>
        await Pooler.StartAsync(loops, file =>
        {
            file["default_pool_size"] = "1";
            file["tcp_socket_buffer"] = "16384";
            file.Own["result_buffer"] = buffer;
            change?.Invoke(file);
        });

    /// <summary>The answer as a client sees it that reads in time.</summary>
    private static async Task<(int Rows, char Status, string Hash)> ExpectedAsync(string sql)
    {
        using var direct = SlowClient.LogIn((await Postgres.SharedAsync()).Port);
        direct.Say(Wire.Query(sql));
        return direct.ReadReply();
    }

    private static SlowClient Ask(Pooler pooler, string sql, bool hasTls = false)
    {
        var slow = SlowClient.LogIn(pooler.Port, hasTls);
        slow.Say(Wire.Query(sql));
        return slow;
    }

    private static async Task<long> FigureAsync(Pooler pooler, string name) => long.Parse(
        (await pooler.ConsoleAsync("SHOW FASTPOOL")).Rows.Single(row => row[0] == name)[1]!, CultureInfo.InvariantCulture);

    private static async Task IsServedAsync(Pooler pooler)
    {
        await using var other = await pooler.RawAsync();
        Assert.Equal("1", (await other.QueryAsync("select 1")).Rows[0][0]);
    }

    /// <summary>Nobody else is served before the slow one has read.</summary>
    private static async Task<Task> WaitsAsync(Pooler pooler)
    {
        await pooler.PoolIsAsync("sv_active", 1); // The slow one's: on another loop the next client could be faster.
        var other = Task.Run(() => IsServedAsync(pooler));
        await pooler.PoolIsAsync("cl_waiting", 1);
        await Task.Delay(500);
        Assert.False(other.IsCompleted);
        return other;
    }

    [PoolerTheory(FastPoolOnly = OnlyHere)]
    [Loops(false, "own")]
    [Loops(true, "own")]
    [Loops(true, "library")]
    public async Task Another_is_served_while_a_client_does_not_read(int loops, bool hasTls, string records)
    {
        var certificates = await Certificates.SharedAsync();
        var sql = Rows(4096);
        await using var pooler = await StartAsync(loops, Ample, file =>
        {
            file.OfferTls(certificates, "allow");
            file.Own["tls_records"] = records;
        });
        using var slow = Ask(pooler, sql, hasTls);
        for (var i = 0; i < 20; i++) await IsServedAsync(pooler);
        Assert.InRange(await FigureAsync(pooler, "held_result_bytes"), 3_000_000, 5_000_000);
        var memory = (await pooler.ConsoleAsync("SHOW MEM")).Rows.Single(static row => row[0] == "result_buffer");
        Assert.InRange(int.Parse(memory[4]!, CultureInfo.InvariantCulture), 3_000_000, 5_000_000);
        Assert.Equal(await ExpectedAsync(sql), slow.ReadReply());
        Assert.Equal((0L, 1L), (await FigureAsync(pooler, "held_result_bytes"), await FigureAsync(pooler, "results_held")));
        slow.Say(Wire.Query("select 2"));
        Assert.Equal(1, slow.ReadReply().Rows);
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops("0"), Loops("1000000")]
    public async Task Off_and_beyond_its_bound_the_server_waits(int loops, string buffer)
    {
        var sql = Rows(8192);
        await using var pooler = await StartAsync(loops, buffer);
        using var slow = Ask(pooler, sql);
        var other = await WaitsAsync(pooler);
        Assert.Equal(await ExpectedAsync(sql), slow.ReadReply());
        await other;
        Assert.Equal(0, await FigureAsync(pooler, "held_result_bytes"));
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task When_the_total_is_used_up_the_server_waits_for_any_of_them(int loops)
    {
        var sql = Rows(4096);
        await using var pooler = await StartAsync(loops, Ample, static file => file.Own["result_buffer_total"] = "5242880");
        using var first = Ask(pooler, sql);
        await pooler.PoolIsAsync("sv_idle", 1);
        using var second = Ask(pooler, sql);
        var other = await WaitsAsync(pooler);
        Assert.Equal(1, await FigureAsync(pooler, "results_refused"));
        Assert.InRange(await FigureAsync(pooler, "held_result_bytes"), 3_000_000, 5_242_880);
        var expected = await ExpectedAsync(sql);
        Assert.Equal(expected, first.ReadReply());
        await other; // The second has not read a byte.
        Assert.Equal(expected, second.ReadReply());
        Assert.Equal(0, await FigureAsync(pooler, "held_result_bytes"));
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task Fifty_slow_clients_leave_the_servers_to_others(int loops)
    {
        const int Count = 50;
        var sql = Rows(1024);
        await using var pooler = await StartAsync(loops, Ample, static file => file["default_pool_size"] = "2");
        var slow = new List<SlowClient>();
        for (var i = 0; i < Count; i++) slow.Add(Ask(pooler, sql));
        for (var i = 0; i < 20; i++) await IsServedAsync(pooler);
        await pooler.PoolIsAsync("sv_active", 0);
        Assert.InRange(UnreadingClient.ResidentKilobytes(pooler.Pid), 1, 200_000);
        var expected = await ExpectedAsync(sql);
        for (var i = 0; i < Count; i++)
        {
            if (i % 5 == 0) slow[i].Reset();
            else Assert.Equal(expected, slow[i].ReadReply());
            slow[i].Dispose();
        }
        await Until.TrueAsync(async () => await FigureAsync(pooler, "held_result_bytes") == 0, "all is given back");
        Assert.Equal(Count, await FigureAsync(pooler, "results_held"));
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task Copy_and_the_reset_query_behind_it(int loops)
    {
        var sql = $"copy ({Rows(4096)}) to stdout";
        await using var pooler = await StartAsync(loops, Ample, static file =>
        {
            file["server_reset_query"] = "DISCARD ALL";
            file["server_reset_query_always"] = "1";
        });
        using var slow = Ask(pooler, sql);
        for (var i = 0; i < 5; i++) await IsServedAsync(pooler);
        var expected = await ExpectedAsync(sql);
        Assert.Equal((4096, 'I'), (expected.Rows, expected.Status));
        Assert.Equal(expected, slow.ReadReply());
    }

    /// <summary>Queries with what is said at their sides: notices, changed parameters, an error at the end.</summary>
    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task All_that_a_pipeline_brings_comes_in_order(int loops)
    {
        string[] queries =
        [
            Rows(2048), "set application_name = 'slow'", "do $$ begin raise notice 'here'; end $$",
            $"select 1 / (3000 - i), repeat('x', 1000) from generate_series(1, 3000) i", Rows(1024), "select 1",
        ];
        await using var pooler = await StartAsync(loops, Ample);
        using var slow = SlowClient.LogIn(pooler.Port);
        slow.Say([.. queries.SelectMany(static sql => Wire.Query(sql))]);
        await IsServedAsync(pooler);
        using var direct = SlowClient.LogIn((await Postgres.SharedAsync()).Port);
        foreach (var sql in queries)
        {
            direct.Say(Wire.Query(sql));
            Assert.Equal(direct.ReadReply(), slow.ReadReply());
        }
    }

    /// <summary>The listening connection tells a client that still has a result to read.</summary>
    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task Notifications_come_behind_the_held_result(int loops)
    {
        var sql = Rows(4096);
        await using var pooler = await StartAsync(loops, Ample, static file =>
        {
            file["default_pool_size"] = "2";
            file.Own["session_state"] = "keep";
            file.Own["pinned_servers_max"] = "1";
        });
        using var slow = SlowClient.LogIn(pooler.Port);
        slow.Say(Wire.Query("listen held_results"));
        Assert.Equal('I', slow.ReadReply().Status);
        await pooler.PoolIsAsync("sv_active", 1); // The listening connection.
        slow.Say(Wire.Query(sql));
        await Until.TrueAsync(async () => await FigureAsync(pooler, "held_result_bytes") > 3_000_000, "it is held");
        await pooler.PoolIsAsync("sv_active", 1);
        await using var sender = await pooler.RawAsync();
        for (var i = 0; i < 5; i++) Assert.Equal("", (await sender.QueryAsync($"notify held_results, '{i}'")).ErrorText);
        var expected = await ExpectedAsync(sql);
        Assert.Equal(expected, slow.ReadReply());
        for (var i = 0; i < 5; i++)
        {
            var (type, body) = slow.ReadMessage();
            Assert.Equal(('A', $"held_results\0{i}\0"), (type, System.Text.Encoding.ASCII.GetString(body.AsSpan(4))));
        }
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_cancel_request_of_its_comes_too_late_and_hits_nobody(int loops)
    {
        var sql = Rows(4096);
        await using var pooler = await StartAsync(loops, Ample);
        using var slow = Ask(pooler, sql);
        await pooler.PoolIsAsync("sv_idle", 1);
        await using var other = await pooler.RawAsync();
        var sleep = other.QueryAsync("select pg_sleep(1.5)");
        await pooler.PoolIsAsync("sv_active", 1);
        await using (var cancel = await RawClient.ConnectAsync(pooler.Port))
        {
            await cancel.SendAsync(Wire.Untyped(Wire.CancelRequest, slow.CancelKey));
            Assert.Null(await cancel.ReadAsync());
        }
        Assert.Equal("", (await sleep).ErrorText);
        Assert.Equal(await ExpectedAsync(sql), slow.ReadReply());
    }

    [PoolerTheory(FastPoolOnly = OnlyHere)]
    [Loops(false)]
    [Loops(true)]
    public async Task A_takeover_takes_the_bytes_along(int loops, bool hasTls)
    {
        var certificates = await Certificates.SharedAsync();
        var sql = Rows(4096);
        await using var pooler = await StartAsync(loops, "6291456", file => file.OfferTls(certificates, "allow"));
        using var slow = Ask(pooler, sql, hasTls);
        await pooler.PoolIsAsync("sv_idle", 1);
        var larger = Rows(12_000);
        using var linked = Ask(pooler, larger, hasTls);
        await Until.TrueAsync(async () => await FigureAsync(pooler, "held_result_bytes") > 9_000_000, "both are held");
        await pooler.TakeOverAsync();
        Assert.InRange(await FigureAsync(pooler, "held_result_bytes"), 9_000_000, 11_000_000);
        Assert.Equal(await ExpectedAsync(sql), slow.ReadReply());
        Assert.Equal(await ExpectedAsync(larger), linked.ReadReply());
        Assert.Equal(0, await FigureAsync(pooler, "held_result_bytes"));
        await IsServedAsync(pooler);
        slow.Say(Wire.Query("select 2"));
        Assert.Equal(1, slow.ReadReply().Rows);
    }

    [PoolerTheory(FastPoolOnly = OnlyHere)]
    [Loops(Child.SigInt, "server connections dropped, exiting")]
    [Loops(Child.SigTerm, "all clients have been told to go, exiting")]
    public async Task A_shutdown_waits_until_it_has_read(int loops, int signal, string line)
    {
        var sql = Rows(4096);
        await using var pooler = await StartAsync(loops, Ample, static file => file.Own["drain_timeout"] = "20");
        using var slow = Ask(pooler, sql);
        await pooler.PoolIsAsync("sv_idle", 1);
        pooler.Process.Signal(signal);
        await Task.Delay(1500);
        Assert.False(pooler.Process.HasExited, pooler.Process.Text);
        Assert.Equal(await ExpectedAsync(sql), slow.ReadReply());
        Assert.Equal('E', slow.ReadMessage().Type);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        Assert.Contains(line, pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_reload_turns_it_on(int loops)
    {
        var sql = Rows(4096);
        await using var pooler = await StartAsync(loops, "0");
        using var slow = Ask(pooler, sql);
        var other = await WaitsAsync(pooler);
        pooler.Rewrite(static file => file.Own["result_buffer"] = Ample);
        await pooler.ConsoleAsync("RELOAD");
        await other;
        Assert.Equal(await ExpectedAsync(sql), slow.ReadReply());
    }
}
