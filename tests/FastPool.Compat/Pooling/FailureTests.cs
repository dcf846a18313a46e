using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace FastPool.Compat.Pooling;

/// <summary>One side goes away or misbehaves: that pair ends, the others never notice.</summary>
public class FailureTests
{
    [PoolerTheory(FastPoolOnly = "sends its error all the same"), InlineData(false), InlineData(true)]
    public async Task No_error_is_put_into_a_message_that_has_come_in_part(bool isKilled)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var pooler =
            await Pooler.StartAsync(((IPEndPoint)listener.LocalEndpoint).Port, 1, f => f["server_tls_sslmode"] = "disable");
        var login = RawClient.LoginAsync(pooler.Port, "user_trust", Postgres.Database);
        using var server = await listener.AcceptTcpClientAsync();
        var stream = server.GetStream();
        var buffer = new byte[1000];
        Assert.NotEqual(0, await stream.ReadAsync(buffer));
        await stream.WriteAsync(
            (byte[])[.. Wire.Typed('R', new byte[4]), .. Wire.Typed('K', new byte[8]),
            .. Wire.Typed('Z', "I"u8.ToArray())]);
        await using var client = await login;
        await client.SendAsync(Wire.Query("select 1"));
        Assert.NotEqual(0, await stream.ReadAsync(buffer));
        await stream.WriteAsync(Wire.Typed('T', new byte[40]).AsMemory(0, 20));
        Assert.Equal(20, (await client.BytesAsync(20))!.Length);
        if (isKilled) await pooler.ConsoleAsync("KILL");
        else server.Close();
        Assert.Null(await client.BytesAsync(1));
    }

    [PoolerTheory, Loops]
    public async Task A_backend_that_is_ended_while_idle_is_noticed_and_replaced(int loops)
    {
        await using var server = await Postgres.StartAsync();
        await using var pooler = await Pooler.StartAsync(server.Port, loops);
        await using var client = await pooler.RawAsync();
        var pid =
            int.Parse((await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]!,
            System.Globalization.CultureInfo.InvariantCulture);
        await server.TerminateAsync(pid);
        await pooler.LineAsync("got packet 'E' from server when not linked");
        await pooler.LineAsync("closing because: server conn crashed? (age");
        Assert.NotEqual($"{pid}", (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
    }

    [PoolerTheory, Loops]
    public async Task A_server_that_must_be_reached_by_TLS_is_never_reached_in_plain_text(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["server_tls_sslmode"] = "require";
            f["query_wait_timeout"] = "1";
        });
        await Assert.ThrowsAnyAsync<Exception>(() => pooler.RawAsync());
        await pooler.LineAsync("closing because: server refused SSL (age");
    }

    [PoolerTheory]
    [Loops(true)]
    [Loops(false)]
    public async Task A_client_killed_in_a_transaction_takes_only_its_server_along(int loops, bool reset)
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "2");
        await using var bystander = await pooler.RawAsync();
        await bystander.QueryAsync("begin");
        var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var pid = (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        if (reset)
            client.Reset();
        else
            await client.DisposeAsync();
        await pooler.LineAsync("client disconnect while server was not ready");
        await Until.TrueAsync(async () => await server.BackendCountAsync($"pid = {pid}") == 0, "the backend ended");
        Assert.Equal('T', (await bystander.QueryAsync("select 1")).Status);
        Assert.Equal('I', (await bystander.QueryAsync("commit")).Status);
        Assert.NotEqual(pid, $"{await pooler.ScalarAsync("select pg_backend_pid()")}");
    }

    [PoolerTheory, Loops]
    public async Task A_client_killed_in_the_middle_of_a_result_takes_only_its_server_along(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops);
        await using var bystander = await pooler.ConnectAsync();
        var client = await pooler.RawAsync();
        var mark = $"/* {Guid.NewGuid()} */";
        await client.SendAsync(Wire.Query($"select repeat('r', 1000) from generate_series(1, 2000000) {mark}"));
        Assert.NotNull(await client.BytesAsync(100_000));
        client.Reset();
        await Until.TrueAsync(
            async () => await server.BackendCountAsync($"query like '%{mark}%' and query not like '%pg_stat_activity%'") == 0,
                "the backend ended");
        Assert.Equal(3, await bystander.ScalarAsync("select 3"));
        await pooler.PoolIsAsync("sv_active", 0);
    }

    [PoolerTheory, Loops]
    public async Task A_client_killed_in_the_middle_of_a_copy_takes_only_its_server_along(int loops)
    {
        var server = await Postgres.SharedAsync();
        var table = $"copied_{Guid.NewGuid():N}";
        await server.ScalarAsync<int>("select 1");
        await using var pooler = await Pooler.StartAsync(loops);
        await using var bystander = await pooler.ConnectAsync();
        await bystander.ScalarAsync($"create table {table} (body text)");
        var client = await pooler.RawAsync();
        await client.SendAsync(Wire.Query($"copy {table} from stdin"));
        Assert.Equal('G', (await client.ReadAsync())!.Type);
        await client.SendAsync(Wire.Typed('d', "one\ntwo\n"u8.ToArray()));
        client.Reset();
        await Until.TrueAsync(async () =>
            await server.BackendCountAsync($"query like 'copy {table}%'") == 0, "the backend ended");
        Assert.Equal(0L, await bystander.ScalarAsync($"select count(*) from {table}"));
        await pooler.PoolIsAsync("sv_active", 0);
    }

    [PoolerTheory, Loops]
    public async Task An_idle_server_that_was_terminated_is_replaced_unseen(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var connection = await pooler.ConnectAsync();
        var pid = await connection.BackendPidAsync();
        await server.TerminateAsync(pid);
        await pooler.PoolIsAsync("sv_idle", 0);
        Assert.NotEqual(pid, await connection.BackendPidAsync());
    }

    [PoolerTheory(FastPoolOnly = "says its own behind it"), Loops]
    public async Task A_server_terminated_in_a_transaction_ends_its_client_with_its_own_error(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops);
        await using var bystander = await pooler.ConnectAsync();
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        await server.TerminateAsync(int.Parse((await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]!));
        var texts = (await client.ReplyAsync()).Messages.Select(m => $"{m}").ToList();
        Assert.Equal(["E: FATAL/57P01 terminating connection due to administrator command"], texts);
        Assert.Equal(2, await bystander.ScalarAsync("select 2"));
    }

    [PoolerTheory, Loops]
    public async Task PostgreSQL_may_restart_under_the_pooler(int loops)
    {
        await using var server = await Postgres.StartAsync();
        await using var pooler = await Pooler.StartAsync(server.Port, loops);
        await using var idle = await pooler.ConnectAsync();
        Assert.Equal(1, await idle.ScalarAsync("select 1"));
        await using var busy = await pooler.RawAsync();
        await busy.QueryAsync("begin");
        await server.StopAsync();
        Assert.NotNull((await busy.QueryAsync("select 1")).Error);
        await server.StartAgainAsync();
        await Until.TrueAsync(() => AnswersAsync(pooler), "the pooler serves again", 20, () => pooler.Process.Text);
    }

    [PoolerTheory, Loops]
    public async Task Clients_that_come_before_PostgreSQL_wait_for_it(int loops)
    {
        await using var server = await Postgres.StartAsync();
        await server.StopAsync();
        await using var pooler = await Pooler.StartAsync(server.Port, loops);
        var early = pooler.ConnectAsync();
        await pooler.LineAsync("closing because: connect failed (age");
        Assert.False(early.IsCompleted);
        await server.StartAgainAsync();
        await using var connection = await early;
        Assert.Equal(1, await connection.ScalarAsync("select 1"));
    }

    [PoolerTheory, Loops]
    public async Task A_client_that_knows_the_pool_fails_fast_while_PostgreSQL_is_down(int loops)
    {
        await using var server = await Postgres.StartAsync();
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f => f["server_login_retry"] = "2");
        await using var first = await pooler.RawAsync();
        await using var second = await pooler.RawAsync();
        await first.QueryAsync("select 1");
        await server.StopAsync();
        await pooler.PoolIsAsync("sv_idle", 0);
        var waiting = first.QueryAsync("select 1");
        await pooler.LineAsync("closing because: connect failed (age");
        var watch = Stopwatch.StartNew();
        var reason = Binary.Version >= new Version(1, 20) ? "cached error: connect failed" : "try again later";
        Assert.Equal($"FATAL/08P01 server login has been failing, {reason} (server_login_retry)",
            (await second.QueryAsync("select 1")).ErrorText);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
        await server.StartAgainAsync();
        Assert.Equal("", (await waiting).ErrorText);
    }

    [PoolerTheory, Loops]
    public async Task Single_byte_segments_on_both_sides_change_nothing(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var behind = new FaultProxy(server.Port) { SegmentBytes = 1 };
        await using var pooler = await Pooler.StartAsync(behind.Port, loops, f => f["auth_type"] = "scram-sha-256");
        await using var before = new FaultProxy(pooler.Port) { SegmentBytes = 1 };
        await using var connection = await pooler.ConnectAsync("user_scram", more: $"Port={before.Port}");
        for (var i = 0; i < 5; i++)
        {
            await using var transaction = await connection.BeginTransactionAsync();
            var text = new string((char)('a' + i), 3000);
            Assert.Equal(text, await connection.ScalarAsync("select $1::text", text));
            await transaction.CommitAsync();
        }
    }

    [PoolerTheory, Loops]
    public async Task Odd_segments_carry_a_copy_both_ways(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var behind = new FaultProxy(server.Port) { SegmentBytes = 1471 };
        await using var pooler = await Pooler.StartAsync(behind.Port, loops);
        await using var before = new FaultProxy(pooler.Port) { SegmentBytes = 997 };
        await using var connection = await pooler.ConnectAsync(more: $"Port={before.Port}");
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ScalarAsync("create temp table odd (number int, body text) on commit drop");
        await using (var writer = await connection.BeginTextImportAsync("copy odd from stdin"))
        {
            for (var i = 0; i < 3000; i++)
                await writer.WriteAsync($"{i}\t{new string('o', i % 1500)}\n");
        }

        using (var reader = await connection.BeginTextExportAsync("copy (select * from odd order by number) to stdout"))
        {
            for (var i = 0; i < 3000; i++)
                Assert.Equal($"{i}\t{new string('o', i % 1500)}", await reader.ReadLineAsync());
        }

        await transaction.CommitAsync();
    }

    [PoolerTheory, Loops]
    public async Task A_slow_network_slows_only_those_behind_it(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var slow = new FaultProxy(server.Port) { Delay = TimeSpan.FromMilliseconds(100) };
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.Databases["slow"] = $"host=127.0.0.1 port={slow.Port} dbname=app";
        });
        await using var crawling = await pooler.ConnectAsync(database: "slow");
        await using var quick = await pooler.ConnectAsync();
        var waiting = crawling.ScalarAsync("select 'at last'");
        for (var i = 0; i < 20 && !waiting.IsCompleted; i++)
            Assert.Equal(i, await quick.ScalarAsync($"select {i}"));
        Assert.Equal("at last", await waiting);
    }

    [PoolerTheory]
    [Loops(true)]
    [Loops(false)]
    public async Task Servers_cut_off_under_load_are_replaced_and_wrong_answers_never_come(int loops, bool reset)
    {
        var server = await Postgres.SharedAsync();
        await using var proxy = new FaultProxy(server.Port);
        await using var pooler = await Pooler.StartAsync(proxy.Port, loops);
        var (served, cut) = (0, 0);
        using var end = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 10).Select(async client =>
        {
            while (!end.IsCancellationRequested)
            {
                try
                {
                    await using var connection = await pooler.ConnectAsync();
                    for (var i = 0; !end.IsCancellationRequested; i++)
                    {
                        Assert.Equal($"{client}/{i}", await connection.ScalarAsync("select $1::text", $"{client}/{i}"));
                        Interlocked.Increment(ref served);
                    }
                }
                catch (NpgsqlException)
                {
                    Interlocked.Increment(ref cut);
                }
            }
        }).ToList();
        for (var round = 1; round <= 4; round++)
        {
            var before = Volatile.Read(ref served);
            await Until.TrueAsync(() =>
                Volatile.Read(ref served) > before + 100, $"clients are served in round {round}", 20, () => pooler.Process.Text);
            if (reset)
                proxy.Reset();
            else
                proxy.Cut();
        }

        var last = Volatile.Read(ref served);
        await Until.TrueAsync(() => Volatile.Read(ref served) > last + 100, "clients are served in the end", 20, () =>
            pooler.Process.Text);
        await end.CancelAsync();
        await Task.WhenAll(clients);
        Assert.True(cut > 0);
        Assert.False(pooler.Process.HasExited);
    }

    [PoolerTheory, Loops]
    public async Task A_result_cut_in_the_middle_never_looks_complete(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var proxy = new FaultProxy(server.Port) { ResetAfterBytes = 300_000 };
        await using var pooler = await Pooler.StartAsync(proxy.Port, loops);
        await using var client = await pooler.RawAsync();
        var reply = await client.QueryAsync("select repeat('q', 1000) from generate_series(1, 5000)");
        Assert.NotEqual('I', reply.Status);
        Assert.DoesNotContain('C', reply.Types);
        Assert.InRange(reply.Rows.Count, 0, 300);
        proxy.ResetAfterBytes = 0;
        await Until.TrueAsync(() => AnswersAsync(pooler), "the pooler serves again", 20, () => pooler.Process.Text);
    }

    [PoolerTheory, Loops]
    public async Task Hundreds_of_clients_that_vanish_at_random_leave_nothing_behind(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "5");
        await Task.WhenAll(Enumerable.Range(0, 150).Select(async i =>
        {
            var random = new Random(i);
            var client = await RawClient.ConnectAsync(pooler.Port);
            var startup = Wire.Startup(("user", "user_trust"), ("database", Postgres.Database));
            byte[] all =
                [.. startup, .. Wire.Query("begin"), .. Wire.Query("select repeat('v', 10000)"),
                .. Wire.Query("commit")];
            await client.SendAsync(all[..random.Next(1, all.Length)]);
            if (random.Next(2) == 0)
                await client.BytesAsync(random.Next(1, 100), 1).ContinueWith(_ => { }, TaskScheduler.Default);
            if (random.Next(2) == 0)
                client.Reset();
            else
                await client.DisposeAsync();
        }));
        await pooler.PoolIsAsync("cl_active", 0);
        await pooler.PoolIsAsync("cl_waiting", 0);
        await pooler.PoolIsAsync("sv_active", 0);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    private static async Task<bool> AnswersAsync(Pooler pooler)
    {
        try
        {
            return 1.Equals(await pooler.ScalarAsync("select 1"));
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }
}
