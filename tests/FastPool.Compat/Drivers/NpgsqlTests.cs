using Npgsql;

namespace FastPool.Compat.Drivers;

/// <summary>Npgsql in transaction mode with more tasks than servers, in the ways it is used with a pool of its own.</summary>
public class NpgsqlTests
{
    private const int Tasks = 30;

    [PoolerTheory(Since = "1.21"), Loops("No Reset On Close=false"), Loops("No Reset On Close=true"),
        Loops("No Reset On Close=false;Max Auto Prepare=10;Auto Prepare Min Usages=2"),
        Loops("No Reset On Close=true;Max Auto Prepare=10;Auto Prepare Min Usages=2"), Loops("Multiplexing=true"),
            Loops("Multiplexing=true;Max Auto Prepare=10;Auto Prepare Min Usages=2")]
    public async Task Tasks_that_open_and_close_share_two_servers(int loops, string options)
    {
        await using var pooler = await DriverSuite.StartAsync(loops, statements: 5);
        await using (var source = Source(pooler, options))
        {
            await Task.WhenAll(Enumerable.Range(0, Tasks).Select(async number =>
            {
                for (var turn = 0; turn < 12; turn++)
                {
                    await using var connection = await source.OpenConnectionAsync();
                    Assert.Equal(number + turn, await connection.ScalarAsync("select $1::int + $2::int", number, turn));
                    Assert.Equal(number * turn, await connection.ScalarAsync($"select $1::int * {turn}", number));
                    var error =
                        await Assert.ThrowsAsync<PostgresException>(() => connection.ScalarAsync("select 1 / $1::int", 0));
                    Assert.Equal("22012", error.SqlState);
                    await using var transaction = await connection.BeginTransactionAsync();
                    Assert.Equal(await connection.BackendPidAsync(), await connection.BackendPidAsync());
                    await transaction.CommitAsync();
                }
            }));
        }

        await DriverSuite.IsCleanAsync(pooler);
        DriverSuite.Passed("Npgsql " + options);
    }

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task Statements_prepared_right_behind_the_held_back_reset_live(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops, statements: 5);
        await using (var source = Source(pooler, "No Reset On Close=false;Maximum Pool Size=4"))
        {
            // DISCARD ALL of the connection's last use goes out in one write with the Parse of this one.
            await Task.WhenAll(Enumerable.Range(0, Tasks).Select(async number =>
            {
                for (var turn = 0; turn < 10; turn++)
                {
                    await using var connection = await source.OpenConnectionAsync();
                    await using var command =
                        new NpgsqlCommand($"select $1::int + {turn % 4}",
                        connection)
                        { Parameters = { new() { Value = number } } };
                    await command.PrepareAsync();
                    for (var i = 0; i < 3; i++) Assert.Equal(number + (turn % 4), await command.ExecuteScalarAsync());
                    await command.UnprepareAsync();
                }
            }));
        }

