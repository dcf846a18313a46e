using System.Net;
using System.Net.Sockets;

namespace FastPool.Compat.Effects;

/// <summary>Several hosts in one connect string.</summary>
public class HostListTests
{
    private static readonly IPAddress Second = IPAddress.Parse("127.0.2.2");

    [PoolerTheory, Loops]
    public async Task Round_robin_spreads_connections_over_the_hosts(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var other = new FaultProxy(server.Port, Second, server.Port);
        await using var pooler = await StartAsync(loops, server, "127.0.0.1,127.0.2.2");
        Assert.Equal(["127.0.0.1", "127.0.2.2"], await AddressesAsync(pooler, clients: 4));
    }

    [PoolerTheory(FastPoolOnly = "a dead host costs server_login_retry there"), Loops]
    public async Task A_dead_host_does_not_hold_up_the_living_ones(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await StartAsync(loops, server, "127.0.2.9,/nonexistent,no-such-host.invalid,127.0.0.1", f =>
        {
            f["server_login_retry"] = "600";
            f["query_wait_timeout"] = "10";
        });
        Assert.Equal(["127.0.0.1"], await AddressesAsync(pooler, clients: 8));
    }

    [PoolerTheory(FastPoolOnly = "a dead host costs server_login_retry there"), Loops]
    public async Task A_host_that_dies_is_left_at_once_and_taken_again_later(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await StartAsync(loops, server, "127.0.2.2,127.0.0.1");
        await using (new FaultProxy(server.Port, Second, server.Port))
            Assert.Equal(["127.0.0.1", "127.0.2.2"], await AddressesAsync(pooler, clients: 4));
        await ServerAddresses.GoneAsync(pooler, "127.0.2.2");
        Assert.Equal(["127.0.0.1"], await AddressesAsync(pooler, clients: 4));
        await using var again = new FaultProxy(server.Port, Second, server.Port);
        await Until.TrueAsync(async () =>
        {
            await pooler.ConsoleAsync("RECONNECT");
            return (await AddressesAsync(pooler, clients: 4)).Contains("127.0.2.2");
        }, "the second host is in use again");
    }

    [PoolerTheory(FastPoolOnly = "a dead host costs server_login_retry there"), Loops]
    public async Task Disable_stays_with_a_host_until_it_fails(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var pooler = await StartAsync(loops, server, "127.0.2.2,127.0.0.1 load_balance_hosts=disable");
        await using (new FaultProxy(server.Port, Second, server.Port))
        {
            // A host that nobody knows yet may be helped after 25 ms; one that is up has a second.
            await AddressesAsync(pooler, clients: 1);
            await Until.TrueAsync(async () => (await pooler.ConsoleAsync("SHOW HOSTS")).Rows
                .Any(static row => row[0] == "127.0.2.2" && row[4] == "up"), "the first host is up");
            await pooler.ConsoleAsync("RECONNECT");
            Assert.Equal(["127.0.2.2"], await AddressesAsync(pooler, clients: 4));
        }
        await ServerAddresses.GoneAsync(pooler, "127.0.2.2");
        Assert.Equal(["127.0.0.1"], await AddressesAsync(pooler, clients: 4));
        await using var again = new FaultProxy(server.Port, Second, server.Port);
        await pooler.ConsoleAsync("RECONNECT");
        Assert.Equal(["127.0.0.1"], await AddressesAsync(pooler, clients: 4));
    }

    [PoolerTheory(FastPoolOnly = "a dead host costs server_login_retry there"), Loops]
    public async Task A_host_that_does_not_answer_has_its_own_connect_timeout(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var stalled = new FaultProxy(server.Port, Second, server.Port) { Delay = TimeSpan.FromHours(1) };
        await using var pooler = await StartAsync(loops, server, "127.0.2.2,127.0.0.1", f =>
        {
            f["server_connect_timeout"] = "1";
            f["server_login_retry"] = "600";
            f["query_wait_timeout"] = "10";
        });
        Assert.Equal(["127.0.0.1"], await AddressesAsync(pooler, clients: 3));
        await pooler.LineAsync("closing because: connect timeout");
    }

    /// <summary>It accepts and says nothing: its connect timeout would show.</summary>
    [PoolerTheory(FastPoolOnly = "a silent host costs server_connect_timeout there"), Loops]
    public async Task A_silent_host_does_not_hold_up_a_login_that_another_serves(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var stalled = new FaultProxy(server.Port, Second, server.Port) { Delay = TimeSpan.FromHours(1) };
        await using var pooler = await StartAsync(loops, server, "127.0.2.2,127.0.0.1", f =>
        {
            f["server_connect_timeout"] = "60";
            f["query_wait_timeout"] = "10";
        });
        Assert.Equal(["127.0.0.1"], await AddressesAsync(pooler, clients: 6));
        var hosts = await pooler.ConsoleAsync("SHOW HOSTS");
        var rows = hosts.Rows.ToDictionary(row => row[0]!, row => row[hosts.Columns.IndexOf("state")]);
        Assert.Equal(("up", "connecting"), (rows["127.0.0.1"], rows["127.0.2.2"]));
    }

