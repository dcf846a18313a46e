using System.Text;

namespace FastPool.Compat.Faults;

/// <summary>
/// One client's faults, by intent or by accident, stay with that client: no byte of it elsewhere, no memory without end, no
/// loop held up.
/// </summary>
public class ClientFaultTests
{
    private const long Megabyte = 1024 * 1024;

    /// <summary>Bytes of the socket buffers on the way, and some more.</summary>
    private const long TakenMax = 32 * Megabyte;

    private const long GrowthMaxKilobytes = 96 * 1024;

    [PoolerTheory(FastPoolOnly = "prepared statements are answered by the pooler")]
    [InlineData("0")]
    [InlineData("1")]
    public async Task Bytes_of_a_client_that_resets_reach_no_other_clients_server(string ioUring)
    {
        const string Victims = "select 'mine';                  ";
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.Own["io_uring"] = ioUring;
            f["default_pool_size"] = "1";
            f.Databases["victim"] = "{server} dbname=app";
        });
        await using var victim = await pooler.RawAsync(database: "victim");
        await victim.QueryAsync("create table if not exists stolen (number int); truncate stolen");
        var own = Wire.Query(Victims);
        // Behind the victim's bytes in a buffer used again: a whole query.
        byte[] body = [.. new byte[own.Length - 5], .. Wire.Query("insert into stolen values (1)")];
        for (var i = 0; i < 30; i++)
        {
            using var attacker = new UnreadingClient(pooler.Port);
            attacker.LogIn("user_trust", Postgres.Database);
            attacker.Say(Wire.Query("begin"));
            attacker.ReadUntilReady();
            attacker.Say([.. Wire.Typed('d', body), .. Wire.Close('S', "nobody's")]);
            attacker.Reset();
            Assert.Equal("mine", (await victim.QueryAsync(Victims)).Rows.Single()[0]);
        }
        Assert.Equal("0", (await victim.QueryAsync("select count(*) from stolen")).Rows.Single()[0]);
    }

    public static TheoryData<string> Floods =>
        ["close", "close on the console", "parse", "console", "requests for TLS", "sync", "errors"];

    [PoolerTheory(FastPoolOnly = "grows more in some of them"), MemberData(nameof(Floods))]
    public async Task A_client_that_never_reads_is_stopped_before_its_answers_fill_the_memory(string kind)
    {
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f["client_login_timeout"] = "300";
            f["query_wait_timeout"] = "300";
        });
        var flood = kind switch
        {
            "close" or "close on the console" => Repeat(Wire.Close('S', "x")),
            "parse" => Repeat([.. Wire.Parse("s", "select 1"), .. Wire.Close('S', "s")]),
            "console" => Repeat(Wire.Query("SHOW VERSION")),
            "requests for TLS" => Repeat(Wire.Untyped(Wire.GssEncRequest)),
            "errors" => Repeat([.. Wire.Query("selec"), .. Wire.Sync]),
            _ => Repeat(Wire.Sync),
        };
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        using var client = new UnreadingClient(pooler.Port);
        if (kind != "requests for TLS")
            client.LogIn(kind.Contains("console", StringComparison.Ordinal) ? "admin"
            : "user_trust", kind.Contains("console", StringComparison.Ordinal) ? "pgbouncer" : Postgres.Database);
        var before = UnreadingClient.ResidentKilobytes(pooler.Pid);
        Assert.InRange(await Task.Run(() => client.SayUntilStopped(flood, 8 * TakenMax)), 0, TakenMax);
        Assert.InRange(UnreadingClient.ResidentKilobytes(pooler.Pid) - before, long.MinValue, GrowthMaxKilobytes);
        Assert.Equal(1, await pooler.ScalarAsync("select 1")); // The same loop serves the next one.
    }

    private static byte[] Repeat(byte[] bytes) => [.. Enumerable.Range(0, 10_000).SelectMany(_ => bytes)];

    [PoolerFact(FastPoolOnly = "shares statements otherwise")]
    public async Task Binds_that_grow_to_large_Parses_wait_for_the_server()
    {
        await using var pooler = await Pooler.StartAsync(1, f => f["max_prepared_statements"] = "1");
        using var client = new UnreadingClient(pooler.Port);
        client.LogIn("user_trust", Postgres.Database);
        foreach (var name in (string[])["a", "b"])
        {
            client.Say([.. Wire.Parse(name, $"select '{name}' /*{new string('x', (int)Megabyte)}*/"), .. Wire.Sync]);
            client.ReadUntilReady();
        }
        var before = UnreadingClient.ResidentKilobytes(pooler.Pid);
        client.Say(
            [.. Wire.Query("select pg_sleep(3)"), .. Enumerable.Range(0, 300)
            .SelectMany(_ => (byte[])[.. Wire.Bind("", "a"), .. Wire.Bind("", "b")]), .. Wire.Sync]);
        for (var i = 0; i < 50; i++) // While the server takes nothing.
        {
            Assert.InRange(UnreadingClient.ResidentKilobytes(pooler.Pid) - before, long.MinValue, GrowthMaxKilobytes);
            Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        }
        client.ReadUntilReady();
        client.ReadUntilReady(); // All of it has gone through in the end.
        Assert.InRange(UnreadingClient.ResidentKilobytes(pooler.Pid) - before, long.MinValue, GrowthMaxKilobytes);
    }

    [PoolerTheory(FastPoolOnly = "SHOW LOOPS")]
    [Loops]
    public async Task A_reader_that_stalls_in_a_large_result_costs_its_loop_nothing(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        using var client = new UnreadingClient(pooler.Port);
        client.LogIn("user_trust", Postgres.Database);
        client.Say(Wire.Query("select repeat('x', 1000) from generate_series(1, 100000)"));
        await Until.TrueAsync(
            async () =>
            (await pooler.ConsoleAsync("SHOW SOCKETS")).Rows.Any(static row => row[0] == "C" && row.Contains("user_trust")),
            "it is there");
        await WakeUpsAsync(pooler); // By now it has stalled: a megabyte comes within milliseconds.
        var before = await WakeUpsAsync(pooler);
        Assert.NotNull(await pooler.ScalarAsync("select 1 from pg_sleep(1)"));
        Assert.InRange(await WakeUpsAsync(pooler) - before, 0, 300);
    }

    private static async Task<long> WakeUpsAsync(Pooler pooler)
    {
        var loops = await pooler.ConsoleAsync("SHOW LOOPS");
        return loops.Rows.Sum(row => long.Parse(row[loops.Columns.IndexOf("wakeups")]!));
    }

    [PoolerTheory(FastPoolOnly = "its own test of large errors is elsewhere")]
    [Loops]
    public async Task A_huge_error_of_a_query_streams_through(int loops)
    {
        const int Length = 100_000_000;
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await client.SendAsync([.. Wire.Parse("s", "select 1"), .. Wire.Sync]); // Statements are tracked: errors are looked at.
        await client.ReplyAsync();
        var before = UnreadingClient.ResidentKilobytes(pooler.Pid);
        await client.SendAsync(Wire.Query($"select repeat('x', {Length})::int"));
        var head = await client.BytesAsync(5);
        Assert.Equal('E', (char)head![0]);
        Assert.InRange(UnreadingClient.ResidentKilobytes(pooler.Pid) - before, long.MinValue, GrowthMaxKilobytes);
        var left = Wire.LengthOf(head) - head.Length;
        Assert.InRange(left, Length, Length + 1000);
        for (int taken; left > 0; left -= taken)
        {
            taken = Math.Min(left, 1_000_000);
            Assert.NotNull(await client.BytesAsync(taken));
        }
        Assert.Equal('I', (await client.ReplyAsync()).Status);
        Assert.InRange(UnreadingClient.ResidentKilobytes(pooler.Pid) - before, long.MinValue, GrowthMaxKilobytes);
    }
}
