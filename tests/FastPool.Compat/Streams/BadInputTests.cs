namespace FastPool.Compat.Streams;

/// <summary>
/// Wrong, odd and excessive messages of a client that is logged in. The reply is what PostgreSQL gives to the same bytes, byte
/// for byte, or PgBouncer's words where that answers itself. Nothing hangs, no server is lost, and the next client finds
/// everything in order.
/// </summary>
public class BadInputTests
{
    private const int Many = 10_000;

    /// <summary>Bytes, and how many ReadyForQuery they bring from a PostgreSQL.</summary>
    private static readonly Dictionary<string, (byte[] Bytes, int Ready)> LikePostgres = new()
    {
        ["Execute without Bind"] = ([.. Wire.Execute(), .. Wire.Sync], 1),
        ["Execute of an unknown portal, and more behind it"] =
            ([.. Wire.Execute("nobody's"), .. Wire.Parse("", "select 1"), .. Wire.Bind("", ""), .. Wire.Sync,
            .. Wire.Query("select 2")], 2),
        ["Describe of an unknown portal"] = ([.. Wire.Describe('P', "nobody's"), .. Wire.Sync], 1),
        ["Describe of neither a statement nor a portal"] = ([.. Wire.Describe('X', "what"), .. Wire.Sync], 1),
        ["Close of an unknown statement and of an unknown portal"] =
            ([.. Wire.Close('S', "nobody's"), .. Wire.Close('P', "nobody's"), .. Wire.Sync], 1),
        ["Ten thousand Syncs"] = ([.. Enumerable.Range(0, Many).SelectMany(_ => Wire.Sync)], Many),
        ["Syncs and Closes of named statements by turns"] =
            ([.. Enumerable.Range(0, 1000).SelectMany(_ => (byte[])[.. Wire.Sync, .. Wire.Close('S', "nobody's")]), .. Wire.Sync],
            1001),
        ["Ten thousand messages without a Sync"] = ([.. Enumerable.Range(0, Many / 4).SelectMany(Unnamed), .. Wire.Sync], 1),
        ["Ten thousand messages about a named statement without a Sync"] =
            ([.. Wire.Parse("n", "select $1::int"), .. Enumerable.Range(0, Many / 3).SelectMany(Named), .. Wire.Sync], 1),
        ["Ten thousand messages behind an error"] =
            ([.. Wire.Parse("", "selec"), .. Enumerable.Range(0, Many / 4).SelectMany(Unnamed), .. Wire.Sync,
            .. Wire.Query("select 'after'")], 2),
        ["CopyData, CopyDone and CopyFail out of the blue"] =
            ([.. Wire.CopyData("what"), .. Wire.CopyDone, .. Wire.CopyFail("why"), .. Wire.Query("select 1")], 1),
        ["CopyData in the middle of a pipeline"] =
            ([.. Wire.Parse("", "select 1"), .. Wire.CopyData("what"), .. Wire.Bind("", ""), .. Wire.CopyDone, .. Wire.Execute(),
            .. Wire.Sync], 1),
        ["The end of a COPY that never began"] =
            ([.. Wire.Query("copy no_such_table from stdin"), .. Wire.CopyData("1\n"), .. Wire.CopyDone,
            .. Wire.Query("select 1")], 2),
        ["The end of a COPY that failed early"] =
            ([.. Wire.Query("create temp table bad_input (number int); copy bad_input from stdin"),
            .. Wire.CopyData("no number\n"), .. Wire.CopyData("1\n"), .. Wire.CopyDone,
            .. Wire.Query("drop table if exists bad_input")], 2),
        ["A COPY by the extended protocol that fails early"] = (
            [.. Wire.Query("begin; create temp table bad_input (number int) on commit drop"),
                .. Wire.Parse("c", "copy bad_input from stdin"), .. Wire.Bind("", "c"), .. Wire.Execute(), .. Wire.Sync,
                .. Wire.CopyData("no number\n"), .. Wire.CopyDone, .. Wire.Sync, .. Wire.Query("rollback")], 3),
        ["FunctionCall"] = ([.. Wire.CallSum(40, 2), .. Wire.CallSum(int.MaxValue, 1), .. Wire.CallSum(1, 1)], 3),
        ["A query without its terminator"] = ([.. Wire.Typed('Q', "select 1"u8.ToArray()), .. Wire.Query("select 2")], 2),
        ["A Bind that is cut short, of the unnamed statement"] =
            ([.. Wire.Parse("", "select $1::int"), .. Wire.Typed('B', [0, 0, 0, 0, 0]), .. Wire.Sync], 1),
    };

    private static byte[] Unnamed(int number) =>
        [.. Wire.Parse("", $"select {number % 10}"), .. Wire.Bind("", ""), .. Wire.Describe('P', ""), .. Wire.Execute()];

    private static byte[] Named(int number) => [.. Wire.Bind("", "n", $"{number}"), .. Wire.Describe('P', ""), .. Wire.Execute()];

    public static TheoryData<string> LikePostgresNames => [.. LikePostgres.Keys];

