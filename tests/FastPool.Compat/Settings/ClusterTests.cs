using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace FastPool.Compat.Effects;

/// <summary>
/// target_session_attrs and the states of hosts, before a primary with two streaming standbys that are killed, stopped and
/// promoted.
/// </summary>
public class ClusterTests(ITestOutputHelper output)
{
    /// <summary>Generous: the tests are no measurements. The figures are in the output.</summary>
    private const double BoundSeconds = 5;

    private const string Server = "select host(inet_server_addr()) || ' ' || pg_is_in_recovery()";

    private static Task<Pooler> StartAsync(PostgresCluster cluster, int loops, string target,
        Action<PoolerFile>? change = null) =>
        Pooler.StartAsync(cluster.Port, loops, f =>
        {
            f.Databases[Postgres.Database] = $"host={cluster.HostList} port={cluster.Port} dbname=app target_session_attrs={target}";
            f["default_pool_size"] = "20";
            f["query_wait_timeout"] = "60";
            change?.Invoke(f);
        });

    [PoolerTheory(FastPoolOnly = "target_session_attrs is no word of its"), Loops]
    public async Task Each_kind_of_session_is_opened_where_it_can_be_had(int loops)
    {
        await using var cluster = await PostgresCluster.StartAsync(standbys: 2);
        foreach (var (target, isStandby) in ((string, bool?)[])
            [("primary", false), ("read-write", false), ("standby", true), ("read-only", true), ("prefer-standby", true),
            ("any", null)])
        {
            await using var pooler = await StartAsync(cluster, loops, target);
            var servers = await ServersAsync(pooler, clients: 6);
            Assert.All(servers, server => Assert.True(isStandby is null || server.EndsWith(isStandby.Value ? "true" : "false",
                StringComparison.Ordinal), $"{target}: {server}\n{pooler.Process.Text}"));
            if (isStandby == true) Assert.Equal(2, servers.Distinct().Count());
            if (isStandby is null) Assert.Equal(3, servers.Distinct().Count());
            var hosts = await pooler.ConsoleAsync("SHOW HOSTS");
            var roles = hosts.Rows.ToDictionary(row => row[0]!, row => row[hosts.Columns.IndexOf("role")]!);
            Assert.Contains(roles[cluster.Hosts[0]], (string[])["primary", ""]);
            Assert.Contains(roles[cluster.Hosts[1]], (string[])["standby", ""]);
        }
    }

    [PoolerTheory(FastPoolOnly = "target_session_attrs is no word of its"), Loops]
    public async Task When_the_primary_dies_clients_outside_a_transaction_wait_for_the_promoted_one(int loops)
    {
        await using var cluster = await PostgresCluster.StartAsync(standbys: 2);
        await cluster.ExecuteAsync(0, "create table t (client int, number int)", Postgres.Database);
        await using var pooler = await StartAsync(cluster, loops, "read-write");
        await using var clients = new Writers(pooler);
        await clients.BeginAsync(8);
        await Until.TrueAsync(() => clients.Count > 200, "clients write");
        await cluster.CatchUpAsync(0, 1);
        await cluster.KillAsync(0);
        await Until.TrueAsync(() => clients.FailedCount > 0 || clients.IsWaiting, "clients wait");
        await cluster.PromoteAsync(1);
        var promoted = Stopwatch.StartNew();
        var before = clients.Count;
        await Until.TrueAsync(() => clients.Count > before + 200, "clients write again", 30, () => pooler.Process.Text);
        var first = clients.FirstAfter(promoted);
        output.WriteLine($"loops {loops}: promote to first transaction {first.TotalMilliseconds:F0} ms, longest wait "
            + $"{clients.LongestMs:F0} ms, failed {clients.FailedCount} (all of them in a transaction)");
        await clients.EndAsync();
        Assert.InRange(first.TotalSeconds, 0, BoundSeconds);
        // Only those in whose transaction it died.
        Assert.InRange(clients.FailedCount, 0, 8);
        Assert.All(clients.Failures, static text => Assert.Contains("server conn crashed", text, StringComparison.Ordinal));
        Assert.All(await ServersAsync(pooler, clients: 4), server => Assert.Equal($"{cluster.Hosts[1]} false", server));
        // The old one comes back as a standby, and is not used for writing.
        await cluster.RejoinAsync(0, primary: 1);
        await pooler.ConsoleAsync("RECONNECT");
        Assert.All(await ServersAsync(pooler, clients: 6), server => Assert.Equal($"{cluster.Hosts[1]} false", server));
    }

