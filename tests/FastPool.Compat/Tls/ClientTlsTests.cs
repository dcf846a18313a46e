using System.Net.Security;
using System.Net.Sockets;
using Npgsql;

namespace FastPool.Compat.Tls;

/// <summary>TLS towards clients: modes, certificates, what is offered, and what is refused.</summary>
public class ClientTlsTests
{
    private const string InjectionText = "FATAL/08P01 received unencrypted data after SSL request";

    [PoolerTheory]
    [Loops("disable", true, false)]
    [Loops("allow", true, true)]
    [Loops("prefer", true, true)]
    [Loops("require", false, true)]
    public async Task Each_mode_takes_plain_and_encrypted_clients_as_it_says(int loops, string mode, bool takesPlain,
        bool takesTls)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, mode));
        var plain = await pooler.PsqlAsync("sslmode=disable");
        if (takesPlain) Assert.Equal((0, "in"), plain);
        else Assert.Contains("FATAL:  SSL required", plain.Text, StringComparison.Ordinal);
        var encrypted = await pooler.PsqlAsync($"sslmode=verify-full sslrootcert={certificates.Authority}");
        if (takesTls) Assert.Equal((0, "in"), encrypted);
        else Assert.Contains("server does not support SSL", encrypted.Text, StringComparison.Ordinal);
        Assert.Equal((0, "in"),
            await Child.RunAsync(Machine.Program("psql"),
            ["-X", "-At", "-h", pooler.Folder, "-p", $"{pooler.Port}", "-U", "user_trust", "-d", "app", "-c", "select 'in'"]));
    }

    [PoolerTheory]
    [Loops("verify-ca")]
    [Loops("verify-full")]
    public async Task With_verification_only_a_good_certificate_gets_in(int loops, string mode)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, mode));
        Assert.Equal((0, "in"), await pooler.PsqlAsync(With(certificates, "user_trust")));
        Assert.NotEqual(0, (await pooler.PsqlAsync("sslmode=require")).ExitCode);
        await pooler.LineAsync(
            "TLS handshake error: handshake failed: error:0A0000C7:SSL routines::peer did not return a certificate");
        Assert.NotEqual(0, (await pooler.PsqlAsync(With(certificates, "stranger"))).ExitCode);
        await pooler.LineAsync("TLS handshake error: handshake failed: error:0A000086:SSL routines::certificate verify failed");
        Assert.NotEqual(0, (await pooler.PsqlAsync(With(certificates, "expired"))).ExitCode);
        Assert.Contains("FATAL:  SSL required", (await pooler.PsqlAsync("sslmode=disable")).Text, StringComparison.Ordinal);
        Assert.Equal((0, "in"), await pooler.PsqlAsync(With(certificates, "user_trust")));
    }

    [PoolerTheory]
    [Loops("allow")]
    [Loops("require")]
    public async Task A_certificate_that_is_shown_must_be_good_even_where_none_is_needed(int loops, string mode)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, mode));
        Assert.Equal((0, "in"), await pooler.PsqlAsync("sslmode=require"));
        Assert.Equal((0, "in"), await pooler.PsqlAsync(With(certificates, "user_trust")));
        Assert.NotEqual(0, (await pooler.PsqlAsync(With(certificates, "stranger"))).ExitCode);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer compares without regard to case, and takes wildcards"), Loops]
    public async Task A_certificate_logs_in_its_own_user_and_nobody_else(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "verify-full");
            f["auth_type"] = "cert";
        });
        Assert.Equal((0, "in"), await pooler.PsqlAsync(With(certificates, "user_trust")));
        foreach (var name in new[] { "upper", "alias", "server" })
        {
            Assert.Contains("FATAL:  certificate authentication failed", (await pooler.PsqlAsync(With(certificates, name))).Text,
                StringComparison.Ordinal);
            await pooler.LineAsync("TLS certificate name mismatch");
        }
        Assert.Contains("certificate authentication failed",
            (await pooler.PsqlAsync(With(certificates, "user_trust"), user: "user_plain")).Text, StringComparison.Ordinal);
    }

    [PoolerTheory(Since = "1.21"), Loops]
    public async Task HBA_rules_ask_for_TLS_and_map_certificates_to_users(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "allow");
            var folder = Machine.NewFolder("hba");
            File.WriteAllText(Path.Combine(folder, "hba"),
                "hostssl all user_trust all cert map=people\nhostssl all user_md5 all trust\nhostnossl all user_plain all trust\nhost all all all cert\n");
            File.WriteAllText(Path.Combine(folder, "ident"), "people person.example user_trust\npeople somebody user_md5\n");
            f["auth_type"] = "hba";
            f["auth_hba_file"] = Path.Combine(folder, "hba");
            f["auth_ident_file"] = Path.Combine(folder, "ident");
        });
        Assert.Equal((0, "in"), await pooler.PsqlAsync(With(certificates, "alias")));
        Assert.Contains("certificate authentication failed", (await pooler.PsqlAsync(With(certificates, "user_trust"))).Text,
            StringComparison.Ordinal);
        await pooler.LineAsync("ident map: people does not have a match");
        Assert.Equal((0, "in"), await pooler.PsqlAsync("sslmode=require", user: "user_md5"));
        Assert.Equal((0, "in"), await pooler.PsqlAsync("sslmode=disable", user: "user_plain"));
        Assert.Contains("certificate authentication failed", (await pooler.PsqlAsync("sslmode=disable", user: "user_md5")).Text,
            StringComparison.Ordinal);
        await pooler.LineAsync("TLS connection required");
        Assert.Contains("certificate authentication failed", (await pooler.PsqlAsync("sslmode=require", user: "user_scram")).Text,
            StringComparison.Ordinal);
        await pooler.LineAsync("TLS client certificate required");
    }

    [PoolerTheory, Loops]
    public async Task Console_and_login_line_tell_version_and_cipher(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, "require"));
        foreach (
            var (version, text) in new[] { ("TLSv1.3", "TLSv1.3/TLS_AES_256_GCM_SHA384"), ("TLSv1.2", "TLSv1.2/ECDHE-RSA-") })
        {
            var (_, row) =
                await pooler.PsqlAsync($"sslmode=require ssl_max_protocol_version={version}", "show clients", "admin",
                "pgbouncer");
            Assert.Contains("|" + text, row, StringComparison.Ordinal);
            if (version == "TLSv1.2") Assert.Contains("/ECDH=", row, StringComparison.Ordinal);
            await pooler.LineAsync($"login attempt: db=pgbouncer user=admin tls={text}");
        }
    }

    [PoolerTheory, Loops]
    public async Task Bytes_ahead_of_the_handshake_are_never_taken_for_the_clients(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, "allow"));
        var request = Wire.Untyped(Wire.SslRequest);
        await using (var client = await RawClient.ConnectAsync(pooler.Port))
        {
            await client.SendAsync([.. request, .. Wire.Startup(("user", "user_trust"), ("database", "app"))]);
            Assert.Equal(InjectionText, (await client.ReplyAsync()).ErrorText);
        }
        await using (var client = await RawClient.ConnectAsync(pooler.Port)) // The same a moment later is no handshake.
        {
            await client.SendAsync(request);
            Assert.Equal("S"u8.ToArray(), await client.BytesAsync(1));
            await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "app")));
            await pooler.LineAsync("TLS handshake error: handshake failed: ");
            var rest = await client.BytesAsync(7); // At most an alert.
            Assert.True(rest is null || rest[0] == 21);
            Assert.Null(await client.BytesAsync(1));
        }
        Assert.DoesNotContain("login attempt", pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task TLS_may_begin_at_once_and_ALPN_names_one_protocol(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, "require"));
        foreach (
            var (offers, agreed) in new[] { (new[] { "postgresql" }, "postgresql"), (["h2", "postgresql"], "postgresql"),
            ([], "") })
        {
            await using var tls = await HandshakeAsync(pooler.Port, offers);
            Assert.Equal(agreed, tls.NegotiatedApplicationProtocol.ToString());
            await tls.WriteAsync(Wire.Startup(("user", "user_trust"), ("database", "app")));
            var first = new byte[9];
            await tls.ReadExactlyAsync(first);
            // PostgreSQL demands ALPN here too: a browser could be made to begin like this.
            Assert.Equal((byte)(Binary.IsFastPool && agreed.Length == 0 ? 'E' : 'R'), first[0]);
        }
        if (Binary.IsFastPool)
            await pooler.LineAsync("received direct SSL connection request without ALPN protocol negotiation extension");
        await Assert.ThrowsAnyAsync<Exception>(() => HandshakeAsync(pooler.Port, ["h2"]));
        await pooler.LineAsync("no application protocol");
        await using (var tls = await HandshakeAsync(pooler.Port, ["postgresql"])) // Inside TLS nobody asks for TLS.
        {
            await tls.WriteAsync(Wire.Untyped(Wire.SslRequest));
            Assert.Equal(0, await tls.ReadAsync(new byte[1]));
            await pooler.LineAsync("closing because: SSL req inside SSL");
        }
    }

    private static bool IsThePooler(object sender, System.Security.Cryptography.X509Certificates.X509Certificate? certificate,
        System.Security.Cryptography.X509Certificates.X509Chain? chain, SslPolicyErrors errors) =>
        certificate?.Subject == "CN=pooler";

    private static async Task<SslStream> HandshakeAsync(int port, string[] offers)
    {
        var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", port);
        var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = IsThePooler,
            ApplicationProtocols = offers.Length == 0 ? null : [.. offers.Select(name => new SslApplicationProtocol(name))],
        }, new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        return tls;
    }

    [PoolerTheory]
    [Loops("tlsv1.2", true, false)]
    [Loops("tlsv1.3", false, true)]
    [Loops("secure", true, true)]
    [Loops("!tlsv1.3,!tlsv1.1", true, false)]
    public async Task No_other_version_is_offered_than_the_settings_name(int loops, string protocols, bool has12, bool has13)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "require");
            f["client_tls_protocols"] = protocols;
        });
        Assert.Equal(has12, IsAgreed(await TlsClients.SClientAsync(pooler.Port, "-tls1_2")));
        Assert.Equal(has13, IsAgreed(await TlsClients.SClientAsync(pooler.Port, "-tls1_3")));
        Assert.False(IsAgreed(await TlsClients.SClientAsync(pooler.Port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")));
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task No_other_cipher_is_offered_than_the_settings_name(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "require");
            f["client_tls_ciphers"] = "ECDHE-RSA-AES128-GCM-SHA256";
            f["client_tls13_ciphers"] = "TLS_CHACHA20_POLY1305_SHA256";
            f["client_tls_ecdhcurve"] = "prime256v1";
        });
        var (_, known) = await Child.RunAsync("openssl", ["ciphers", "-s", "-tls1_2", "ALL"]);
        var agreed = new List<string>();
        foreach (var cipher in known.Split(':')
            .Where(static name =>
            name.Contains("RSA", StringComparison.Ordinal) || name.StartsWith("AES", StringComparison.Ordinal)))
            if (IsAgreed(await TlsClients.SClientAsync(pooler.Port, "-tls1_2", "-cipher", cipher))) agreed.Add(cipher);
        Assert.Equal(["ECDHE-RSA-AES128-GCM-SHA256"], agreed);
        foreach (var suite in new[] { "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256" })
            Assert.Equal(suite.Contains("CHACHA", StringComparison.Ordinal),
                IsAgreed(await TlsClients.SClientAsync(pooler.Port, "-tls1_3", "-ciphersuites", suite)));
        Assert.True(IsAgreed(await TlsClients.SClientAsync(pooler.Port, "-curves", "P-256")));
        Assert.False(IsAgreed(await TlsClients.SClientAsync(pooler.Port, "-curves", "X25519")));
    }

    private static bool IsAgreed(string text) =>
        !text.Contains("Cipher is (NONE)", StringComparison.Ordinal) && text.Contains("Cipher is ", StringComparison.Ordinal);

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task A_reload_renews_the_certificate_and_drops_nobody(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, "require"));
        await using var before = await pooler.ConnectAsync(more: "SSL Mode=Require");
        pooler.Rewrite(f => f.OfferTls(certificates, "require", "renewed"));
        Assert.Equal("", (await Console(pooler, "RELOAD")).Error);
        Assert.Contains("CN = renewed", await TlsClients.SClientAsync(pooler.Port), StringComparison.Ordinal);
        Assert.Equal(1, await before.ScalarAsync("select 1"));

        pooler.Rewrite(f => f["client_tls_key_file"] = certificates.Key("other"));
        Assert.Contains("RELOAD failed, see logs for additional details", (await Console(pooler, "RELOAD")).Error,
            StringComparison.Ordinal);
        await pooler.LineAsync("TLS configuration could not be reloaded, keeping old configuration");
        await pooler.LineAsync("TLS setup failed: failed to load private key file");
        Assert.Contains("CN = renewed", await TlsClients.SClientAsync(pooler.Port), StringComparison.Ordinal);
        Assert.Equal(1, await before.ScalarAsync("select 1"));
    }

    private static async Task<(string Error, int Exit)> Console(Pooler pooler, string command)
    {
        var (exit, text) = await pooler.PsqlAsync("sslmode=require", command, "admin", "pgbouncer");
        return (exit == 0 ? "" : text, exit);
    }

    [PoolerTheory]
    [Loops("client_tls_cert_file", "/nowhere", "TLS setup failed: failed to load certificate file \"/nowhere\": ")]
    [Loops("client_tls_key_file", "/nowhere", "TLS setup failed: failed to load private key file \"/nowhere\": ")]
    [Loops("client_tls_ca_file", "/nowhere", "TLS setup failed: failed to load CA: ")]
    [Loops("client_tls_ciphers", "nonsense", "invalid client_tls_ciphers: nonsense")]
    [Loops("client_tls_ecdhcurve", "nonsense", "invalid client_tls_ecdhecurve: nonsense")]
    public async Task A_TLS_setting_that_cannot_be_used_ends_the_start(int loops, string setting, string value, string text)
    {
        var certificates = await Certificates.SharedAsync();
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "require");
            f[setting] = value;
        }));
        Assert.Contains("ERROR " + text, failure.Message, StringComparison.Ordinal);
        Assert.Contains("FATAL TLS setup failed", failure.Message, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer has no channel binding"), Loops]
    public async Task SCRAM_is_bound_to_the_channel_where_the_client_can(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "require");
            f["auth_type"] = "scram-sha-256";
        });
        Assert.Equal((0, "in"), await pooler.PsqlAsync("sslmode=require channel_binding=require", user: "user_scram"));
        Assert.Equal((0, "in"), await pooler.PsqlAsync("sslmode=require channel_binding=disable", user: "user_scram"));
        await using var npgsql = await pooler.ConnectAsync("user_scram", more: "SSL Mode=Require;Channel Binding=Require");
        Assert.Equal(1, await npgsql.ScalarAsync("select 1"));
        var wrong =
            await Assert.ThrowsAsync<PostgresException>(() =>
            pooler.ConnectAsync("user_scram", more: "SSL Mode=Require;Channel Binding=Require;Password=wrong"));
        Assert.Equal("SASL authentication failed", wrong.MessageText);
    }

    [PoolerTheory, Loops]
    public async Task Much_data_both_ways_and_many_clients_come_through_whole(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, "require"));
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async id =>
        {
            await using var connection = await pooler.ConnectAsync(more: "SSL Mode=Require");
            for (var i = 0; i < 20; i++)
            {
                var length = (id * 7919 + i * 104729) % 300_000;
                var text = new string((char)('a' + id), length);
                Assert.Equal(text + i, await connection.ScalarAsync("select $1 || $2::text", text, i));
            }
        }));
        await using var copier = await pooler.ConnectAsync(more: "SSL Mode=Require");
        await using var transaction = await copier.BeginTransactionAsync();
        await copier.ScalarAsync("create temp table much (n int, t text) on commit drop");
        await using (var writer = await copier.BeginTextImportAsync("copy much from stdin"))
            for (var i = 0; i < 200_000; i++)
                await writer.WriteAsync($"{i}\tsome text that makes the row longer than a number\n");
        using (var reader = await copier.BeginTextExportAsync("copy (select n from much order by n) to stdout"))
            for (var i = 0; i < 200_000; i++) Assert.Equal($"{i}", await reader.ReadLineAsync());
        Assert.Equal(200_000L, await copier.ScalarAsync("select count(*) from much"));
    }

    [PoolerTheory, Loops]
    public async Task A_record_that_was_tampered_with_ends_that_client_alone(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, "require"));
        await using var bystander = await pooler.ConnectAsync(more: "SSL Mode=Require");
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", pooler.Port);
        var stream = socket.GetStream();
        await stream.WriteAsync(Wire.Untyped(Wire.SslRequest));
        Assert.Equal('S', stream.ReadByte());
        var tls = new SslStream(stream, leaveInnerStreamOpen: true, IsThePooler);
        await tls.AuthenticateAsClientAsync("localhost");
        await tls.WriteAsync(Wire.Startup(("user", "user_trust"), ("database", "app")));
        Assert.Equal('R', tls.ReadByte());
        await stream.WriteAsync(
            new byte[] { 23, 3, 3, 0, 32, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
            25, 26, 27, 28, 29, 30, 31, 32 });
        await pooler.LineAsync("tls_sbufio_recv: read failed: error:");
        Assert.Equal(1, await bystander.ScalarAsync("select 1"));
    }

    [PoolerTheory, Loops]
    public async Task A_handshake_that_goes_nowhere_ends_with_the_login_timeout(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.OfferTls(certificates, "require");
            f["client_login_timeout"] = "1";
        });
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Untyped(Wire.SslRequest));
        Assert.Equal("S"u8.ToArray(), await client.BytesAsync(1));
        Assert.Null(await client.BytesAsync(1)); // Nobody could read a message.
        await pooler.LineAsync("closing because: client_login_timeout");
    }

    [PoolerTheory, Loops]
    public async Task A_cancel_comes_through_TLS(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f => f.OfferTls(certificates, "require"));
        await using var connection = await pooler.ConnectAsync(more: "SSL Mode=Require");
        await using var command = new NpgsqlCommand("select pg_sleep(60)", connection);
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => command.ExecuteNonQueryAsync(soon.Token));
        Assert.Equal(1, await connection.ScalarAsync("select 1"));
    }

    private static string With(Certificates certificates, string name) =>
        $"sslmode=require sslcert={certificates.Certificate(name)} sslkey={certificates.Key(name)}";
}