    [PoolerTheory(Since = "1.21"), MemberData(nameof(LikePostgresNames))]
    public async Task The_reply_is_PostgreSQLs(string name)
    {
        var (bytes, ready) = LikePostgres[name];
        await using var pooler = await StartAsync();
        await using (var direct =
            await RawClient.LoginAsync((await Postgres.SharedAsync()).Port, "user_trust", Postgres.Database))
        await using (var pooled = await pooler.RawAsync())
        {
            var expected = await PlayAsync(direct, bytes, ready);
            for (var turn = 0; turn < 2; turn++)
            {
                Assert.Equal(expected, await PlayAsync(pooled, bytes, ready));
                await pooled.SendAsync([.. Wire.Close('S', "s"), .. Wire.Close('S', "n"), .. Wire.Close('S', "c"), .. Wire.Sync]);
                Assert.Equal("333Z", (await pooled.ReplyAsync()).Types);
                await pooler.PoolIsAsync("sv_active", 0); // Though the client is still there.
            }
        }

        await IsSoundAsync(pooler);
    }

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task A_named_statement_that_is_wrong_can_be_prepared_again_and_right(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using (var direct =
            await RawClient.LoginAsync((await Postgres.SharedAsync()).Port, "user_trust", Postgres.Database))
        await using (var pooled = await pooler.RawAsync())
        {
            foreach (var text in new[] { "selec 1", "selec 1", "select no_such_column", "selec 1", "select 1" })
            {
                byte[] bytes =
                    [.. Wire.Parse("s", text), .. Wire.Bind("", "s"), .. Wire.Execute(), .. Wire.Parse("skipped", "select 2"),
                    .. Wire.Sync];
                Assert.Equal(await PlayAsync(direct, bytes, 1), await PlayAsync(pooled, bytes, 1));
            }
        }

        await IsSoundAsync(pooler);
    }

    [PoolerTheory, Loops]
    public async Task A_query_in_the_middle_of_a_COPY_costs_the_server_and_its_client_alone(int loops)
    {
        byte[] bytes =
            [.. Wire.Query("begin; create temp table bad_input (number int) on commit drop; copy bad_input from stdin"),
            .. Wire.CopyData("1\n"), .. Wire.Query("select 1")];
        await using var pooler = await StartAsync(loops);
        await using (var direct =
            await RawClient.LoginAsync((await Postgres.SharedAsync()).Port, "user_trust", Postgres.Database))
        await using (var pooled = await pooler.RawAsync())
        {
            var expected = await PlayAsync(direct, bytes, 1);
            // PostgreSQL does not know where the next message begins; it says so, and the pooler adds nothing.
            Assert.Equal("closed", expected[^1]);
            Assert.Equal(expected, await PlayAsync(pooled, bytes, 1));
        }

        await IsSoundAsync(pooler);
    }

    /// <summary>Bytes, and the words with which the pooler ends the connection.</summary>
    private static readonly Dictionary<string, (byte[] Bytes, string Text)> Refused = new()
    {
        ["Parse without room for its types"] =
            ([.. Wire.Typed('P', [.. Wire.Strings("s"), .. Wire.Strings("select 1"), 0, 3, 0, 0]), .. Wire.Sync],
            "broken Parse packet"),
        ["Parse without an end of its name"] =
            ([.. Wire.Typed('P', "name"u8.ToArray()), .. Wire.Sync], "failed to parse packet"),
        ["Bind without an end of its names"] =
            ([.. Wire.Typed('B', "name"u8.ToArray()), .. Wire.Sync], "failed to parse packet"),
        ["A length that is none"] = ([(byte)'Q', 0, 0, 0, 3, 1, 2, 3], "bad packet header: '5100000003010203'"),
        ["Another startup packet"] = (Wire.Startup(("user", "user_trust")), "unknown pkt"),
        ["SSLRequest after the login"] = (Wire.Untyped(Wire.SslRequest), "unknown pkt"),
    };

    public static TheoryData<string> RefusedNames => [.. Refused.Keys];

    [PoolerTheory(Since = "1.21"), MemberData(nameof(RefusedNames))]
    public async Task The_reply_is_PgBouncers(string name)
    {
        var (bytes, text) = Refused[name];
        await using var pooler = await StartAsync();
        await using (var client = await pooler.RawAsync())
        {
            await client.SendAsync(bytes);
            var replies = new List<Message>();
            while (await client.ReadAsync() is { } message) replies.Add(message);
            Assert.Equal("E FATAL/08P01 " + text, MessageText.Show(replies[^1]));
            Assert.DoesNotContain(replies, message => message.Type == 'Z');
        }

        await IsSoundAsync(pooler);
    }

