using System.Net;
using FastPool.Testing;

namespace FastPool.Compat.Effects;

/// <summary>Host names, answered by a name server of the test that resolv_conf names.</summary>
public sealed class HostNameTests : IDisposable
{
    private const string Name = "db.fastpool.test";
    private static readonly IPAddress First = IPAddress.Loopback;
    private static readonly IPAddress Second = IPAddress.Parse("127.0.3.3");

    private readonly NameServer _names = new();

    public HostNameTests() => _names.Names[Name] = [First];

    public void Dispose() => _names.Dispose();

    [PoolerTheory, Loops]
    public async Task A_name_whose_address_changes_has_its_servers_replaced(int loops)
    {
        await using var pooler = await StartAsync(loops, f => f["dns_max_ttl"] = "1");
        await ReplacesServersAsync(pooler, _names);
    }

    [ReferenceFact(IsForRoot = true)] // Its resolver library knows no port but 53.
    public async Task A_name_whose_address_changes_has_its_servers_replaced_as_in_PgBouncer()
    {
        using var names = new NameServer(IPAddress.Parse("127.7.7.53"), 53);
        foreach (var program in new[] { Reference.Path!, Binary.Path })
        {
            names.Names[Name] = [First];
            await using var pooler = await StartAsync(1, f =>
            {
                f.Program = program;
                f["dns_max_ttl"] = "1";
            }, names);
            await ReplacesServersAsync(pooler, names);
        }
    }

