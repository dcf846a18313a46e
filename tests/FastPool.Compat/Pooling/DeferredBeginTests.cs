using System.Net;
using System.Text;

namespace FastPool.Compat.Pooling;

/// <summary>defer_begin = 1: BEGIN costs no server before a statement does, and nobody sees a difference.</summary>
public class DeferredBeginTests
{
    private const string OnlyHere = "sends every BEGIN at once";

    private static async Task<Pooler> StartAsync(int loops, Action<PoolerFile>? change = null) =>
        await Pooler.StartAsync(loops, file =>
        {
            file["default_pool_size"] = "1";
            file.Own["defer_begin"] = "1";
            change?.Invoke(file);
        });

    private static readonly string[] Begins =
    [
        "begin", "BEGIN;", "begin work", "begin transaction;;", "start transaction", "START TRANSACTION READ ONLY",
        "begin isolation level serializable", "begin isolation level repeatable read, read only", "begin read write",
        "begin isolation level serializable read only deferrable", "begin not deferrable -- comment", "begin read uncommitted",
        "begin isolation level read uncommitted", "/* named */ begin", "begin; select 1", "begin,", "begin read", "begin; begin",
        "start", "begin read only read write",
    ];

    private static readonly string[] Middles =
    [
        "", "show transaction_isolation", "show transaction_read_only", "show transaction_deferrable", "begin", "select 1/0",
        "select 1/0|select 2", "savepoint a|rollback to a", "set local work_mem = '7MB'|show work_mem", "selec", ";",
        "start transaction read only", "create temporary table t (v int) on commit drop|insert into t values (1)|select count(*) from t",
        "set transaction isolation level serializable|show transaction_isolation", "commit and chain|select 5",
    ];

    private static readonly string[] Ends =
        ["commit", "rollback", "END;", "abort work", "commit transaction", "rollback and chain|rollback", "commit and no chain",
            "commit|commit", "rollback|rollback", "rollback to savepoint nowhere|rollback"];

    /// <summary>Every byte that a client sees is that of a connection of its own.</summary>
    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task Clients_see_the_same_bytes_as_directly(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var server = await Postgres.SharedAsync();
        await using var direct = await RawClient.LoginAsync(server.Port, "user_trust", Postgres.Database);
        await using var client = await pooler.RawAsync();
        await using var other = await pooler.RawAsync();
        foreach (var begin in Begins)
        {
            foreach (var middle in Middles)
            {
                var end = Ends[(begin.Length + middle.Length) % Ends.Length];
                string[] script =
                    [begin, .. middle.Split('|', StringSplitOptions.RemoveEmptyEntries), .. end.Split('|'), "rollback"];
                foreach (var sql in script)
                    Assert.Equal($"{sql}: {await PlayAsync(direct, sql)}", $"{sql}: {await PlayAsync(client, sql)}");
            }
            Assert.Equal("TDCZ", (await other.QueryAsync("select 1")).Types);
        }
        // The same, in pipelines.
        foreach (var begin in Begins)
        {
            var all = string.Join('|', [begin, Middles[begin.Length % Middles.Length], "select 3", "rollback", "rollback"])
                .Split('|', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(await PipelineAsync(direct, all), await PipelineAsync(client, all));
        }
    }

    private static string Shown(Reply reply) =>
        string.Join(' ', reply.Messages.Select(static message => message.Type + Encoding.Latin1.GetString(message.Body)));

    private static async Task<string> PlayAsync(RawClient client, string sql) => Shown(await client.QueryAsync(sql));

    private static async Task<string> PipelineAsync(RawClient client, string[] texts)
    {
        await client.SendAsync([.. texts.SelectMany(Wire.Query)]);
        var shown = new StringBuilder();
        foreach (var text in texts) shown.Append(text).Append(": ").Append(Shown(await client.ReplyAsync())).AppendLine();
        return shown.ToString();
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_transaction_that_has_only_begun_needs_no_server(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var clients = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => pooler.RawAsync()));
        foreach (var client in clients) Assert.Equal('T', (await client.QueryAsync("begin")).Status);
        Assert.Equal(0, await pooler.PoolAsync("sv_active"));
        var listed = await pooler.ConsoleAsync("SHOW CLIENTS");
        Assert.Equal(5, listed.Rows.Count(row => row[listed.Columns.IndexOf("database")] == Postgres.Database
            && row[listed.Columns.IndexOf("state")] == "active"));
        // There is one server, which each has for its own transaction.
        foreach (var client in clients)
        {
            Assert.Equal("", (await client.QueryAsync("select 1")).ErrorText);
            Assert.Equal(1, await pooler.PoolAsync("sv_active"));
            Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        }
        foreach (var client in clients) await client.DisposeAsync();
    }