    [PoolerTheory(FastPoolOnly = "a silent host costs server_connect_timeout there"), Loops]
    public async Task A_host_that_stands_still_delays_no_login(int loops)
    {
        await using var cluster = await PostgresCluster.StartAsync(standbys: 2);
        await using var pooler = await StartAsync(cluster, loops, "any", f => f["server_connect_timeout"] = "60");
        var healthy = await LoginsAsync(pooler);
        cluster.Pause(1);
        try
        {
            await pooler.ConsoleAsync("RECONNECT");
            var oneSilent = await LoginsAsync(pooler);
            output.WriteLine($"loops {loops}: longest of 12 logins {healthy.TotalMilliseconds:F1} ms with all hosts, "
                + $"{oneSilent.TotalMilliseconds:F1} ms with one of three silent");
            Assert.InRange(oneSilent.TotalSeconds, 0, BoundSeconds);
        }
        finally
        {
            cluster.Resume(1);
        }
    }

    [PoolerTheory(FastPoolOnly = "target_session_attrs is no word of its"), Loops]
    public async Task A_promoted_standby_serves_readers_no_more(int loops)
    {
        await using var cluster = await PostgresCluster.StartAsync(standbys: 2);
        await using var pooler = await StartAsync(cluster, loops, "standby", f => f["server_check_delay"] = "0");
        Assert.Equal(2, (await ServersAsync(pooler, clients: 6)).Distinct().Count());
        await cluster.PromoteAsync(1);
        await Until.TrueAsync(async () =>
        {
            var servers = await ServersAsync(pooler, clients: 6);
            return servers.All(server => server == $"{cluster.Hosts[2]} true");
        }, "readers are at the other standby", 15, () => pooler.Process.Text);
    }

    [PoolerTheory(FastPoolOnly = "target_session_attrs is no word of its"), Loops]
    public async Task Where_all_standbys_are_down_the_primary_serves_those_that_prefer_a_standby(int loops)
    {
        await using var cluster = await PostgresCluster.StartAsync(standbys: 1);
        await using var pooler = await StartAsync(cluster, loops, "prefer-standby");
        Assert.All(await ServersAsync(pooler, clients: 3), server => Assert.Equal($"{cluster.Hosts[1]} true", server));
        await cluster.KillAsync(1);
        Assert.All(await ServersAsync(pooler, clients: 3), server => Assert.Equal($"{cluster.Hosts[0]} false", server));
    }

    [PoolerTheory(FastPoolOnly = "it knows no hosts"), Loops]
    public async Task A_promotion_and_a_host_that_stands_still_are_noticed_without_traffic(int loops)
    {
        await using var cluster = await PostgresCluster.StartAsync(standbys: 2);
        await using var pooler = await StartAsync(cluster, loops, "standby", f =>
        {
            f.Own["host_check_period"] = "1";
            f.Own["server_answer_timeout"] = "1";
        });
        Assert.Equal(2, (await ServersAsync(pooler, clients: 6)).Distinct().Count());
        await cluster.PromoteAsync(1);
        await ServerAddresses.GoneAsync(pooler, cluster.Hosts[1]);
        Assert.Equal("primary", await HostAsync(pooler, cluster.Hosts[1], "role"));
        cluster.Pause(2);
        try
        {
            await ServerAddresses.GoneAsync(pooler, cluster.Hosts[2]);
            Assert.Equal("host check failed", await HostAsync(pooler, cluster.Hosts[2], "last_error"));
        }
        finally
        {
            cluster.Resume(2);
        }
        Assert.All(await ServersAsync(pooler, clients: 2), server => Assert.Equal($"{cluster.Hosts[2]} true", server));
    }

    [PoolerTheory(FastPoolOnly = "it knows no hosts"), Loops]
    public async Task A_standby_that_is_far_behind_gets_no_new_servers(int loops)
    {
        await using var cluster = await PostgresCluster.StartAsync(standbys: 2);
        await cluster.ExecuteAsync(0, "create table t (number int)", Postgres.Database);
        await cluster.CatchUpAsync(0, 2);
        await using var pooler = await StartAsync(cluster, loops, "standby", f =>
        {
            f.Own["host_check_period"] = "1";
            f.Own["max_replica_lag"] = "1";
        });
        Assert.Equal(2, (await ServersAsync(pooler, clients: 6)).Distinct().Count());
        await cluster.ExecuteAsync(2, "select pg_wal_replay_pause()");
        await cluster.ExecuteAsync(0, "insert into t values (1)", Postgres.Database);
        await Until.TrueAsync(async () =>
            long.Parse(await HostAsync(pooler, cluster.Hosts[2], "lag_us"), CultureInfo.InvariantCulture) > 1_000_000,
            "it is behind");
        await pooler.ConsoleAsync("RECONNECT");
        Assert.All(await ServersAsync(pooler, clients: 6), server => Assert.Equal($"{cluster.Hosts[1]} true", server));
        Assert.Equal("0", await HostAsync(pooler, cluster.Hosts[1], "lag_us"));
    }