    private static async Task ReplacesServersAsync(Pooler pooler, NameServer names)
    {
        var server = await Postgres.SharedAsync();
        await using var other = new FaultProxy(server.Port, Second, server.Port);
        await using var client = await pooler.RawAsync();
        var pid = (await client.QueryAsync("begin; select pg_backend_pid()")).Rows[0][0];
        Assert.Equal(["127.0.0.1"], await ServerAddresses.ActiveAsync(pooler));

        names.Names[Name] = [Second];
        await using var holders = new ClientList();
        await Until.TrueAsync(async () =>
        {
            await holders.AddAsync(pooler); // Each new connection asks anew once the answer is old.
            return (await ServerAddresses.ActiveAsync(pooler)).Contains("127.0.3.3");
        }, "a server at the new address");
        Assert.Equal(pid, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        await holders.EndAsync();
        Assert.NotEqual(pid, (await client.QueryAsync("begin; select pg_backend_pid()")).Rows[0][0]);
        Assert.Equal(["127.0.3.3"], await ServerAddresses.ActiveAsync(pooler));
    }

    [PoolerTheory, Loops]
    public async Task A_zone_whose_serial_grows_has_its_names_asked_for_anew(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var other = new FaultProxy(server.Port, Second, server.Port);
        _names.Serials["fastpool.test"] = 41;
        await using var pooler = await StartAsync(loops, f =>
        {
            f["dns_max_ttl"] = "600";
            f["dns_zone_check_period"] = "1";
        });
        await pooler.ScalarAsync("select 1");
        await Until.TrueAsync(async () =>
            (await pooler.ConsoleAsync("SHOW DNS_ZONES")).Rows is [["fastpool.test", "41", "1"]], "the zone is known");
        _names.Names[Name] = [Second];
        _names.Serials["fastpool.test"] = 42;
        await pooler.LineAsync("zone 'fastpool.test' serial changed: old=41 new=42");
        await Until.TrueAsync(async () =>
        {
            await using var client = await pooler.RawAsync();
            await client.QueryAsync("begin");
            var addresses = await ServerAddresses.ActiveAsync(pooler);
            await client.QueryAsync("commit");
            return addresses is ["127.0.3.3"];
        }, "a server at the new address");
    }

    [PoolerTheory, Loops]
    public async Task A_name_that_is_not_there_yet_is_waited_for(int loops)
    {
        _names.Names.Clear();
        await using var pooler = await StartAsync(loops, f => f["dns_nxdomain_ttl"] = "1");
        var login = pooler.ScalarAsync("select 1");
        await pooler.LineAsync($"DNS lookup failed: {Name}: result=0");
        await pooler.LineAsync("closing because: server DNS lookup failed (age");
        var row = Assert.Single((await pooler.ConsoleAsync("SHOW DNS_HOSTS")).Rows);
        Assert.Equal((Name, ""), (row[0], row[2]));
        _names.Names[Name] = [First];
        Assert.Equal(1, await login);
    }

    [PoolerTheory, Loops]
    public async Task The_console_shows_the_cache(int loops)
    {
        await using var pooler = await StartAsync(loops, f => f["dns_max_ttl"] = "100");
        Assert.Empty((await pooler.ConsoleAsync("SHOW DNS_HOSTS")).Rows);
        await pooler.ScalarAsync("select 1");
        var row = Assert.Single((await pooler.ConsoleAsync("SHOW DNS_HOSTS")).Rows);
        Assert.Equal((Name, "127.0.0.1:0"), (row[0], row[2]));
        Assert.InRange(int.Parse(row[1]!), 50, 100);
        Assert.Equal([["fastpool.test", "0", "1"]], (await pooler.ConsoleAsync("SHOW DNS_ZONES")).Rows);
        var lists = (await pooler.ConsoleAsync("SHOW LISTS")).Rows.ToDictionary(list => list[0]!, list => list[1]);
        Assert.Equal(("1", "1", "0"), (lists["dns_names"], lists["dns_zones"], lists["dns_queries"]));
    }

    /// <summary>Three addresses are used; one that is gone is left by idle servers too, and one that has come is used.</summary>
    [PoolerTheory(FastPoolOnly = "an idle server of an address that is gone stays there"), Loops]
    public async Task Addresses_of_a_name_come_and_go_under_load_and_nobody_notices(int loops)
    {
        var server = await Postgres.SharedAsync();
        await using var second = new FaultProxy(server.Port, Second, server.Port);
        await using var third = new FaultProxy(server.Port, IPAddress.Parse("127.0.3.4"), server.Port);
        await using var fourth = new FaultProxy(server.Port, IPAddress.Parse("127.0.3.11"), server.Port);
        IPAddress[] all = [First, Second, IPAddress.Parse("127.0.3.4"), IPAddress.Parse("127.0.3.11")];
        _names.Names[Name] = all[..3];
        await using var pooler = await StartAsync(loops, f =>
        {
            f["dns_max_ttl"] = "1";
            f["default_pool_size"] = "30";
        });
        await using var holders = new ClientList();
        for (var i = 0; i < 9; i++) await holders.AddAsync(pooler);
        Assert.Equal(["127.0.0.1", "127.0.3.3", "127.0.3.4"], await ServerAddresses.ActiveAsync(pooler));
        await holders.EndAsync();

        var load = Takeover.TakeoverTests.LoadAsync(pooler, "extended", clients: 4, seconds: 4);
        await pooler.PoolIsAsync("cl_active", 4);
        _names.Names[Name] = [First, .. all[2..]];
        await ServerAddresses.GoneAsync(pooler, "127.0.3.3"); // Idle ones are more than half of them.
        Assert.Contains("number of failed transactions: 0 (", await load, StringComparison.Ordinal);
        // Idle ones first, then new ones. A machine under load lets the first login at an address go elsewhere.
        for (var i = 0; i < 20; i++) await holders.AddAsync(pooler);
        Assert.Equal(["127.0.0.1", "127.0.3.11", "127.0.3.4"], await ServerAddresses.ActiveAsync(pooler));
    }

    [PoolerTheory(FastPoolOnly = "a dead address costs server_login_retry there"), Loops]
    public async Task A_dead_address_of_a_name_does_not_hold_up_the_living_ones(int loops)
    {
        _names.Names[Name] = [IPAddress.Parse("127.0.3.9"), First, IPAddress.Parse("127.0.3.8")];
        await using var pooler = await StartAsync(loops, f => f["server_login_retry"] = "600");
        await using var holders = new ClientList();
        for (var i = 0; i < 5; i++) await holders.AddAsync(pooler);
        Assert.Equal(["127.0.0.1"], await ServerAddresses.ActiveAsync(pooler));
    }

    private async Task<Pooler> StartAsync(int loops, Action<PoolerFile> change, NameServer? names = null)
    {
        var server = await Postgres.SharedAsync();
        var resolvConf = Path.Combine(Machine.NewFolder("dns"), "resolv.conf");
        await File.WriteAllTextAsync(resolvConf, (names ?? _names).ResolvConf);
        return await Pooler.StartAsync(server.Port, loops, f =>
        {
            f.Databases[Postgres.Database] = $"host={Name} port={server.Port} dbname=app";
            f["resolv_conf"] = resolvConf;
            f["default_pool_size"] = "100";
            change(f);
        });
    }
}

/// <summary>Clients that each hold a server in a transaction.</summary>
internal sealed class ClientList : IAsyncDisposable
{
    private readonly List<RawClient> _clients = [];

    public async Task AddAsync(Pooler pooler)
    {
        var client = await pooler.RawAsync();
        _clients.Add(client);
        Assert.Equal("CZ", (await client.QueryAsync("begin")).Types);
    }

    public async Task EndAsync()
    {
        foreach (var client in _clients)
        {
            await client.QueryAsync("commit");
            await client.DisposeAsync();
        }
        _clients.Clear();
    }

    public async ValueTask DisposeAsync() => await EndAsync();
}