    /// <summary>The extended protocol: prepared statements, and a segment behind a BEGIN.</summary>
    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task Statements_of_the_extended_protocol_run_in_the_transaction(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var server = await Postgres.SharedAsync();
        await using var direct = await RawClient.LoginAsync(server.Port, "user_trust", Postgres.Database);
        await using var client = await pooler.RawAsync();
        byte[] prepare = [.. Wire.Parse("s", "show transaction_isolation"), .. Wire.Sync];
        byte[] run = [.. Wire.Bind("", "s"), .. Wire.Execute(), .. Wire.Sync];
        byte[] unnamed = [.. Wire.Parse("", "select 7"), .. Wire.Sync];
        byte[] late = [.. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync];
        byte[] close = [.. Wire.Close('S', "s"), .. Wire.Sync];
        byte[][] script =
        [
            prepare, Wire.Query("begin isolation level serializable"), run, Wire.Query("commit"), unnamed, late,
            Wire.Query("begin"), late, Wire.Query("rollback"), Wire.Query("begin"), Wire.Sync, Wire.Query("commit"),
            Wire.Query("begin"), close, Wire.Query("commit"), Wire.Query("begin"), run, Wire.Query("rollback"),
            Wire.Query("begin read only"), [.. Wire.Parse("", "create table nowhere ()"), .. Wire.Bind("", ""), .. Wire.Execute(),
                .. Wire.Sync], Wire.Query("rollback"),
        ];
        foreach (var step in script)
        {
            await direct.SendAsync(step);
            await client.SendAsync(step);
            Assert.Equal($"{Wire.InShort(step)}: {Shown(await direct.ReplyAsync())}",
                $"{Wire.InShort(step)}: {Shown(await client.ReplyAsync())}");
        }
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_request_that_is_canceled_in_the_queue_fails_the_transaction(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var holder = await pooler.RawAsync();
        await holder.QueryAsync("begin; select 1");
        await using var client = await pooler.RawAsync();
        Assert.Equal('T', (await client.QueryAsync("begin")).Status);
        await client.SendAsync(Wire.Query("select 1"));
        await pooler.PoolIsAsync("cl_waiting", 1);
        await using (var requester = await RawClient.ConnectAsync(pooler.Port))
        {
            await requester.SendAsync(Wire.Untyped(Wire.CancelRequest, client.CancelKey));
            Assert.Null(await requester.BytesAsync(1));
        }
        var reply = await client.ReplyAsync();
        Assert.Equal(("ERROR/57014 canceling statement due to user request", 'E'), (reply.ErrorText, reply.Status));
        await holder.QueryAsync("rollback");
        reply = await client.QueryAsync("select 1");
        Assert.Equal(
            ("ERROR/25P02 current transaction is aborted, commands ignored until end of transaction block", 'E'),
            (reply.ErrorText, reply.Status));
        Assert.Equal(["ROLLBACK"], (await client.QueryAsync("commit")).Tags);
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_takeover_takes_it_along(int loops)
    {
        await using var pooler = await StartAsync(loops);
        await using var client = await pooler.RawAsync();
        Assert.Equal('T', (await client.QueryAsync("begin isolation level serializable")).Status);
        await pooler.TakeOverAsync();
        Assert.Equal("serializable", (await client.QueryAsync("show transaction_isolation")).Rows[0][0]);
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        Assert.Equal('T', (await client.QueryAsync("begin")).Status);
        await pooler.TakeOverAsync();
        Assert.Equal(["COMMIT"], (await client.QueryAsync("commit")).Tags);
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task Time_outs_count_from_the_BEGIN(int loops)
    {
        await using var pooler = await StartAsync(loops, static file => file["idle_transaction_timeout"] = "1");
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        Assert.Contains("idle transaction timeout", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
    }

    /// <summary>The client hears it at its first statement, and then its transaction has failed until it ends it.</summary>
    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_standby_refuses_a_BEGIN_as_it_does_directly(int loops)
    {
        await using var cluster = await PostgresCluster.StartAsync(standbys: 1);
        await cluster.CatchUpAsync(0, 1);
        await using var pooler = await StartAsync(loops, file =>
            file.Databases[Postgres.Database] = $"host={cluster.Hosts[1]} port={cluster.Port} dbname={Postgres.Database}");
        await using var direct = await RawClient.LoginAtAsync(
            IPAddress.Parse(cluster.Hosts[1]), cluster.Port, "user_trust", Postgres.Database);
        await using var client = await pooler.RawAsync();
        await using var other = await pooler.RawAsync();
        foreach (var begin in Begins)
        {
            // Direct, a BEGIN that fails leaves no transaction: the pooler has promised one, so the client's has failed.
            var refuses = (await direct.QueryAsync(begin)) is { Error: not null, Status: 'I' };
            await PlayAsync(direct, "rollback");
            foreach (var middle in (string[])["show transaction_isolation|select 2", "select 1/0|select 2", "create table t ()"])
            {
                string[] script = [begin, .. middle.Split('|'), "rollback", "select 3", "rollback"];
                if (!refuses)
                {
                    foreach (var sql in script)
                        Assert.Equal($"{sql}: {await PlayAsync(direct, sql)}", $"{sql}: {await PlayAsync(client, sql)}");
                    continue;
                }
                var refusal = (await direct.QueryAsync(begin)).ErrorText;
                var begun = await client.QueryAsync(begin);
                if (begun.ErrorText.Length > 0) // It was not put off.
                {
                    Assert.Equal((refusal, 'I'), (begun.ErrorText, begun.Status));
                    continue;
                }
                Assert.Equal('T', begun.Status);
                var failed = await client.QueryAsync(script[1]);
                Assert.Equal((refusal, 'E', 0), (failed.ErrorText, failed.Status, failed.Rows.Count));
                var aborted = await client.QueryAsync("select 2");
                Assert.Equal("ERROR/25P02 current transaction is aborted, commands ignored until end of transaction block",
                    aborted.ErrorText);
                Assert.Equal('E', aborted.Status);
                var ended = await client.QueryAsync("rollback");
                Assert.Equal(("CZ", 'I'), (ended.Types, ended.Status));
                Assert.Equal("3", (await client.QueryAsync("select 3")).Rows[0][0]);
            }
            Assert.Equal("TDCZ", (await other.QueryAsync("select 1")).Types);
        }
    }
}