    private static async Task<string> HostAsync(Pooler pooler, string host, string column)
    {
        var hosts = await pooler.ConsoleAsync("SHOW HOSTS");
        return hosts.Rows.Single(row => row[0] == host)[hosts.Columns.IndexOf(column)]!;
    }

    /// <summary>The servers of so many clients at once, each in a transaction.</summary>
    private static async Task<string[]> ServersAsync(Pooler pooler, int clients)
    {
        var all = new List<RawClient>();
        var servers = new List<string>();
        try
        {
            for (var i = 0; i < clients; i++)
            {
                all.Add(await pooler.RawAsync());
                await all[i].QueryAsync("begin");
                var reply = await all[i].QueryAsync(Server);
                Assert.True(reply.Error is null, $"{reply.ErrorText}\n{pooler.Process.Text}");
                servers.Add(reply.Rows[0][0]!);
            }
            return [.. servers];
        }
        finally
        {
            foreach (var client in all)
            {
                await client.QueryAsync("rollback");
                await client.DisposeAsync();
            }
        }
    }

    /// <summary>The longest time that one of twelve clients needed for its server, each at a server of its own.</summary>
    private static async Task<TimeSpan> LoginsAsync(Pooler pooler)
    {
        var longest = TimeSpan.Zero;
        var all = new List<RawClient>();
        for (var i = 0; i < 12; i++)
        {
            var watch = Stopwatch.StartNew();
            all.Add(await pooler.RawAsync());
            var reply = await all[i].QueryAsync("begin");
            Assert.True(reply.Types == "CZ", $"{reply.ErrorText}\n{pooler.Process.Text}");
            if (watch.Elapsed > longest) longest = watch.Elapsed;
        }
        foreach (var client in all) await client.DisposeAsync();
        return longest;
    }

    /// <summary>Clients that write one row a transaction and know what they have written.</summary>
    private sealed class Writers(Pooler pooler) : IAsyncDisposable
    {
        private readonly List<(long Ticks, double TookMs)> _done = [];
        private readonly List<string> _failures = [];
        private readonly List<Task> _tasks = [];
        private volatile bool _isOver;

        public int Count => Locked(() => _done.Count);

        public int FailedCount => Locked(() => _failures.Count);

        public string[] Failures => Locked(() => _failures.ToArray());

        public double LongestMs => Locked(() => _done.Max(static one => one.TookMs));

        /// <summary>Nobody has got through for half a second.</summary>
        public bool IsWaiting => Locked(() => Stopwatch.GetElapsedTime(_done[^1].Ticks).TotalSeconds > 0.5);

        public async Task BeginAsync(int count)
        {
            for (var i = 0; i < count; i++) _tasks.Add(WriteAsync(await pooler.RawAsync(), i));
        }

        public TimeSpan FirstAfter(Stopwatch since)
        {
            var begin = Stopwatch.GetTimestamp() - since.ElapsedTicks;
            return Locked(() => Stopwatch.GetElapsedTime(begin, _done.First(one => one.Ticks >= begin).Ticks));
        }

        public async Task EndAsync()
        {
            _isOver = true;
            await Task.WhenAll(_tasks);
        }

        public async ValueTask DisposeAsync() => await EndAsync();

        private async Task WriteAsync(RawClient client, int id)
        {
            for (var number = 0; !_isOver; number++)
            {
                var begin = Stopwatch.GetTimestamp();
                var reply = await client.QueryAsync($"insert into t values ({id}, {number})");
                var end = Stopwatch.GetTimestamp();
                lock (_done)
                {
                    if (reply.Error is null) _done.Add((end, Stopwatch.GetElapsedTime(begin, end).TotalMilliseconds));
                    else _failures.Add(reply.ErrorText);
                }
                if (reply.Error is null) continue;
                await client.DisposeAsync();
                client = await pooler.RawAsync();
            }
            await client.DisposeAsync();
        }

        private T Locked<T>(Func<T> read)
        {
            lock (_done) return read();
        }
    }
}
