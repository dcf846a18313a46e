using System.Diagnostics;
using System.Net;
using Xunit.Abstractions;

namespace FastPool.Compat.Effects;

/// <summary>A host that takes what is sent and says nothing more, all at once, in the midst of work.</summary>
public sealed class SwallowedHostTests(ITestOutputHelper output)
{
    private const int QueryTimeout = 4;

    /// <summary>For a machine that is busy with other tests.</summary>
    private const int SlackSeconds = 4;

    [PoolerTheory(FastPoolOnly = "a silent host costs server_connect_timeout there"), Loops]
    public async Task The_other_hosts_go_on_and_nobody_waits_longer_than_promised(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var bad = new FaultProxy(server.Port, IPAddress.Parse("127.0.6.6"), server.Port);
        await using var good = new FaultProxy(server.Port, IPAddress.Parse("127.0.6.7"), server.Port);
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.Databases[Postgres.Database] = $"host=127.0.0.1,127.0.6.6,127.0.6.7 port={server.Port} dbname=app";
            f["default_pool_size"] = "9";
            f["query_timeout"] = $"{QueryTimeout}";
            f["server_connect_timeout"] = "3";
            f.Own["host_check_period"] = "1";
            f.Own["server_answer_timeout"] = "1";
        });
        await using (var holders = new ClientList())
        {
            for (var i = 0; i < 9; i++) await holders.AddAsync(pooler);
            Assert.Equal(["127.0.0.1", "127.0.6.6", "127.0.6.7"], await ServerAddresses.ActiveAsync(pooler));
        }

        var isOver = false;
        var (done, failures, longest, gate) = (0, new List<string>(), TimeSpan.Zero, new Lock());
        var load = Enumerable.Range(0, 9).Select(async _ =>
        {
            var client = await pooler.RawAsync();
            while (!Volatile.Read(ref isOver))
            {
                var watch = Stopwatch.StartNew();
                var reply = await client.QueryAsync("select 1");
                lock (gate)
                {
                    if (watch.Elapsed > longest) longest = watch.Elapsed;
                    if (reply.Error is null) done++;
                    else failures.Add(reply.ErrorText);
                }
                if (reply.Error is null)
                {
                    await Task.Delay(5);
                    continue;
                }
                await client.DisposeAsync();
                client = await pooler.RawAsync();
            }
            await client.DisposeAsync();
        }).ToArray();
        await Until.TrueAsync(() => Volatile.Read(ref done) > 100, "clients work");

        bad.IsSwallowing = true;
        await Until.TrueAsync(async () =>
        {
            var hosts = await pooler.ConsoleAsync("SHOW HOSTS");
            return hosts.Rows.Single(static row => row[0] == "127.0.6.6")[hosts.Columns.IndexOf("state")] == "down";
        }, "the host is known to be down", 15, () => pooler.Process.Text);
        // Newcomers, each with a server of its own: none is sent there and waits.
        await pooler.ConsoleAsync("RECONNECT");
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < 10; i++)
        {
            var watch = Stopwatch.StartNew();
            Assert.Equal(1, await pooler.ScalarAsync("select 1"));
            if (watch.Elapsed > slowest) slowest = watch.Elapsed;
        }
        await ServerAddresses.GoneAsync(pooler, "127.0.6.6");
        var before = Volatile.Read(ref done);
        await Until.TrueAsync(() => Volatile.Read(ref done) > before + 100, "clients go on");
        Volatile.Write(ref isOver, true);
        await Task.WhenAll(load);

        output.WriteLine($"loops {loops}: {done} transactions, {failures.Count} lost on the silent host, longest wait "
            + $"{longest.TotalMilliseconds:F0} ms, slowest newcomer {slowest.TotalMilliseconds:F0} ms");
        Assert.InRange(longest.TotalSeconds, 0, QueryTimeout + SlackSeconds);
        Assert.InRange(slowest.TotalSeconds, 0, SlackSeconds);
        // Three servers were there: the clients that had one hear of the timeout, and the others of nothing.
        Assert.InRange(failures.Count, 0, 3);
        Assert.All(failures, static text => Assert.Contains("query timeout", text, StringComparison.Ordinal));
    }
}
