using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Tls;

/// <summary>
/// Nothing beyond the settings is offered, and what they name is. Every cipher that the library knows is tried with every
/// version. The pooler's own offer to servers is read out of its first flight.
/// </summary>
public class OfferTests
{
    private static readonly string[] Versions = ["tls1", "tls1_1", "tls1_2", "tls1_3"];
    private static readonly string[] Groups =
        ["X25519", "X448", "P-256", "P-384", "P-521", "secp256k1", "brainpoolP256r1", "ffdhe2048", "ffdhe3072"];

    /// <summary>Versions, ciphers, suites of TLS 1.3, curve, DH parameters; the versions that must agree.</summary>
    [PoolerTheory(Since = "1.25")]
    [InlineData("secure", "default", "", "auto", "auto", "tls1_2 tls1_3")]
    [InlineData("tlsv1.2", "HIGH:!kRSA:!aNULL", "", "auto", "auto", "tls1_2")]
    [InlineData("tlsv1.3", "default", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "auto", "auto", "tls1_3")]
    [InlineData("tlsv1.2,tlsv1.3", "ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA", "TLS_AES_256_GCM_SHA384", "auto", "auto",
        "tls1_2 tls1_3")]
    [InlineData("all", "ALL:!aNULL:@SECLEVEL=0", "", "auto", "auto", "tls1 tls1_1 tls1_2 tls1_3")]
    [InlineData("tlsv1.1", "AES128-SHA:AES256-SHA:@SECLEVEL=0", "", "auto", "auto", "tls1_1")]
    [InlineData("tlsv1.2", "default", "", "none", "auto", "tls1_2")]
    [InlineData("tlsv1.2", "default", "", "auto", "none", "tls1_2")]
    public async Task Clients_are_offered_what_the_settings_name_and_nothing_else(string protocols, string ciphers, string suites,
        string curve, string parameters, string versions)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.OfferTls(certificates, "require");
            f["client_tls_protocols"] = protocols;
            f["client_tls_ciphers"] = ciphers;
            f["client_tls13_ciphers"] = suites;
            f["client_tls_ecdhcurve"] = curve;
            f["client_tls_dheparams"] = parameters;
        });
        foreach (var version in Versions)
        {
            var named = !versions.Split(' ').Contains(version) ? []
                : version == "tls1_3"
                    ? (suites.Length > 0 ? suites : "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256")
                    .Split(':')
                : (await KnownAsync(version, ciphers == "default" ? "DEFAULT" : ciphers))
                    .Where(name => !(curve == "none" && name.StartsWith("ECDHE-", StringComparison.Ordinal))
                        && !(parameters == "none" && name.StartsWith("DHE-", StringComparison.Ordinal)));
            Assert.Equal(named.Order(), (await AgreedAsync(pooler.Port, version)).Order());
        }
    }

    [PoolerTheory(Since = "1.25")]
    [InlineData("prime256v1", "P-256")]
    [InlineData("secp384r1", "P-384")]
    [InlineData("X25519", "X25519")]
    public async Task One_curve_that_is_named_is_the_only_one(string setting, string group)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(1, f =>
        {
            f.OfferTls(certificates, "require");
            f["client_tls_ecdhcurve"] = setting;
        });
        foreach (var version in new[] { "tls1_2", "tls1_3" })
        {
            var agreed = new List<string>();
            foreach (
                var candidate in Groups.Where(candidate =>
                version == "tls1_3" || !candidate.StartsWith("ffdhe", StringComparison.Ordinal)))
                if (CipherOf(
                    await TlsClients.SClientAsync(pooler.Port, "-"
                    + version, "-groups", candidate, "-cipher", "ECDHE:@SECLEVEL=0")) is not null) agreed.Add(candidate);
            Assert.Equal([group], agreed);
        }
    }

    [PoolerTheory(Since = "1.25")]
    [InlineData("tlsv1.2", "ECDHE-RSA-AES128-GCM-SHA256:AES256-SHA", "")]
    [InlineData("tlsv1.3", "default", "TLS_CHACHA20_POLY1305_SHA256")]
    [InlineData("secure", "HIGH:!aNULL", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384")]
    [InlineData("secure", "default", "")]
    public async Task Servers_are_offered_what_the_settings_name_and_nothing_else(string protocols, string ciphers, string suites)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using var pooler = await Pooler.StartAsync(((IPEndPoint)listener.LocalEndpoint).Port, 1, f =>
        {
            f["server_tls_sslmode"] = "require";
            f["server_tls_protocols"] = protocols;
            f["server_tls_ciphers"] = ciphers;
            f["server_tls13_ciphers"] = suites;
        });
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "app")));
        using var server = await Until.DoneAsync(listener.AcceptTcpClientAsync(), "the pooler connects");
        var stream = server.GetStream();
        await stream.ReadExactlyAsync(new byte[8]);
        await stream.WriteAsync("S"u8.ToArray());
        var (offered, versions) = await ReadHelloAsync(stream);

        var has12 = protocols != "tlsv1.3";
        var has13 = protocols != "tlsv1.2";
        Assert.Equal([.. has13 ? new[] { 0x304 } : [], .. has12 ? new[] { 0x303 } : []], versions);
        var named = new List<string>();
        if (has13)
            named.AddRange(
            (suites.Length > 0 ? suites : "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256")
            .Split(':'));
        if (has12) named.AddRange(await SupportedAsync("tls1_2", ciphers == "default" ? "DEFAULT" : ciphers));
        var numbers = await NumbersAsync();
        // FF: no renegotiation.
        Assert.Equal(named.Order(), offered.Where(number => number != 0xFF)
            .Select(number => numbers.GetValueOrDefault(number, $"{number:X4}")).Order());
    }

    /// <summary>Cipher suites and versions of a ClientHello that fits into one record. Source: RFC 8446, 4.1.2.</summary>
    private static async Task<(List<int> Suites, List<int> Versions)> ReadHelloAsync(Stream stream)
    {
        const int supportedVersions = 43;
        var head = new byte[5];
        await stream.ReadExactlyAsync(head);
        Assert.Equal(22, head[0]);
        var hello = new byte[BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(3))];
        await stream.ReadExactlyAsync(hello);
        var at = 4 + 2 + 32;
        at += 1 + hello[at];
        List<int> NumbersOf(int start, int bytes) =>
            [.. Enumerable.Range(0, bytes / 2)
            .Select(i => (int)BinaryPrimitives.ReadUInt16BigEndian(hello.AsSpan(start + 2 * i)))];
        int suiteBytes = BinaryPrimitives.ReadUInt16BigEndian(hello.AsSpan(at));
        var suites = NumbersOf(at + 2, suiteBytes);
        at += 2 + suiteBytes;
        at += 1 + hello[at];
        var versions = new List<int> { BinaryPrimitives.ReadUInt16BigEndian(hello.AsSpan(4)) };
        for (at += 2; at < hello.Length;)
        {
            int type = BinaryPrimitives.ReadUInt16BigEndian(hello.AsSpan(at)),
                length = BinaryPrimitives.ReadUInt16BigEndian(hello.AsSpan(at + 2));
            if (type == supportedVersions) versions = NumbersOf(at + 5, hello[at + 4]);
            at += 4 + length;
        }
        return (suites, versions);
    }

    /// <summary>Offers all that is left until the server takes none of it.</summary>
    private static async Task<List<string>> AgreedAsync(int port, string version)
    {
        var left = version == "tls1_3"
            ? ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256", "TLS_AES_128_CCM_SHA256",
                "TLS_AES_128_CCM_8_SHA256"]
            : (await SupportedAsync(version, "ALL:COMPLEMENTOFALL:@SECLEVEL=0")).ToList();
        Assert.True(left.Count >= 3);
        var agreed = new List<string>();
        while (left.Count > 0)
        {
            string[] offer = version == "tls1_3" ? ["-ciphersuites", string.Join(':', left)]
                : ["-cipher", string.Join(':', left) + ":@SECLEVEL=0"];
            if (CipherOf(await TlsClients.SClientAsync(port, ["-" + version, .. offer])) is not { } cipher) break;
            Assert.True(left.Remove(cipher), $"{cipher} was not offered");
            agreed.Add(cipher);
        }
        return agreed;
    }

    /// <summary>Null: no handshake.</summary>
    private static string? CipherOf(string text) =>
        Regex.Match(text, @"Cipher is (?!\(NONE\))(\S+)") is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>Those of a cipher string that go with an RSA certificate.</summary>
    private static async Task<IEnumerable<string>> KnownAsync(string version, string ciphers) =>
        (await SupportedAsync(version, ciphers))
            .Where(name => !name.Contains("ECDSA", StringComparison.Ordinal) && !name.Contains("DSS", StringComparison.Ordinal));

    private static async Task<string[]> SupportedAsync(string version, string ciphers) =>
        (await Child.RunAsync("openssl", ["ciphers", "-s", "-" + version, ciphers])).Text.Trim().Split(':')
            .Where(name => !name.StartsWith("TLS_", StringComparison.Ordinal)).ToArray();

    private static async Task<Dictionary<int, string>> NumbersAsync() =>
        Regex.Matches((await Child.RunAsync("openssl", ["ciphers", "-V", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"])).Text,
            @"0x(..),0x(..) - (\S+)")
            .ToDictionary(match => Convert.ToInt32(match.Groups[1].Value + match.Groups[2].Value, 16), match =>
                match.Groups[3].Value);
}
