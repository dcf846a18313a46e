using System.Data;
using Npgsql;
using NpgsqlTypes;

namespace FastPool.Compat.Pooling;

/// <summary>Data that passes through: large and small, both ways, in every shape the protocol has.</summary>
public class DataTests
{
    private const int Megabyte = 1 << 20;

    [PoolerTheory, Loops]
    public async Task Two_hundred_megabytes_come_out_by_copy(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var connection = await pooler.ConnectAsync();
        using var reader = await connection.BeginTextExportAsync(
            "copy (select i || ':' || repeat(chr(97 + i % 26), 1000) from generate_series(1, 200000) i) to stdout");
        var number = 0;
        while (await reader.ReadLineAsync() is { } line)
        {
            number++;
            if (line.Length != $"{number}:".Length + 1000 || line[^1] != (char)(97 + (number % 26))
                || !line.StartsWith($"{number}:", StringComparison.Ordinal))
                Assert.Fail($"Line {number} came as {line[..Math.Min(40, line.Length)]}... with {line.Length} characters.");
        }

        Assert.Equal(200000, number);
    }

    [PoolerTheory, Loops]
    public async Task Two_hundred_megabytes_go_in_by_copy(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var connection = await pooler.ConnectAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ScalarAsync("create temp table taken (number int, body text) on commit drop");
        var body = new string('y', 1000);
        await using (var writer = await connection.BeginTextImportAsync("copy taken from stdin"))
        {
            for (var i = 1; i <= 200000; i++)
                await writer.WriteAsync($"{i}\t{body}\n");
        }

        Assert.Equal("200000 20000100000 200000000", await connection.ScalarAsync(
            "select count(*) || ' ' || sum(number::bigint) || ' ' || sum(length(replace(body, 'x', ''))) from taken"));
        await transaction.RollbackAsync();
        Assert.Equal(1, await connection.ScalarAsync("select 1"));
    }

    [PoolerTheory, Loops]
    public async Task A_copy_that_the_client_gives_up_and_one_that_fails_leave_the_server_usable(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "1");
        await using var client = await pooler.RawAsync();
        Assert.Equal("CCZ", (await client.QueryAsync("begin; create temp table t (number int) on commit drop")).Types);
        await client.SendAsync(Wire.Query("copy t from stdin"));
        Assert.Equal('G', (await client.ReadAsync())!.Type);
        await client.SendAsync(Wire.Typed('d', "1\n2\n"u8.ToArray()));
        await client.SendAsync(Wire.Typed('f', "enough\0"u8.ToArray()));
        Assert.StartsWith("ERROR/57014", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
        await client.QueryAsync("rollback");
        await client.QueryAsync("begin; create temp table t (number int) on commit drop");
        await client.SendAsync(Wire.Query("copy t from stdin"));
        Assert.Equal('G', (await client.ReadAsync())!.Type);
        await client.SendAsync(Wire.Typed('d', "not a number\n"u8.ToArray()));
        await client.SendAsync(Wire.Typed('c'));
        Assert.StartsWith("ERROR/22P02", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
        Assert.Equal('I', (await client.QueryAsync("rollback")).Status);
        Assert.Equal("8", (await client.QueryAsync("select 8")).Rows[0][0]);
    }

    [PoolerTheory, Loops]
    public async Task A_value_of_more_than_a_hundred_megabytes_comes_back_whole(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var connection = await pooler.ConnectAsync();
        await using var command = new NpgsqlCommand("select decode(repeat('00ff10', 37000000), 'hex')", connection);
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess);
        Assert.True(await reader.ReadAsync());
        await using var stream = reader.GetStream(0);
        var (buffer, total, wrong) = (new byte[Megabyte], 0L, 0L);
        for (int count; (count = await stream.ReadAsync(buffer)) > 0; total += count)
        {
            for (var i = 0; i < count; i++)
                wrong += buffer[i] == (((total + i) % 3) switch { 0 => 0x00, 1 => 0xff, _ => 0x10 }) ? 0 : 1;
        }

        Assert.Equal((111_000_000L, 0L), (total, wrong));
    }

