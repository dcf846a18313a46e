using System.Text;

namespace FastPool.Compat.Effects;

/// <summary>A proxy in between that says who the client is. Of this machine's addresses, 127.0.9.9 is the proxy's.</summary>
public class ProxyTests
{
    private const string Proxy = "127.0.9.9";

    private static readonly byte[] Header = Encoding.ASCII.GetBytes("PROXY TCP4 192.0.2.1 192.0.2.9 12345 5432\r\n");

    private static readonly byte[] Binary =
        Wire.ProxyHeader(0x21, 0x11, [192, 0, 2, 2, 192, 0, 2, 9, 0x30, 0x39, 0x15, 0x38, 2, 0, 7, .. "db.host"u8,
            0x20, 0, 18, 1, 0, 0, 0, 0, 0x21, 0, 4, .. "v1.3"u8, 0x22, 0, 3, .. "ann"u8]);

    private static async Task<(RawClient Client, Reply Reply)> LogInAsync(Pooler pooler, byte[] header)
    {
        var client = await RawClient.ConnectAsync(pooler.Port, Proxy);
        await client.SendAsync([.. header, .. Wire.Startup(("user", "user_trust"), ("database", Postgres.Database))]);
        return (client, await client.ReplyAsync());
    }

    private static Task<Pooler> StartAsync(int loops, Action<PoolerFile>? change = null) => Pooler.StartAsync(loops, file =>
    {
        file.Own["proxy_protocol_from"] = Proxy;
        change?.Invoke(file);
    });

    [PoolerTheory(FastPoolOnly = "PgBouncer has no PROXY protocol"), Loops]
    public async Task The_client_behind_a_proxy_is_the_one_that_counts(int loops)
    {
        await using var pooler = await StartAsync(loops, file =>
        {
            var hba = Path.Combine(Machine.NewFolder("hba"), "hba.conf");
            File.WriteAllText(hba,
                "host all all 192.0.2.1/32 trust\nhost all all 192.0.2.2/32 reject\nhost all all 127.0.0.1/32 trust\n");
            file["auth_type"] = "hba";
            file["auth_hba_file"] = hba;
            file["application_name_add_host"] = "1";
        });
        var (client, reply) = await LogInAsync(pooler, Header);
        await using var kept = client;
        Assert.Equal('I', reply.Status);
        Assert.Equal("app - 192.0.2.1:12345", (await client.QueryAsync("show application_name")).Rows[0][0]);
        await pooler.LineAsync("@192.0.2.1:12345 login attempt: db=app user=user_trust");
        await pooler.LineAsync("@192.0.2.1:12345 proxied by 127.0.9.9:");
        var clients = (await pooler.ConsoleAsync("SHOW CLIENTS")).Rows;
        Assert.Contains(clients, static row => row[1] == "user_trust" && row[5] == "192.0.2.1" && row[6] == "12345");

        var (rejected, refusal) = await LogInAsync(pooler, Binary);
        await using var gone = rejected;
        Assert.NotNull(refusal.Error);
        await pooler.LineAsync("@192.0.2.2:12345 closing because: login rejected");
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer has no PROXY protocol"), Loops]
    public async Task A_takeover_keeps_the_client_and_what_its_proxy_told(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var (client, _) = await LogInAsync(pooler, Binary);
        await using var kept = client;
        var before = (await pooler.ConsoleAsync("SHOW PROXIED")).Rows.Single();
        Assert.Equal("user_trust|app|192.0.2.2|12345|" + Proxy, string.Join('|', before[..5]));
        Assert.Equal("db.host|v1.3|ann", string.Join('|', before[6..9]));
        await pooler.TakeOverAsync();
        Assert.Equal("TDCZ", (await client.QueryAsync("select 1")).Types);
        var after = (await pooler.ConsoleAsync("SHOW PROXIED")).Rows.Single();
        Assert.Equal(string.Join('|', before[..9]), string.Join('|', after[..9]));
        Assert.Contains((await pooler.ConsoleAsync("SHOW CLIENTS")).Rows,
            static row => row[1] == "user_trust" && row[5] == "192.0.2.2");
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer has no PROXY protocol"), Loops]
    public async Task A_proxy_without_a_header_is_refused_and_so_is_a_header_from_elsewhere(int loops)
    {
        await using var pooler = await StartAsync(loops);
        var (client, reply) = await LogInAsync(pooler, []);
        await using var first = client;
        Assert.Equal("FATAL/08P01 bad PROXY header: there is none", reply.ErrorText);
        await pooler.LineAsync("pooler error: bad PROXY header: there is none");

        await using var stranger = await RawClient.ConnectAsync(pooler.Port, "127.0.9.8");
        await stranger.SendAsync(Header);
        const string Refusal = "PROXY header from 127.0.9.8, which proxy_protocol_from does not name";
        Assert.Equal("FATAL/08P01 " + Refusal, (await stranger.ReplyAsync()).ErrorText);
        await pooler.LineAsync("pooler error: " + Refusal);

        await using var direct = await pooler.RawAsync(); // Without a proxy, as ever.
        Assert.Equal("TDCZ", (await direct.QueryAsync("select 1")).Types);
    }
}
