using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FastPool.Simulation.Hostile;
using FastPool.Simulation.Network;
using Xunit.Abstractions;

namespace FastPool.Compat.Faults;

/// <summary>
/// Wrong messages by the thousand against the published binary, from clients and from servers, for FASTPOOL_FUZZ_SECONDS (20)
/// each. It lives, its memory is flat, no mistake of its own is counted, and an honest client beside them has all its answers.
/// FASTPOOL_FUZZ_SEED=n begins elsewhere.
/// </summary>
public class FuzzTests(ITestOutputHelper output)
{
    private const long GrowthMaxKilobytes = 96 * 1024;
    private const int AtOnce = 8;

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), out var number) ? number : otherwise;

    private static int Seconds => Number("FASTPOOL_FUZZ_SECONDS", 20);

    private static readonly byte[][] Pieces =
    [
        Wire.Query("select 1"),
        Wire.Query("begin"),
        Wire.Query("rollback"),
        Wire.Query("select repeat('x', 5000)"),
        Wire.Query("set application_name = 'fuzz'"),
        Wire.Query("deallocate all"),
        [.. Wire.Parse("", "select $1::text"), .. Wire.Bind("", "", "x"), .. Wire.Describe('P', ""), .. Wire.Execute(),
            .. Wire.Sync],
        [.. Wire.Parse("s", "select $1::text"), .. Wire.Sync],
        [.. Wire.Bind("", "s", "y"), .. Wire.Execute(), .. Wire.Sync],
        [.. Wire.Close('S', "s"), .. Wire.Sync],
        [.. Wire.Describe('S', "s"), .. Wire.Flush],
        [.. Wire.Query("create temp table if not exists fuzz (t text); copy fuzz from stdin"), .. Wire.CopyData("a\n"),
            .. Wire.CopyDone],
        [.. Wire.Parse("", "copy fuzz from stdin"), .. Wire.Bind("", ""), .. Wire.Execute(), .. Wire.Sync,
            .. Wire.CopyData("a\n"), .. Wire.CopyFail("no"), .. Wire.Sync],
        Wire.CallSum(1, 2),
        Wire.Sync,
    ];

    [PoolerTheory(FastPoolOnly = "PgBouncer is not our patient")]
    [InlineData(1, "1")]
    [InlineData(2, "0")]
    public async Task Wrong_messages_of_clients_hurt_nobody_else(int loops, string ioUring)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.Own["io_uring"] = ioUring;
            f["query_timeout"] = "5";
            f["idle_transaction_timeout"] = "5";
            f["verbose"] = "0";
            f.Databases["honest"] = "{server} dbname=app";
        });
        await RunAsync(pooler, "honest", async (dice, until) =>
        {
            while (!until.IsCancellationRequested) await AttackAsync(pooler.Port, Postgres.Database, "user_md5", dice, until);
        });
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer is not our patient")]
    [InlineData(1, "1")]
    [InlineData(2, "0")]
    public async Task Wrong_messages_of_servers_hurt_nobody_else(int loops, string ioUring)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.Own["io_uring"] = ioUring;
            f["server_login_retry"] = "0";
            f["server_tls_sslmode"] = "disable";
            f["query_timeout"] = "5";
            f["query_wait_timeout"] = "2";
            f.Databases["honest"] = "{server} dbname=app";
            f.Databases["evil"] = $"host=127.0.0.1 port={((IPEndPoint)listener.LocalEndpoint).Port} user=evil password=secret";
        });
        using var isOver = new CancellationTokenSource();
        var servers = Task.Run(() => ServeAsync(listener, isOver.Token));
        await RunAsync(pooler, "honest", async (dice, until) =>
        {
            while (!until.IsCancellationRequested) await AttackAsync(pooler.Port, "evil", "user_trust", dice, until);
        });
        await isOver.CancelAsync();
        listener.Stop();
        await servers;
    }

    /// <summary>Attackers on all sides, and one who only wants answers.</summary>
    private async Task RunAsync(Pooler pooler, string honest, Func<Dice, CancellationToken, Task> attack)
    {
        var seed = Number("FASTPOOL_FUZZ_SEED", Environment.TickCount);
        output.WriteLine($"FASTPOOL_FUZZ_SEED={seed}");
        var before = Mutator.MutatedCount;
        using var until = new CancellationTokenSource(TimeSpan.FromSeconds(Seconds));
        var attackers = Enumerable.Range(0, AtOnce).Select(i => Task.Run(() => attack(new Dice((ulong)(seed + i)), until.Token)))
            .ToArray();
        await using var client = await pooler.RawAsync(database: honest);
        var (beats, longest, warmed) = (0, TimeSpan.Zero, 0L);
        while (!until.IsCancellationRequested)
        {
            var watch = Stopwatch.StartNew();
            var reply = await client.QueryAsync($"select {++beats}");
            if (reply.Status != 'I')
            {
                var log = string.Join('\n', pooler.Process.Lines.TakeLast(30)); // All of it is millions of lines.
                Assert.Fail($"seed {seed}, after {beats} beats: {reply.ErrorText}\n{log}");
            }
            Assert.Equal($"{beats}", reply.Rows.Single()[0]);
            if (watch.Elapsed > longest) longest = watch.Elapsed;
            if (beats == 500) warmed = UnreadingClient.ResidentKilobytes(pooler.Pid);
        }
        await Task.WhenAll(attackers);
        var grown = UnreadingClient.ResidentKilobytes(pooler.Pid) - warmed;
        output.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
            $"{Mutator.MutatedCount - before} wrong messages, {beats} beats, the longest {longest.TotalMilliseconds:0} ms, {grown} kB more"));
        if (beats > 500) Assert.InRange(grown, long.MinValue, GrowthMaxKilobytes);
        var own = await pooler.ConsoleAsync("SHOW FASTPOOL");
        Assert.Equal("0", own.Rows.Single(static row => row[0] == "broken_invariants")[1]);
        Assert.False(pooler.Process.HasExited);
    }

    private static async Task AttackAsync(int port, string database, string user, Dice dice, CancellationToken until)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, until);
            var startup = Wire.Startup(("user", user), ("database", database));
            if (dice.OneIn(10)) startup[dice.Below(startup.Length)] = (byte)dice.Next();
            await socket.SendAsync(startup, until);
            var mutator = new Mutator(dice) { Rate = dice.Between(2, 20) };
            var bytes = new ByteQueue();
            var isReading = !dice.OneIn(4);
            for (var i = dice.Between(1, 30); i > 0; i--)
            {
                bytes.Clear();
                mutator.Mutate(dice.Of(Pieces), bytes);
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(until);
                patience.CancelAfter(1_000);
                await socket.SendAsync(bytes.ToArray(), patience.Token);
                if (isReading) await DrainAsync(socket, dice.OneIn(3) ? 20 : 0);
            }
            if (dice.OneIn(2)) socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // The pooler has had enough of it, or takes no more.
        }
    }

    /// <summary>Reads what is there, after waiting for it for at most so long.</summary>
    private static async Task DrainAsync(Socket socket, int waitMs)
    {
        var buffer = new byte[65_536];
        if (waitMs > 0) socket.Poll(waitMs * 1000, SelectMode.SelectRead);
        while (socket.Available > 0 && await socket.ReceiveAsync(buffer) > 0)
        {
        }
    }

    private static async Task ServeAsync(TcpListener listener, CancellationToken until)
    {
        var serial = 0UL;
        var served = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync(until);
                var dice = new Dice(++serial);
                served.Add(Task.Run(() => AnswerAsync(socket, dice, until), CancellationToken.None));
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
        }
        await Task.WhenAll(served);
    }

    private static async Task AnswerAsync(Socket socket, Dice dice, CancellationToken until)
    {
        using (socket)
        {
            try
            {
                var mutator = new Mutator(dice) { Rate = dice.Between(4, 80) };
                var (buffer, right, wrong) = (new byte[65_536], new ByteQueue(), new ByteQueue());
                if (await socket.ReceiveAsync(buffer, until) == 0) return;
                right.Add(
                    [.. Wire.Typed('R', Wire.Int32(0)), .. Wire.Typed('S', "server_version\015.0\0"u8.ToArray()),
                    .. Wire.Typed('K', new byte[8]), .. Wire.Typed('Z', "I"u8.ToArray())]);
                while (!until.IsCancellationRequested)
                {
                    wrong.Clear();
                    mutator.Mutate(right.Span, wrong);
                    right.Clear();
                    if (wrong.Count > 0) await socket.SendAsync(wrong.ToArray(), until);
                    if (dice.OneIn(200)) return;
                    var count = await socket.ReceiveAsync(buffer, until);
                    if (count == 0) return;
                    foreach (var b in buffer.AsSpan(0, Math.Min(count, 100)))
                    {
                        right.Add(b switch
                        {
                            (byte)'Q' =>
                                [.. Wire.Typed('T', new byte[2]), .. Wire.Typed('D', new byte[2]),
                                .. Wire.Typed('C', "SELECT 1\0"u8.ToArray()),
                                .. Wire.Typed('Z', [(byte)dice.Of("IIITE".ToCharArray())])],
                            (byte)'P' => Wire.Typed('1'),
                            (byte)'B' => Wire.Typed('2'),
                            (byte)'S' => Wire.Typed('Z', "I"u8.ToArray()),
                            (byte)'E' => Wire.Typed('E', "SERROR\0C26000\0Mno\0\0"u8.ToArray()),
                            _ => [],
                        });
                    }
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
            }
        }
    }
}
