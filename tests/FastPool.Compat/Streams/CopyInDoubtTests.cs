namespace FastPool.Compat.Streams;

/// <summary>
/// COPY by the extended protocol, with its Sync sent before the data, as libpq's PQexecParams does it: PostgreSQL answers that
/// Sync if the COPY has failed before it came, and reads past it otherwise. The same bytes go to PostgreSQL itself and through
/// the pooler.
/// </summary>
public sealed class CopyInDoubtTests : IAsyncLifetime
{
    private readonly string _name = $"copied_{Guid.NewGuid():N}";
    private Postgres _server = null!;

    public async Task InitializeAsync()
    {
        _server = await Postgres.SharedAsync();
        await using var direct = await _server.ConnectAsync(Postgres.Database);
        await direct.ScalarAsync($"""
            create table {_name} (number int);
            create view {_name}_view as select number from {_name};
            create table {_name}_raises (number int);
            create function {_name}_raise() returns trigger language plpgsql as $$ begin raise exception 'not today'; end $$;
            create trigger refuse before insert on {_name}_raises for each statement execute function {_name}_raise();
            grant all on {_name}, {_name}_view, {_name}_raises to public
            """);
    }

    public async Task DisposeAsync()
    {
        await using var direct = await _server.ConnectAsync(Postgres.Database);
        await direct.ScalarAsync($"drop table {_name} cascade; drop table {_name}_raises cascade; drop function {_name}_raise()");
    }

    /// <summary>
    /// Requests in parts: the client waits for a CopyInResponse or an error between them, or sends them at once.
    /// </summary>
    private IEnumerable<(string Name, byte[][] Parts)> Streams()
    {
        byte[] good = Wire.CopyData("1\n2\n"), bad = Wire.CopyData("one\n");
        byte[] end = [.. Wire.CopyDone, .. Wire.Sync], fail = [.. Wire.CopyFail("enough"), .. Wire.Sync];
        foreach (
            var (target, table) in new[] { ("a table", _name), ("a view", _name + "_view"),
            ("a table that raises", _name + "_raises"), ("no table", "nowhere") })
        {
            byte[] copy = [.. Wire.Parse("", $"copy {table} from stdin"), .. Wire.Bind("", ""), .. Wire.Execute()];
            yield return ($"{target}, data", [[.. copy, .. Wire.Sync], [.. good, .. end]]);
            yield return ($"{target}, wrong data", [[.. copy, .. Wire.Sync], [.. bad, .. good, .. end]]);
            yield return ($"{target}, given up", [[.. copy, .. Wire.Sync], [.. good, .. fail]]);
            yield return ($"{target}, no data", [[.. copy, .. Wire.Sync], end]);
            yield return ($"{target}, a query behind",
                [[.. copy, .. Wire.Sync], [.. bad, .. end, .. Wire.Query("select 'behind'")]]);
            yield return ($"{target}, a pipeline behind",
                [[.. copy, .. Wire.Sync],
                [.. good, .. end, .. Wire.Parse("", "select 'behind'"), .. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync]]);
            yield return ($"{target}, with Flush", [[.. copy, .. Wire.Flush], [.. bad, .. end]]);
            yield return ($"{target}, by a query", [Wire.Query($"copy {table} from stdin"), [.. bad, .. good, .. Wire.CopyDone]]);
            yield return ($"{target}, in a transaction",
                [[.. Wire.Query("begin"), .. copy, .. Wire.Sync], [.. bad, .. end, .. Wire.Query("rollback")]]);
            yield return ($"{target}, a named statement behind",
                [[.. copy, .. Wire.Sync],
                [.. bad, .. end, .. Wire.Parse("n", "select 'named'"), .. Wire.Bind("", "n"), .. Wire.Execute(),
                .. Wire.Close('S', "n"), .. Wire.Sync]]);
        }
    }