    [PoolerTheory, Loops]
    public async Task A_parameter_of_more_than_a_hundred_megabytes_arrives_whole(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var connection = await pooler.ConnectAsync();
        var bytes = new byte[101 * Megabyte];
        new Random(1).NextBytes(bytes);
        await using var command = new NpgsqlCommand("select sha256($1)", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = bytes, NpgsqlDbType = NpgsqlDbType.Bytea });
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(bytes), (byte[])(await command.ExecuteScalarAsync())!);
    }

    [PoolerTheory, Loops]
    public async Task A_slow_reader_of_a_large_result_costs_the_pooler_no_memory(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("select 1");
        var before = ResidentKilobytes(pooler.Pid);
        await client.SendAsync(Wire.Query("select repeat('z', 1000000) from generate_series(1, 100)"));
        for (var i = 0; i < 20; i++)
            Assert.NotNull(await client.BytesAsync(100_000));

        // 100 MB are on their way and 2 MB are read. Other clients are served meanwhile, and the pooler holds none of the rest.
        for (var i = 0; i < 20; i++)
            Assert.Equal(i, await pooler.ScalarAsync($"select {i}"));
        Assert.InRange(ResidentKilobytes(pooler.Pid) - before, -100_000, 20_000);
    }

    [PoolerTheory, Loops]
    public async Task Batches_answer_statement_by_statement(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await Task.WhenAll(Enumerable.Range(0, 10).Select(async client =>
        {
            await using var connection = await pooler.ConnectAsync();
            for (var round = 0; round < 10; round++)
            {
                await using var batch = new NpgsqlBatch(connection);
                for (var i = 0; i < 50; i++)
                {
                    batch.BatchCommands.Add(new NpgsqlBatchCommand("select $1::int, $2::text")
                    {
                        Parameters = { new() { Value = i }, new() { Value = $"{client}/{round}" } },
                    });
                }

                await using var reader = await batch.ExecuteReaderAsync();
                for (var i = 0; i < 50; i++)
                {
                    Assert.True(await reader.ReadAsync());
                    Assert.Equal((i, $"{client}/{round}"), (reader.GetInt32(0), reader.GetString(1)));
                    Assert.Equal(i < 49, await reader.NextResultAsync());
                }
            }
        }));
    }

    [PoolerTheory, Loops]
    public async Task Pipelined_queries_are_answered_in_order(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["default_pool_size"] = "2");
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async c =>
        {
            await using var client = await pooler.RawAsync();
            await client.SendAsync([.. Enumerable.Range(0, 300).SelectMany(i => Wire.Query($"select {(c * 1000) + i}"))]);
            for (var i = 0; i < 300; i++)
                Assert.Equal($"{(c * 1000) + i}", (await client.ReplyAsync()).Rows[0][0]);
        }));
    }

    [PoolerTheory, Loops]
    public async Task A_simple_query_of_several_statements_answers_each(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        var reply = await client.QueryAsync("select 1; select 'two'; begin; select 3; commit");
        Assert.Equal("TDCTDCCTDCCZ", reply.Types);
        Assert.Equal(["1", "two", "3"], reply.Rows.Select(r => r[0]));
        Assert.Equal("IZ", (await client.QueryAsync("")).Types);
    }

    [PoolerTheory, Loops]
    public async Task Errors_and_notices_reach_their_client_with_all_their_fields(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var connection = await pooler.ConnectAsync();
        var notices = new List<PostgresNotice>();
        connection.Notice += (_, e) => notices.Add(e.Notice);
        await connection.ScalarAsync(
            "do $$ begin raise notice 'look %', 1 using detail = 'here'; raise warning 'and here'; end $$");
        Assert.Equal([("NOTICE", "look 1", "here"), ("WARNING", "and here", null)],
            notices.Select(n => (n.Severity, n.MessageText, n.Detail)));
        var error =
            await Assert.ThrowsAsync<PostgresException>(() =>
            connection.ScalarAsync("do $$ begin raise 'bad' using errcode = 'ZX123', hint = 'none'; end $$"));
        Assert.Equal(("ZX123", "bad", "none"), (error.SqlState, error.MessageText, error.Hint));
        Assert.Equal(1, await connection.ScalarAsync("select 1"));
    }

    [PoolerTheory, Loops]
    public async Task Large_objects_work_in_a_transaction(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var connection = await pooler.ConnectAsync();
        var bytes = new byte[3 * Megabyte];
        new Random(2).NextBytes(bytes);
        await using var transaction = await connection.BeginTransactionAsync();
        var id = (uint)(await connection.ScalarAsync("select lo_from_bytea(0, $1)", bytes))!;
        var handle = (int)(await connection.ScalarAsync($"select lo_open({id}, x'60000'::int)"))!;
        Assert.Equal(2 * Megabyte, await connection.ScalarAsync($"select lo_lseek({handle}, {2 * Megabyte}, 0)"));
        Assert.Equal(bytes[(2 * Megabyte)..], (byte[])(await connection.ScalarAsync($"select loread({handle}, {Megabyte})"))!);
        await connection.ScalarAsync($"select lo_unlink({id})");
        await transaction.CommitAsync();
    }

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task Named_prepared_statements_work_over_shared_servers(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["max_prepared_statements"] = "3";
            f["default_pool_size"] = "2";
        });
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async client =>
        {
            await using var connection = await pooler.ConnectAsync();
            var commands = new List<NpgsqlCommand>();
            for (var i = 0; i < 6; i++)
            {
                // Alike for all clients but one number: some are shared, more than a server may hold.
                var command =
                    new NpgsqlCommand($"select $1::int + {i + (client % 2 * 100)}",
                    connection)
                    { Parameters = { new() { Value = 0 } } };
                await command.PrepareAsync();
                commands.Add(command);
            }

            for (var round = 0; round < 30; round++)
            {
                for (var i = 0; i < commands.Count; i++)
                {
                    commands[i].Parameters[0].Value = round;
                    Assert.Equal(round + i + (client % 2 * 100), await commands[i].ExecuteScalarAsync());
                }
            }

            foreach (var command in commands)
                await command.DisposeAsync();
        }));
    }

    private static long ResidentKilobytes(int pid) => long.Parse(
        File.ReadLines($"/proc/{pid}/status").Single(l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
}