    [PoolerTheory, Loops]
    public async Task Every_type_that_is_no_clients_message_ends_the_connection(int loops)
    {
        await using var pooler = await StartAsync(loops);
        foreach (var type in Enumerable.Range(1, 255)
            .Where(type => !"QPBDECHSFdcfX".Contains((char)type, StringComparison.Ordinal)))
        {
            await using var client = await pooler.RawAsync();
            await client.SendAsync(Wire.Typed((char)type, [1, 2, 3, 4]));
            Assert.Equal("FATAL/08P01 unknown pkt", (await client.ReplyAsync()).ErrorText);
        }

        await IsSoundAsync(pooler);
    }

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task A_pipeline_cut_at_any_byte_brings_the_same_replies(int loops)
    {
        byte[] bytes =
            [.. Wire.Parse("cut", "select $1::text"), .. Wire.Describe('S', "cut"), .. Wire.Bind("p", "cut", "argument"),
            .. Wire.Execute("p"), .. Wire.Close('S', "cut"), .. Wire.Sync, .. Wire.Query("discard all")];
        await using var pooler = await StartAsync(loops);
        await using (var client = await pooler.RawAsync())
        await using (var witness = await pooler.RawAsync())
        {
            var expected = await PlayAsync(client, bytes, 2);
            for (var at = 1; at < bytes.Length; at++)
            {
                await client.SendAsync(bytes[..at]);
                // Has come behind the first part, and been answered.
                Assert.Equal('I', (await witness.QueryAsync("select 1")).Status);
                Assert.Equal(expected, await PlayAsync(client, bytes[at..], 2));
            }
        }

        await IsSoundAsync(pooler);
    }

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task Statements_closed_and_prepared_anew_in_one_breath_do_not_meet(int loops)
    {
        await using var pooler = await StartAsync(loops, statements: 3);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
        {
            await using var client = await pooler.RawAsync();
            for (var round = 0; round < 20; round++)
            {
                await client.SendAsync([.. Enumerable.Range(0, 30).SelectMany(i => (byte[])
                [
                    .. Wire.Parse("s", $"select '{(number + i) % 7}/' || $1"), .. Wire.Bind("", "s", $"{i}"), .. Wire.Execute(),
                        .. Wire.Close('S', "s"), .. i % 3 == 0 ? Wire.Sync : [],
                    .. Wire.Parse("s", $"select '{(number + i) % 5}:' || $1"), .. Wire.Bind("", "s", $"{i}"), .. Wire.Execute(),
                        .. Wire.Sync, .. Wire.Close('S', "s"),
                ])]);
                await client.SendAsync(Wire.Sync);
                var rows = new List<string?>();
                for (var ready = 0; ready < 41; ready++)
                {
                    var reply = await client.ReplyAsync();
                    Assert.Equal("", reply.ErrorText);
                    rows.AddRange(reply.Rows.Select(row => row[0]));
                }

                Assert.Equal(Enumerable.Range(0, 30)
                    .SelectMany(i => new[] { $"{(number + i) % 7}/{i}", $"{(number + i) % 5}:{i}" }), rows);
            }
        }));
        await IsSoundAsync(pooler);
    }

    [PoolerTheory, Loops]
    public async Task A_cancel_with_one_wrong_bit_cancels_nothing(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using (var client = await pooler.RawAsync())
        {
            await client.SendAsync(Wire.Query("select pg_sleep(1), 'slept'"));
            for (var bit = 0; bit < 64; bit++)
            {
                var key = (byte[])client.CancelKey.Clone();
                key[bit / 8] ^= (byte)(1 << (bit % 8));
                await using var cancel = await RawClient.ConnectAsync(pooler.Port);
                await cancel.SendAsync(Wire.Untyped(Wire.CancelRequest, key));
                Assert.Null(await cancel.BytesAsync(1));
            }

            Assert.Equal("slept", (await client.ReplyAsync()).Rows[0][1]);
        }

        await IsSoundAsync(pooler);
    }

    private static Task<Pooler> StartAsync(int loops = 1, int statements = 200) => Pooler.StartAsync(loops, file =>
    {
        file["default_pool_size"] = "2";
        if (Binary.Version >= new Version(1, 21)) file["max_prepared_statements"] = $"{statements}";
    });

    private static async Task<List<string>> PlayAsync(RawClient client, byte[] bytes, int ready)
    {
        var sending = client.SendAsync(bytes); // A long pipeline's replies must be read meanwhile.
        var replies = new List<string>();
        for (var seen = 0; seen < ready;)
        {
            if (await client.ReadAsync() is not { } message)
            {
                replies.Add("closed");
                break;
            }

            replies.Add(MessageText.Show(message));
            if (message.Type == 'Z') seen++;
        }

        await sending;
        return replies;
    }

    /// <summary>Every server is free again, none too many, and each serves a query.</summary>
    private static async Task IsSoundAsync(Pooler pooler)
    {
        await pooler.PoolIsAsync("cl_active", 0);
        await pooler.PoolIsAsync("cl_waiting", 0);
        await pooler.PoolIsAsync("sv_active", 0);
        Assert.InRange((await pooler.ConsoleAsync("SHOW SERVERS")).Rows.Count, 0, 2);
        var answers =
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => pooler.ScalarAsync("select 'fine' from pg_sleep(0.05)")));
        Assert.All(answers, answer => Assert.Equal("fine", answer));
    }
}