    [PoolerTheory(FastPoolOnly = "gives answers to the wrong client"), Loops(false), Loops(true)]
    public async Task The_replies_are_PostgreSQLs_and_the_server_is_given_back(int loops, bool waits)
    {
        await using var pooler = await Pooler.StartAsync(loops, file => file["default_pool_size"] = "1");
        await using var other = await pooler.RawAsync();
        foreach (var (name, parts) in Streams())
        {
            await using var direct = await RawClient.LoginAsync(_server.Port, "user_trust", Postgres.Database);
            var expected = await PlayAsync(direct, parts, waits);
            await using var client = await pooler.RawAsync();
            var actual = await PlayAsync(client, parts, waits);
            Assert.Equal([name, .. expected], new[] { name }.Concat(actual));
            // In doubt, since the query before it may be a COPY too: kept, then closed.
            if (!waits && name.Contains("transaction", StringComparison.Ordinal)) await client.DisposeAsync();
            // While the client is still there.
            for (var i = 0; i < 3; i++)
                Assert.Equal($"{name} {i}",
                string.Concat((await other.QueryAsync($"select '{name} {i}'")).Rows.Select(static row => row[0])));
        }
    }

    private static async Task<List<string>> PlayAsync(RawClient client, byte[][] parts, bool waits)
    {
        var lines = new List<string>();
        for (var i = 0; i < parts.Length; i++)
        {
            await client.SendAsync(parts[i]);
            if (!waits || i == parts.Length - 1) continue;
            for (var isThere = false; !isThere;)
            {
                var message = (await client.ReadAsync())!;
                lines.Add(MessageText.Show(message));
                isThere = message.Type is 'G' or 'E';
            }
        }
        await client.SendAsync(Wire.Query("select 'the end'"));
        for (var atEnd = false; !atEnd;)
        {
            var message = await client.ReadAsync()
                ?? throw new InvalidOperationException("closed behind " + string.Join('\n', lines));
            lines.Add(MessageText.Show(message));
            atEnd = lines.Count > 2 && lines[^1][0] == 'Z' && lines[^2] == "C SELECT 1"
                && lines[^3].EndsWith(Convert.ToHexString("the end"u8), StringComparison.Ordinal);
        }
        return lines;
    }

    /// <summary>Everybody's answers carry their names, while others' COPYs fail at every moment.</summary>
    [PoolerTheory(FastPoolOnly = "gives answers to the wrong client"), Loops]
    public async Task Nobody_gets_anothers_answer(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, file => file["default_pool_size"] = "3");
        var isOver = false;
        var copies = Enumerable.Range(0, 6).Select(async number =>
        {
            await using var client = await pooler.RawAsync();
            var table = number % 2 == 0 ? _name + "_view" : _name + "_raises";
            for (var i = 0; i < 150; i++)
            {
                await client.SendAsync(
                    [.. Wire.Parse("", $"copy {table} from stdin"), .. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync]);
                if (number % 3 == 0) while ((await client.ReadAsync())!.Type != 'G') ;
                await client.SendAsync([.. Wire.CopyData("1\n"), .. Wire.CopyDone, .. Wire.Sync]);
                for (var ready = 0; ready < 2;)
                {
                    if ((await client.ReadAsync())!.Type == 'Z') ready++;
                }
            }
        }).ToList();
        var queries = Enumerable.Range(0, 6).Select(async number =>
        {
            await using var client = await pooler.RawAsync();
            for (var i = 0; !Volatile.Read(ref isOver); i++)
                Assert.Equal($"{number}/{i}", (await client.QueryAsync($"select '{number}/{i}'")).Rows.Single()[0]);
        }).ToList();
        await Task.WhenAny(Task.WhenAll(copies), Task.WhenAny(queries));
        Volatile.Write(ref isOver, true);
        await Until.DoneAsync(Task.WhenAll(copies.Concat(queries)).ContinueWith(task => task.Exception, TaskScheduler.Default),
            "all are through").ContinueWith(task => Assert.Null(task.Result), TaskScheduler.Default);
        await pooler.PoolIsAsync("sv_active", 0);
    }

    [PoolerTheory, Loops]
    public async Task A_client_that_goes_on_with_queries_has_given_the_COPY_up(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await client.SendAsync(Wire.Query($"copy {_name} from stdin"));
        while ((await client.ReadAsync())!.Type != 'G') ;
        await client.SendAsync(Wire.CopyData("one\n"));
        Assert.Equal("EZ", (await client.ReplyAsync()).Types);
        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
        await pooler.PoolIsAsync("sv_active", 0);
    }
}
