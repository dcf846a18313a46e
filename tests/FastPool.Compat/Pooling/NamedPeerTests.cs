using System.Globalization;
using System.Net;
using FastPool.Testing;

namespace FastPool.Compat.Pooling;

/// <summary>Poolers behind one name, each on an address of its own. Settings: peer_id = auto, [peers] auto.</summary>
public sealed class NamedPeerTests : IDisposable
{
    private const string Name = "poolers.fastpool.test";
    private const string OnlyHere = "has numbers for peers alone";

    private readonly NameServer _names = new();
    private readonly int _port = Machine.FreePort();

    public void Dispose() => _names.Dispose();

    private static IPAddress At(int last) => IPAddress.Parse($"127.0.0.{last}");

    private async Task<Pooler> StartAsync(int loops, int last, string listen = "")
    {
        var resolvConf = Path.Combine(Machine.NewFolder("dns"), "resolv.conf");
        await File.WriteAllTextAsync(resolvConf, _names.ResolvConf);
        return await Pooler.StartAsync(loops, f =>
        {
            f.Port = _port;
            f["listen_addr"] = listen.Length > 0 ? listen : $"127.0.0.{last}";
            f["resolv_conf"] = resolvConf;
            f["dns_max_ttl"] = "1";
            f["peer_id"] = "auto";
            f.Peers["auto"] = string.Create(CultureInfo.InvariantCulture, $"host={Name} port={_port}");
        });
    }

    private async Task<string> PeersAsync(int last)
    {
        await using var console = await RawClient.LoginAtAsync(At(last), _port, "admin", "pgbouncer");
        return string.Join(", ", (await console.QueryAsync("SHOW PEERS")).Rows.Select(static row => $"{row[0]}={row[1]}"));
    }

    private Task PeersAreAsync(int last, string expected) =>
        Until.TrueAsync(async () => await PeersAsync(last) == expected, $"127.0.0.{last} knows {expected}");

    private async Task CancelAtAsync(int last, byte[] key)
    {
        await using var requester = await RawClient.ConnectToAsync(At(last), _port);
        await requester.SendAsync(Wire.Untyped(Wire.CancelRequest, key));
        Assert.Null(await requester.BytesAsync(1));
    }

    private static async Task SleepAsync(RawClient client)
    {
        var mark = Guid.NewGuid().ToString("N");
        await client.SendAsync(Wire.Query($"select pg_sleep(30) /* {mark} */"));
        var server = await Postgres.SharedAsync();
        await Until.TrueAsync(async () =>
            await server.BackendCountAsync($"wait_event = 'PgSleep' and query like '%{mark}%'") > 0, "the sleep runs");
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task A_cancel_that_reaches_any_of_them_finds_its_query_and_newcomers_are_found(int loops)
    {
        _names.Names[Name] = [At(2), At(3), At(4)];
        await using var two = await StartAsync(loops, 2);
        await using var three = await StartAsync(loops, 3);
        await using var four = await StartAsync(loops, 4);
        await PeersAreAsync(2, "3=127.0.0.3, 4=127.0.0.4");
        await PeersAreAsync(3, "2=127.0.0.2, 4=127.0.0.4");
        await PeersAreAsync(4, "2=127.0.0.2, 3=127.0.0.3");
        await using var client = await RawClient.LoginAtAsync(At(2), _port, "user_trust", "app");
        foreach (var last in new[] { 3, 4, 2 })
        {
            await SleepAsync(client);
            await CancelAtAsync(last, client.CancelKey);
            Assert.StartsWith("ERROR/57014", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
        }

        await using var five = await StartAsync(loops, 5);
        _names.Names[Name] = [At(2), At(5)];
        await PeersAreAsync(5, "2=127.0.0.2");
        await PeersAreAsync(2, "5=127.0.0.5");
        await SleepAsync(client);
        await CancelAtAsync(5, client.CancelKey);
        Assert.StartsWith("ERROR/57014", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
        _names.Names[Name] = []; // No answer is no reason to forget anybody.
        await five.LineAsync("DNS lookup failed: " + Name);
        Assert.Equal("2=127.0.0.2", await PeersAsync(5));
    }

    [PoolerTheory(FastPoolOnly = OnlyHere), Loops]
    public async Task One_that_listens_everywhere_finds_itself_behind_the_name(int loops)
    {
        _names.Names[Name] = [At(7), IPAddress.Parse("192.0.2.8")]; // The second is nobody's.
        await using var pooler = await StartAsync(loops, 7, listen: "*");
        await pooler.LineAsync("LOG peer_id is 7");
        await PeersAreAsync(7, "520=192.0.2.8");
        await using var client = await RawClient.LoginAtAsync(At(7), _port, "user_trust", "app");
        Assert.Equal((7, 0), (client.CancelKey[1], client.CancelKey[2]));
        await SleepAsync(client);
        await CancelAtAsync(7, client.CancelKey);
        Assert.StartsWith("ERROR/57014", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
    }
}