    [PoolerTheory(FastPoolOnly = "the reason names one host there"), Loops]
    public async Task With_all_hosts_down_clients_hear_the_last_error_of_each_at_once_until_one_is_back(int loops)
    {
        await using var server = await Postgres.StartAsync();
        await using var pooler = await StartAsync(loops, server, "127.0.2.2,127.0.0.1", f =>
        {
            f["server_login_retry"] = "1";
            f["query_wait_timeout"] = "60";
        });
        Assert.Equal(["127.0.0.1"], await AddressesAsync(pooler, clients: 1)); // Clients are welcomed from now on.
        await server.StopAsync();
        await pooler.PoolIsAsync("sv_idle", 0);
        await using var patient = await pooler.RawAsync();
        await patient.SendAsync(Wire.Query("select 1")); // It finds out, and waits.
        await pooler.LineAsync("closing because: connect failed");
        await Until.TrueAsync(async () =>
        {
            await using var client = await pooler.RawAsync();
            var asking = client.QueryAsync("select 1");
            // One that comes while a login is under way waits, as in PgBouncer.
            if (await Task.WhenAny(asking, Task.Delay(500)) != asking) return false;
            return (await asking).ErrorText?.Contains(
                "server login has been failing, cached error: 127.0.2.2: connect failed: Connection refused, "
                + "127.0.0.1: connect failed: Connection refused (server_login_retry)",
                StringComparison.Ordinal) == true;
        }, "the reason names both");
        await server.StartAgainAsync();
        Assert.Null((await patient.ReplyAsync()).Error);
        Assert.Equal(["127.0.0.1"], await AddressesAsync(pooler, clients: 1));
    }

    [PoolerTheory(FastPoolOnly = "has no SHOW HOSTS"), Loops]
    public async Task Hosts_tell_whether_a_connect_was_refused_or_timed_out(int loops)
    {
        var server = await Postgres.SharedAsync();
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(Second, server.Port));
        full.Listen(0);
        using var first = new TcpClient();
        await first.ConnectAsync(Second, server.Port); // Nobody accepts it: the kernel leaves the next ones without an answer.
        await using var pooler = await StartAsync(loops, server, "127.0.2.3,127.0.2.2,127.0.0.1", f =>
            f["server_connect_timeout"] = "1");
        Assert.Equal(["127.0.0.1"], await AddressesAsync(pooler, clients: 4));
        await Until.TrueAsync(async () =>
        {
            var hosts = await pooler.ConsoleAsync("SHOW HOSTS");
            var error = hosts.Columns.IndexOf("last_error");
            return hosts.Rows.Any(row => row[0] == "127.0.2.3" && row[error] == "connect failed: Connection refused")
                && hosts.Rows.Any(row => row[0] == "127.0.2.2" && row[error] == "connect failed: Connection timed out");
        }, "both reasons are told");
    }

    private static Task<Pooler> StartAsync(int loops, Postgres server, string hosts, Action<PoolerFile>? change = null) =>
        Pooler.StartAsync(server.Port, loops, f =>
        {
            f.Databases[Postgres.Database] = $"host={hosts} port={server.Port} dbname=app";
            f["default_pool_size"] = "10";
            change?.Invoke(f);
        });

    /// <summary>Where so many clients at once are connected to, each in a transaction.</summary>
    private static async Task<string[]> AddressesAsync(Pooler pooler, int clients)
    {
        var all = new List<RawClient>();
        try
        {
            for (var i = 0; i < clients; i++)
            {
                all.Add(await pooler.RawAsync());
                var begun = await all[i].QueryAsync("begin");
                Assert.True(begun.Types == "CZ", $"{begun.ErrorText}\n{pooler.Process.Text}");
            }
            return await ServerAddresses.ActiveAsync(pooler);
        }
        finally
        {
            foreach (var client in all)
            {
                await client.QueryAsync("commit");
                await client.DisposeAsync();
            }
        }
    }
}

/// <summary>The addresses in SHOW SERVERS.</summary>
internal static class ServerAddresses
{
    /// <summary>Waits until the pooler has noticed that its servers there are no more.</summary>
    public static Task GoneAsync(Pooler pooler, string address) => Until.TrueAsync(
        async () =>
            !(await pooler.ConsoleAsync("SHOW SERVERS")).Rows.Exists(row => row.Contains(address)), $"no server at {address}");

    public static async Task<string[]> ActiveAsync(Pooler pooler)
    {
        var servers = await pooler.ConsoleAsync("SHOW SERVERS");
        var (address, state) = (servers.Columns.IndexOf("addr"), servers.Columns.IndexOf("state"));
        return [.. servers.Rows.Where(row => row[state] == "active").Select(row => row[address]!).Distinct().Order()];
    }
}
