using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using FastPool.Testing;
using Xunit.Abstractions;

namespace FastPool.Compat.Effects;

/// <summary>
/// pgbench, in the simple and in the prepared mode, before a cluster whose primary is killed meanwhile. The hosts are a split
/// list: a name with two addresses, and an address beside it.
/// </summary>
public sealed partial class BenchmarkFailoverTests(ITestOutputHelper output)
{
    private const string Name = "db.fastpool.test";
    private const int PoolSize = 4;
    private const int ClientsOfEach = 6;

    [PoolerTheory(FastPoolOnly = "target_session_attrs is no word of its"), Loops]
    public async Task A_benchmark_loses_what_is_open_and_nothing_else(int loops)
    {
        await using var cluster = await PostgresCluster.StartAsync(standbys: 2);
        // An answer comes when both standbys have the row, so that the count below may be exact.
        await cluster.ExecuteAsync(0, "alter system set synchronous_standby_names = '2 (*)'");
        await cluster.ExecuteAsync(0, "select pg_reload_conf()");
        await cluster.ExecuteAsync(0, "create table t (mode text, number int)", Postgres.Database);
        await cluster.CatchUpAsync(0, 1);
        await cluster.CatchUpAsync(0, 2);
        using var names = new NameServer();
        names.Names[Name] = [IPAddress.Parse(cluster.Hosts[0]), IPAddress.Parse(cluster.Hosts[1])];
        await using var pooler = await StartAsync(cluster, names, loops);

        // Each kind of session finds its members, whether they hide behind the name or not.
        Assert.Equal([cluster.Hosts[1], cluster.Hosts[2]], await AddressesAsync(pooler, "readers", clients: 6));
        Assert.Equal([cluster.Hosts[0]], await AddressesAsync(pooler, Postgres.Database, clients: 3));

        await using var simple = await BenchmarkAsync(pooler, "simple");
        await using var prepared = await BenchmarkAsync(pooler, "prepared");
        await Until.TrueAsync(async () => await CountAsync(cluster, 0) > 200, "both write");
        await cluster.KillAsync(0);
        await cluster.PromoteAsync(1);
        var before = await CountAsync(cluster, 1);
        await Until.TrueAsync(async () => await CountAsync(cluster, 1) > before + 100, "they write again", 20,
            () => pooler.Process.Text);
        await simple.ExitAsync(60);
        await prepared.ExitAsync(60);

        var done = Processed(simple) + Processed(prepared);
        string[] lost = [.. simple.Lines.Concat(prepared.Lines)
            .Where(static line => line.Contains(" aborted in command ", StringComparison.Ordinal))];
        var waits = Waits(pooler.Folder);
        output.WriteLine($"loops {loops}: {done} transactions, longest wait {waits.Max() / 1000} ms, {lost.Length} of "
            + $"{2 * ClientsOfEach} clients had a transaction open");
        // Those that had a server when it died, and no other: a pool of four has four.
        Assert.True(lost.Length <= PoolSize, $"{simple.Text}\n{prepared.Text}\n{pooler.Process.Text}");
        Assert.InRange(await CountAsync(cluster, 1), done, done + lost.Length);
        Assert.InRange(waits.Max(), 1, 10_000_000);
        Assert.Equal([cluster.Hosts[1]], await AddressesAsync(pooler, Postgres.Database, clients: 3));
    }

    private static async Task<Pooler> StartAsync(PostgresCluster cluster, NameServer names, int loops)
    {
        var resolvConf = Path.Combine(Machine.NewFolder("dns"), "resolv.conf");
        await File.WriteAllTextAsync(resolvConf, names.ResolvConf);
        var hosts = $"host={Name},{cluster.Hosts[2]} port={cluster.Port} dbname=app";
        return await Pooler.StartAsync(cluster.Port, loops, f =>
        {
            f.Databases[Postgres.Database] = $"{hosts} target_session_attrs=read-write";
            f.Databases["readers"] = $"{hosts} target_session_attrs=standby pool_size=8";
            f["default_pool_size"] = $"{PoolSize}";
            f["query_wait_timeout"] = "60";
            f["resolv_conf"] = resolvConf;
        });
    }

    private static async Task<string[]> AddressesAsync(Pooler pooler, string database, int clients)
    {
        var all = new List<RawClient>();
        for (var i = 0; i < clients; i++)
        {
            all.Add(await pooler.RawAsync(database: database));
            var begun = await all[i].QueryAsync("begin");
            Assert.True(begun.Types == "CZ", $"{begun.ErrorText}\n{pooler.Process.Text}");
        }
        var addresses = await ServerAddresses.ActiveAsync(pooler);
        foreach (var client in all)
        {
            await client.QueryAsync("rollback");
            await client.DisposeAsync();
        }
        return addresses;
    }

    /// <summary>Transactions of one statement, with a pause in front of each.</summary>
    private static async Task<Child> BenchmarkAsync(Pooler pooler, string mode)
    {
        var script = Path.Combine(pooler.Folder, $"{mode}.sql");
        await File.WriteAllTextAsync(script, $"\\set n random(1, 1000)\n\\sleep 10 ms\ninsert into t values ('{mode}', :n);\n");
        return Child.Start(Machine.Program("pgbench"),
            ["-n", "-M", mode, "-c", $"{ClientsOfEach}", "-T", "4", "-l", "--log-prefix", mode, "-f", script, "-h", "127.0.0.1",
                "-p", $"{pooler.Port}", "-U", "user_trust", Postgres.Database],
            pooler.Folder, ("PGSSLMODE", "disable"));
    }

    private static async Task<int> CountAsync(PostgresCluster cluster, int member) =>
        (int)(await cluster.ScalarAsync(member, "select count(*)::int from t", Postgres.Database))!;

    private static int Processed(Child benchmark) =>
        int.Parse(ProcessedLine().Match(benchmark.Text).Groups[1].Value, CultureInfo.InvariantCulture);

    /// <summary>The time of each, in microseconds, with the pause of 10 ms: the third column of pgbench's log.</summary>
    private static long[] Waits(string folder) =>
        [.. Directory.GetFiles(folder, "*.*").Where(static path => LogName().IsMatch(Path.GetFileName(path)))
            .SelectMany(File.ReadAllLines)
            .Select(static line => long.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture))];

    [GeneratedRegex(@"number of transactions actually processed: (\d+)")]
    private static partial Regex ProcessedLine();

    [GeneratedRegex(@"^(simple|prepared)\.\d+$")]
    private static partial Regex LogName();
}
