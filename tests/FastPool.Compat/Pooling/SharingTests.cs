using System.Collections.Concurrent;
using System.Diagnostics;
using Npgsql;

namespace FastPool.Compat.Pooling;

/// <summary>More clients than servers: nothing is lost, doubled, reordered or given to the wrong client.</summary>
public class SharingTests
{
    [PoolerTheory, Loops]
    public async Task Fifty_clients_over_five_servers_each_get_their_own_answers(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        var backends = new ConcurrentDictionary<int, int>();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async client =>
        {
            await using var connection = await pooler.ConnectAsync();
            for (var i = 0; i < 60; i++)
            {
                var mine = $"{client}/{i}/{Guid.NewGuid()}";
                if (i % 3 == 0)
                {
                    await using var transaction = await connection.BeginTransactionAsync();
                    var pid = await connection.BackendPidAsync();
                    Assert.Equal(mine, await connection.ScalarAsync("select $1::text", mine));
                    Assert.Equal(pid, await connection.BackendPidAsync());
                    backends[pid] = 1;
                    await transaction.CommitAsync();
                }
                else
                {
                    Assert.Equal(mine, await connection.ScalarAsync($"select '{mine}'"));
                }
            }
        }));
        Assert.InRange(backends.Count, 1, 5);
        await pooler.PoolIsAsync("sv_active", 0);
    }

    [PoolerTheory, Loops]
    public async Task Rows_that_clients_write_through_the_pool_are_there_exactly_once(int loops)
    {
        var server = await Postgres.SharedAsync();
        var table = $"written_{Guid.NewGuid():N}";
        await using var direct = await server.ConnectAsync(Postgres.Database);
        await direct.ScalarAsync($"create table {table} (client int, number int); grant all on {table} to public");
        await using var pooler = await Pooler.StartAsync(loops);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async client =>
        {
            await using var connection = await pooler.ConnectAsync();
            for (var i = 0; i < 50; i++)
            {
                await using var transaction = await connection.BeginTransactionAsync();
                await connection.ScalarAsync($"insert into {table} values ($1, $2)", client, i);
                if (i % 5 == 4)
                    await transaction.RollbackAsync();
                else
                    await transaction.CommitAsync();
            }
        }));
        Assert.Equal(20L * 40, await direct.ScalarAsync($"select count(*) from (select distinct * from {table}) t"));
        Assert.Equal(20L * 40, await direct.ScalarAsync($"select count(*) from {table}"));
    }

    [PoolerTheory, Loops]
    public async Task Waiting_clients_are_served_in_order_of_arrival(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var holder = await pooler.ConnectAsync();
        var clients = new List<NpgsqlConnection>();
        for (var i = 0; i < 8; i++)
            clients.Add(await pooler.ConnectAsync());
        var transaction = await holder.BeginTransactionAsync();
        await holder.BackendPidAsync();
        var waiting = new List<Task<object?>>();
        var known = new List<TimeSpan>();
        var clock = Stopwatch.StartNew();
        var begun = new List<TimeSpan>();
        for (var i = 0; i < clients.Count; i++)
        {
            begun.Add(clock.Elapsed);
            waiting.Add(clients[i].ScalarAsync("select clock_timestamp()"));
            await pooler.PoolIsAsync("cl_waiting", i + 1);
            known.Add(clock.Elapsed);
        }

        await transaction.CommitAsync();
        var times = (await Task.WhenAll(waiting)).Cast<DateTime>().ToList();
        for (var later = 1; later < clients.Count; later++)
        {
            for (var earlier = 0; earlier < later; earlier++)
            {
                // Over several loops arrivals count in steps of two milliseconds.
                if (loops == 1 || begun[later] - known[earlier] >= TimeSpan.FromMilliseconds(2))
                    Assert.True(times[earlier] <= times[later]);
            }
        }

        foreach (var client in clients)
            await client.DisposeAsync();
    }

    [PoolerTheory]
    [Loops("simple")]
    [Loops("extended")]
    public async Task Pgbench_with_twenty_clients_over_five_servers_fails_no_transaction(int loops, string protocol)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await PgbenchTables.FilledAsync();
        await RunPgbenchAsync(pooler, protocol);
    }

    [PoolerTheory(Since = "1.21")]
    [Loops("prepared")]
    public async Task Pgbench_with_prepared_statements_shares_servers_too(int loops, string protocol)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["max_prepared_statements"] = "200");
        await PgbenchTables.FilledAsync();
        await RunPgbenchAsync(pooler, protocol);
    }

    [PoolerTheory, Loops]
    public async Task Pgbench_with_a_new_connection_for_each_transaction_fails_none(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await PgbenchTables.FilledAsync();
        await RunPgbenchAsync(pooler, "simple", "-C", 50);
    }

    private static async Task RunPgbenchAsync(Pooler pooler, string protocol, string more = "-n", int transactions = 200)
    {
        var (exit, text) = await Child.RunAsync(
            Machine.Program("pgbench"),
            ["-S", "-n", more, "-M", protocol, "-c", "20", "-j", "2", "-t", $"{transactions}", "-h", "127.0.0.1", "-p",
                $"{pooler.Port}", "-U", "user_trust", Postgres.Database]);
        Assert.True(exit == 0, text + pooler.Process.Text);
        Assert.Contains($"number of transactions actually processed: {20 * transactions}/{20 * transactions}", text,
            StringComparison.Ordinal);
    }

    private static class PgbenchTables
    {
        private static readonly Lazy<Task> Filling = new(FillAsync);

        public static Task FilledAsync() => Filling.Value;

        private static async Task FillAsync()
        {
            var server = await Postgres.SharedAsync();
            var (exit, text) = await Child.RunAsync(
                Machine.Program("pgbench"),
                    ["-i", "-q", "-s", "1", "-h", "127.0.0.1", "-p", $"{server.Port}", "-U", "user_trust", Postgres.Database]);
            Assert.True(exit == 0, text);
        }
    }
}