        await DriverSuite.IsCleanAsync(pooler);
        DriverSuite.Passed("Npgsql");
    }

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task Batches_with_an_error_in_the_middle_can_be_repeated(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops, statements: 5);
        await using (var source = Source(pooler, "Maximum Pool Size=6"))
        {
            await Task.WhenAll(Enumerable.Range(0, Tasks).Select(async number =>
            {
                for (var turn = 0; turn < 8; turn++)
                {
                    await using var connection = await source.OpenConnectionAsync();
                    await using var batch = new NpgsqlBatch(connection);
                    var divisor = (turn + number) % 3;
                    foreach (
                        var text in new[] { "select $1::int + 1", $"select 6 / $1::int /* {number % 3} */", "select $1::int + 3",
                        $"select $1::int + {turn}" })
                        batch.BatchCommands.Add(new NpgsqlBatchCommand(text) { Parameters = { new() { Value = divisor } } });
                    if (number % 2 == 0) await batch.PrepareAsync();
                    if (divisor == 0)
                    {
                        Assert.Equal("22012", (await Assert.ThrowsAsync<PostgresException>(() => ReadAsync(batch))).SqlState);
                        continue;
                    }

                    Assert.Equal([divisor + 1, 6 / divisor, divisor + 3, divisor + turn], await ReadAsync(batch));
                }
            }));
        }

        await DriverSuite.IsCleanAsync(pooler);
        DriverSuite.Passed("Npgsql");
    }

    [PoolerTheory, Loops]
    public async Task The_types_of_a_database_are_loaded_through_the_pooler(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops);
        await using (var source =
            NpgsqlDataSource.Create(pooler.ConnectionString()
            .Replace("Server Compatibility Mode=NoTypeLoading;", "", StringComparison.Ordinal)))
        {
            await using var connection = await source.OpenConnectionAsync();
            Assert.Equal(new[] { 1, 2 }, await connection.ScalarAsync("select array[1, 2]"));
            Assert.Equal(new NpgsqlTypes.NpgsqlRange<int>(1, true, 5, false),
                await connection.ScalarAsync("select int4range(1, 5)"));
        }

        await DriverSuite.IsCleanAsync(pooler);
        DriverSuite.Passed("Npgsql");
    }

    [PoolerTheory, Loops]
    public async Task Binary_copies_go_in_and_out_and_one_that_fails_leaves_the_connection_usable(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops);
        await using (var connection = await pooler.ConnectAsync())
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await connection.ScalarAsync("create temp table npgsql_rows (number int primary key, body text) on commit drop");
            await using (var writer = await connection.BeginBinaryImportAsync("copy npgsql_rows from stdin binary"))
            {
                for (var i = 0; i < 10000; i++) await writer.WriteRowAsync(default, i, $"body {i}");
                await writer.CompleteAsync();
            }

            var seen = 0;
            await using (var reader =
                await connection.BeginBinaryExportAsync("copy (select number from npgsql_rows order by number) to stdout binary"))
            {
                for (; await reader.StartRowAsync() >= 0; seen++) Assert.Equal(seen, await reader.ReadAsync<int>());
            }

            Assert.Equal(10000, seen);
            await transaction.CommitAsync();
            for (var turn = 0; turn < 5; turn++)
            {
                var error = await Assert.ThrowsAsync<PostgresException>(() => FailAsync(connection));
                Assert.Equal("22P02", error.SqlState);
                Assert.Equal(turn, await connection.ScalarAsync("select $1::int", turn));
            }
        }

        await DriverSuite.IsCleanAsync(pooler);
        DriverSuite.Passed("Npgsql");
    }

    [PoolerTheory, Loops]
    public async Task A_token_cancels_the_query_and_a_notification_is_heard_in_session_mode(int loops)
    {
        await using var pooler = await DriverSuite.StartAsync(loops);
        await using (var connection = await pooler.ConnectAsync())
        {
            using var soon = new CancellationTokenSource(300);
            await using var sleep = new NpgsqlCommand("select pg_sleep(40)", connection);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sleep.ExecuteNonQueryAsync(soon.Token));
            Assert.Equal(5, await connection.ScalarAsync("select 5"));
            await using var listener = await pooler.ConnectAsync(database: DriverSuite.SessionDatabase);
            string? heard = null;
            listener.Notification += (_, note) => heard = note.Payload;
            await listener.ScalarAsync("listen npgsql_channel");
            await connection.ScalarAsync("notify npgsql_channel, 'hello'");
            Assert.True(await listener.WaitAsync(20_000));
            Assert.Equal("hello", heard);
        }

        await DriverSuite.IsCleanAsync(pooler);
        DriverSuite.Passed("Npgsql");
    }

    private static NpgsqlDataSource Source(Pooler pooler, string options) =>
        NpgsqlDataSource.Create(pooler.ConnectionString(more: options)
            .Replace("Pooling=false;", "Maximum Pool Size=20;", StringComparison.Ordinal));

    private static async Task<List<int>> ReadAsync(NpgsqlBatch batch)
    {
        var answers = new List<int>();
        await using var reader = await batch.ExecuteReaderAsync();
        do
        {
            while (await reader.ReadAsync()) answers.Add(reader.GetInt32(0));
        }
        while (await reader.NextResultAsync());
        return answers;
    }

    private static async Task FailAsync(NpgsqlConnection connection)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ScalarAsync("create temp table npgsql_rows (number int) on commit drop");
        await using var writer = await connection.BeginTextImportAsync("copy npgsql_rows from stdin");
        for (var i = 0; i < 2000; i++) await writer.WriteAsync("not a number\n");
    }
}
