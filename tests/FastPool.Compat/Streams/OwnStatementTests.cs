namespace FastPool.Compat.Streams;

/// <summary>Statements in transaction pooling as on a connection of the client's own: the unnamed one, and names.</summary>
public class OwnStatementTests
{
    private static Task<Pooler> StartAsync(int loops) => Pooler.StartAsync(loops, file =>
    {
        file["default_pool_size"] = "2";
        file["max_prepared_statements"] = "20";
    });

    private static Task<RawClient> DirectAsync(int port) => RawClient.LoginAsync(port, "user_trust", Postgres.Database);

    /// <summary>lib/pq, pgx in its older modes, diesel: prepared in one round trip, bound in the next.</summary>
    [PoolerTheory(FastPoolOnly = "binds what another client has prepared"), Loops]
    public async Task Twenty_clients_prepare_and_bind_later_on_two_servers(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
        {
            await using var client = await DirectAsync(pooler.Port);
            for (var turn = 0; turn < 50; turn++)
            {
                var expected = $"{number}.{turn}";
                await client.SendAsync([.. Wire.Parse("", $"select '{expected}'"), .. Wire.Describe('S', ""), .. Wire.Sync]);
                Assert.Equal("1tTZ", (await client.ReplyAsync()).Types);
                for (var use = 0; use < 2; use++)
                {
                    await client.SendAsync([.. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync]);
                    var reply = await client.ReplyAsync();
                    Assert.Equal("2DCZ", reply.Types);
                    Assert.Equal(expected, reply.Rows[0][0]);
                }
            }
        }));
        var own = (await pooler.ConsoleAsync("show fastpool")).Rows;
        Assert.NotEqual("0", own.First(static row => row[0] == "unnamed_healed")[1]);
    }

    /// <summary>Bytes in one go, as many replies as there are Syncs and queries; nothing of what differs by nature.</summary>
    private static readonly Dictionary<string, (byte[] Bytes, int Replies)[]> Talks = new()
    {
        ["a name in use"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            ([.. Wire.Parse("k", "select 2"), .. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
        ],
        ["a name in use, and a text that is none"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            ([.. Wire.Parse("k", "selec 2"), .. Wire.Sync], 1),
            ([.. Wire.Query("select 3")], 1),
        ],
        ["a name that does not exist"] =
        [
            ([.. Wire.Bind("", "nobody's"), .. Wire.Execute(), .. Wire.Sync, .. Wire.Describe('S', "nobody's"),
                .. Wire.Sync], 2),
            ([.. Wire.Query("select 3")], 1),
        ],
        ["another number of parameters"] =
        [
            ([.. Wire.Parse("k", "select $1::text"), .. Wire.Bind("", "k"), .. Wire.Sync], 1),
            ([.. Wire.Parse("l", "select 2"), .. Wire.Sync, .. Wire.Bind("", "l", "x"), .. Wire.Sync], 2),
        ],
        ["an error before Close and Parse"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            ([.. Wire.Execute("no portal"), .. Wire.Close('S', "k"), .. Wire.Parse("k", "select 2"), .. Wire.Sync], 1),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
        ],
        ["an error before Close and Parse, and a Bind that waits for no reply"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            ([.. Wire.Execute("no portal"), .. Wire.Close('S', "k"), .. Wire.Parse("k", "select 2"), .. Wire.Sync,
                .. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync, .. Wire.Query("select 3")], 3),
        ],
        ["an error behind Close and Parse"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            ([.. Wire.Close('S', "k"), .. Wire.Parse("k", "select 2"), .. Wire.Execute("no portal"), .. Wire.Sync], 1),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
        ],
        ["a simple query drops the unnamed statement"] =
        [
            ([.. Wire.Parse("", "select 1"), .. Wire.Sync], 1),
            ([.. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync], 1),
            ([.. Wire.Query("select 3")], 1),
            ([.. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync], 1),
        ],
        ["a Parse that fails drops the unnamed statement, one that is skipped does not"] =
        [
            ([.. Wire.Parse("", "select 1"), .. Wire.Sync], 1),
            ([.. Wire.Execute("no portal"), .. Wire.Parse("", "select 2"), .. Wire.Sync], 1),
            ([.. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync], 1),
            ([.. Wire.Parse("", "selec"), .. Wire.Sync, .. Wire.Bind("", ""), .. Wire.Sync], 2),
        ],
        ["DEALLOCATE, and once more"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            (Wire.Query("DEALLOCATE k"), 1),
            (Wire.Query("DEALLOCATE k"), 1),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
            ([.. Wire.Parse("k", "select 2"), .. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
        ],
        ["DEALLOCATE of names between quotes and in capitals"] =
        [
            ([.. Wire.Parse("Foo \"s", "select 1"), .. Wire.Parse("foo", "select 2"),
                .. Wire.Parse("FOO", "select 3"), .. Wire.Sync], 1),
            (Wire.Query("DEALLOCATE PREPARE FOO"), 1),
            (Wire.Query("DEALLOCATE FOO"), 1),
            (Wire.Query("/* a */ deallocate \"Foo \"\"s\" -- b"), 1),
            ([.. Wire.Bind("", "FOO"), .. Wire.Execute(), .. Wire.Sync, .. Wire.Bind("", "foo"), .. Wire.Sync], 2),
        ],
        ["DEALLOCATE in a transaction that has failed"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            (Wire.Query("begin; select 1/0"), 1),
            (Wire.Query("DEALLOCATE k"), 1),
            (Wire.Query("rollback"), 1),
            (Wire.Query("prepare j as select 2"), 1),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
            (Wire.Query("DEALLOCATE k"), 1),
        ],
        ["DEALLOCATE in a transaction that is rolled back"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            (Wire.Query("begin"), 1),
            (Wire.Query("prepare sql as select 4"), 1),
            (Wire.Query("deallocate sql"), 1),
            (Wire.Query("deallocate k"), 1),
            (Wire.Query("rollback"), 1),
            (Wire.Query("deallocate k"), 1),
        ],
        ["DEALLOCATE among other commands of one query, with an error whose place is told"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Parse("j", "select 2"), .. Wire.Sync], 1),
            (Wire.Query("select ';deallocate j'; deallocate k; select 5; deallocate j; select nothing.x"), 1),
            ([.. Wire.Bind("", "j"), .. Wire.Sync, .. Wire.Bind("", "k"), .. Wire.Sync], 2),
        ],
        ["DEALLOCATE of two, the first of which does not exist"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            (Wire.Query("deallocate nobody; deallocate k"), 1),
            (Wire.Query("deallocate k"), 1),
            (Wire.Query("deallocate k"), 1),
        ],
        ["DEALLOCATE with its mistakes"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            (Wire.Query("deallocate k garbage"), 1),
            (Wire.Query("deallocate 'k'"), 1),
            (Wire.Query("deallocate"), 1),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
        ],
        ["DEALLOCATE by the extended protocol"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Parse("j", "select 2"), .. Wire.Parse("d", "deallocate j"),
                .. Wire.Sync], 1),
            ([.. Wire.Parse("", "DEALLOCATE k"), .. Wire.Bind("", ""), .. Wire.Describe('P', ""), .. Wire.Execute(),
                .. Wire.Sync], 1),
            ([.. Wire.Bind("p", "d"), .. Wire.Bind("", "j"), .. Wire.Execute("p"), .. Wire.Execute(), .. Wire.Sync], 1),
            ([.. Wire.Bind("", "k"), .. Wire.Sync, .. Wire.Bind("", "j"), .. Wire.Sync, .. Wire.Bind("", "d"),
                .. Wire.Execute(), .. Wire.Sync], 3),
        ],
        ["DEALLOCATE by the extended protocol that fails"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Parse("", "DEALLOCATE k"), .. Wire.Sync], 1),
            (Wire.Query("begin; select 1/0"), 1),
            ([.. Wire.Parse("", "DEALLOCATE k"), .. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync], 1),
            (Wire.Query("rollback"), 1),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
        ],
        ["DEALLOCATE in a pipeline"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync, .. Wire.Query("deallocate k"), .. Wire.Query("deallocate k"),
                .. Wire.Parse("k", "select 2"), .. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync,
                .. Wire.Query("select 3")], 5),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
        ],
        ["DEALLOCATE ALL and DISCARD ALL"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Parse("j", "select 2"), .. Wire.Sync], 1),
            (Wire.Query("select 1; deallocate all"), 1),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
            ([.. Wire.Parse("k", "select 3"), .. Wire.Sync, .. Wire.Query("discard all"), .. Wire.Bind("", "k"),
                .. Wire.Sync], 3),
            ([.. Wire.Parse("k", "select 4"), .. Wire.Parse("", "discard all"), .. Wire.Bind("", ""),
                .. Wire.Execute(), .. Wire.Sync], 1),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
            ([.. Wire.Parse("k", "select 5"), .. Wire.Sync], 1),
            (Wire.Query("begin"), 1),
            (Wire.Query("discard all"), 1),
            (Wire.Query("rollback"), 1),
            ([.. Wire.Bind("", "k"), .. Wire.Execute(), .. Wire.Sync], 1),
        ],
        ["a Parse in a transaction that has failed"] =
        [
            ([.. Wire.Parse("k", "select 1"), .. Wire.Sync], 1),
            ([.. Wire.Query("begin; select 1/0")], 1),
            ([.. Wire.Parse("j", "select 1"), .. Wire.Sync], 1),
            ([.. Wire.Query("rollback")], 1),
            ([.. Wire.Parse("j", "select 1"), .. Wire.Bind("", "j"), .. Wire.Execute(), .. Wire.Sync], 1),
        ],
    };

    public static TheoryData<string> TalkNames => [.. Talks.Keys];

    [PoolerTheory(FastPoolOnly = "ends the connection, or takes the new one for granted"), MemberData(nameof(TalkNames))]
    public async Task A_client_sees_what_a_connection_of_its_own_shows(string name)
    {
        await using var pooler = await StartAsync(loops: 1);
        await using var direct = await DirectAsync((await Postgres.SharedAsync()).Port);
        await using var pooled = await pooler.RawAsync();
        await using var other = await pooler.RawAsync();
        foreach (var (bytes, replies) in Talks[name])
        {
            await direct.SendAsync(bytes);
            await pooled.SendAsync(bytes);
            var status = ' ';
            for (var i = 0; i < replies; i++)
            {
                var (expected, actual) = (await direct.ReplyAsync(), await pooled.ReplyAsync());
                Assert.Equal(Shown(expected), Shown(actual));
                status = actual.Status;
            }
            if (status == 'I') await DisturbAsync(other);
        }
    }

    /// <summary>Another client on the same servers: an unnamed statement of its own, and the same names.</summary>
    private static async Task DisturbAsync(RawClient other)
    {
        await other.SendAsync([.. Wire.Close('S', "k"), .. Wire.Parse("k", "select 'other'"),
            .. Wire.Parse("", "select 'not yours'"), .. Wire.Sync]);
        await other.ReplyAsync();
    }

    private static string Shown(Reply reply) => string.Join(' ', reply.Messages.Select(MessageText.Show));
}
