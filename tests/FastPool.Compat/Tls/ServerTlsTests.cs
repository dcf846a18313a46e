using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Npgsql;

namespace FastPool.Compat.Tls;

/// <summary>
/// TLS towards PostgreSQL: what each mode asks for, which server it believes, and what a liar in between gets.
/// </summary>
public class ServerTlsTests
{
    private const string CipherOfServer = "select coalesce(version, 'plain') from pg_stat_ssl where pid = pg_backend_pid()";

    private static readonly Lazy<Task<Postgres>> Encrypted = new(StartAsync);

    /// <summary>The PostgreSQL of these tests, which speaks TLS.</summary>
    internal static Task<Postgres> EncryptedAsync() => Encrypted.Value;

    private static async Task<Postgres> StartAsync()
    {
        var certificates = await Certificates.SharedAsync();
        return await Postgres.StartAsync(
            $"ssl = on\nssl_cert_file = '{certificates.Certificate("server")}'\nssl_key_file = '{certificates.Key("server")}'\n"
            + $"ssl_ca_file = '{certificates.Authority}'",
            """
            local all all trust
            host all postgres,user_trust all trust
            hostssl all user_plain all password clientcert=verify-ca
            hostssl all user_md5 all md5
            hostssl all user_scram all scram-sha-256

            """);
    }

    private static async Task<Pooler> PoolerAsync(int loops, string mode, Action<PoolerFile>? change = null) =>
        await Pooler.StartAsync((await Encrypted.Value).Port, loops, f =>
        {
            f["server_tls_sslmode"] = mode;
            change?.Invoke(f);
        });

    [PoolerTheory]
    [Loops("disable", "plain")]
    [Loops("allow", "TLSv1.3")]
    [Loops("prefer", "TLSv1.3")]
    [Loops("require", "TLSv1.3")]
    public async Task Without_verification_the_mode_alone_decides(int loops, string mode, string expected)
    {
        await using var pooler = await PoolerAsync(loops, mode);
        Assert.Equal(expected, await pooler.ScalarAsync(CipherOfServer));
        var servers = await pooler.ConsoleAsync("SHOW SERVERS");
        var tls = servers.Rows[0][servers.Columns.IndexOf("tls")]!;
        Assert.StartsWith(expected == "plain" ? "" : "TLSv1.3/TLS_", tls, StringComparison.Ordinal);
        Assert.Equal(expected == "plain", tls.Length == 0);
        if (expected != "plain") await pooler.LineAsync("SSL established: TLSv1.3/");
    }

    [PoolerTheory]
    [Loops("verify-ca", "127.0.0.1")]
    [Loops("verify-full", "127.0.0.1")]
    [Loops("verify-full", "localhost")]
    public async Task A_server_with_the_right_certificate_is_believed(int loops, string mode, string host)
    {
        var certificates = await Certificates.SharedAsync();
        var port = (await Encrypted.Value).Port;
        await using var pooler = await PoolerAsync(loops, mode, f =>
        {
            f["server_tls_ca_file"] = certificates.Authority;
            f.Databases["app"] = $"host={host} port={port}";
        });
        Assert.Equal("TLSv1.3", await pooler.ScalarAsync(CipherOfServer));
    }

    [PoolerTheory]
    [Loops("verify-ca", "stranger", "127.0.0.1",
        "TLS handshake error: handshake failed: error:0A000086:SSL routines::certificate verify failed")]
    [Loops("verify-full", "stranger", "127.0.0.1",
        "TLS handshake error: handshake failed: error:0A000086:SSL routines::certificate verify failed")]
    [Loops("verify-ca", "nowhere", "127.0.0.1", "TLS connect error: failed to load CA: ")]
    [Loops("verify-full", "ca", "127.0.0.1", "TLS handshake error: name `127.0.0.1' not present in server certificate")]
    [Loops("verify-full", "ca", "localhost", "TLS handshake error: name `localhost' not present in server certificate")]
    public async Task Any_other_server_gets_no_login_and_the_log_says_why(int loops, string mode, string authority, string host,
        string line)
    {
        var certificates = await Certificates.SharedAsync();
        await using var server = new FakeTlsServer(certificates, authority == "ca" ? "other" : "server");
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f =>
        {
            f["server_tls_sslmode"] = mode;
            f["server_tls_ca_file"] = certificates.Certificate(authority);
            f["query_wait_timeout"] = "1";
            f.Databases["app"] = $"host={host} port={server.Port}";
        });
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => pooler.ConnectAsync());
        await pooler.LineAsync(line);
        await pooler.LineAsync(authority == "nowhere" ? "closing because: sslreq processing failed"
            : "closing because: server conn crashed?");
        Assert.Equal(0, server.PlainBytes); // Neither a name nor a password has been told.
    }

    [PoolerTheory, Loops]
    public async Task The_common_name_counts_too_and_the_server_is_called_by_its_name(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var server = new FakeTlsServer(certificates, "cn");
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f =>
        {
            f["server_tls_sslmode"] = "verify-full";
            f["server_tls_ca_file"] = certificates.Authority;
            f["query_wait_timeout"] = "1";
            f.Databases["app"] = $"host=localhost port={server.Port}";
        });
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => pooler.ConnectAsync()); // The server says nothing after the handshake.
        await pooler.LineAsync("SSL established: TLSv1.3/");
        Assert.Equal("localhost", server.ServerName);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer names it with verify-full only")]
    [Loops("require", "localhost", "localhost")]
    [Loops("prefer", "localhost", "localhost")]
    [Loops("require", "127.0.0.1", "")]
    public async Task A_server_is_called_by_its_name_without_verify_full_too(int loops, string mode, string host, string name)
    {
        await using var server = new FakeTlsServer(await Certificates.SharedAsync(), "cn");
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f =>
        {
            f["server_tls_sslmode"] = mode;
            f["query_wait_timeout"] = "1";
            f.Databases["app"] = $"host={host} port={server.Port}";
        });
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => pooler.ConnectAsync()); // The server says nothing after the handshake.
        await pooler.LineAsync("SSL established: TLSv1.3/");
        Assert.Equal(name, server.ServerName);
    }

    [PoolerTheory]
    [Loops("N", "closing because: server refused SSL")]
    [Loops("X", "closing because: bad sslreq answer")]
    [Loops("Sx", "closing because: received unencrypted data after SSL response")]
    public async Task A_server_or_somebody_in_between_that_will_not_encrypt_is_left(int loops, string answer, string line)
    {
        await using var server = new FakeTlsServer(answer);
        await using var pooler = await Pooler.StartAsync(server.Port, loops, f =>
        {
            f["server_tls_sslmode"] = "require";
            f["query_wait_timeout"] = "1";
        });
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => pooler.ConnectAsync());
        await pooler.LineAsync(line);
        Assert.Equal(0, server.PlainBytes);
    }

    [PoolerTheory]
    [Loops("allow")]
    [Loops("prefer")]
    public async Task Where_TLS_is_only_preferred_a_server_without_it_is_used_in_plain(int loops, string mode)
    {
        // The shared server has no TLS.
        await using var pooler = await Pooler.StartAsync(loops, f => f["server_tls_sslmode"] = mode);
        Assert.Equal("plain", await pooler.ScalarAsync(CipherOfServer));
    }

    [PoolerTheory, Loops]
    public async Task Every_password_goes_through_TLS_and_a_certificate_is_shown_on_demand(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await PoolerAsync(loops, "require", f =>
        {
            f["server_tls_cert_file"] = certificates.Certificate("user_trust");
            f["server_tls_key_file"] = certificates.Key("user_trust");
        });
        foreach (var user in new[] { "user_plain", "user_md5", "user_scram" })
        {
            await using var connection = await pooler.ConnectAsync(user);
            Assert.Equal("/CN=user_trust",
                await connection.ScalarAsync("select client_dn from pg_stat_ssl where pid = pg_backend_pid()"));
        }
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task New_settings_replace_the_servers_and_only_by_those(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await PoolerAsync(loops, "require", f => f.Databases["app"] += " pool_size=1");
        await using var connection = await pooler.ConnectAsync();
        var first = await connection.BackendPidAsync();
        await pooler.ConsoleAsync("RELOAD");
        Assert.Equal(first, await connection.BackendPidAsync());
        pooler.Rewrite(f => f["server_tls_protocols"] = "tlsv1.2");
        await pooler.ConsoleAsync("RELOAD");
        Assert.Equal("TLSv1.2", await connection.ScalarAsync(CipherOfServer));
        Assert.NotEqual(first, await connection.BackendPidAsync());
    }

    [PoolerTheory, Loops]
    public async Task Servers_move_between_loops_and_carry_large_results(int loops)
    {
        await using var pooler = await PoolerAsync(loops, "require", f => f["default_pool_size"] = "2");
        await Task.WhenAll(Enumerable.Range(0, 10).Select(async id =>
        {
            await using var connection = await pooler.ConnectAsync();
            for (var i = 0; i < 30; i++)
            {
                var length = (id * 7919 + i * 104729) % 200_000;
                Assert.Equal(new string((char)('a' + id), length)
                    + i, await connection.ScalarAsync("select repeat($1, $2) || $3::text", $"{(char)('a' + id)}", length, i));
            }
        }));
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer begins anew each time"), Loops]
    public async Task A_session_with_a_server_is_resumed_by_the_next_connection(int loops)
    {
        // PostgreSQL itself resumes nothing; what stands before it may. Here openssl s_server does, behind a process that
        // answers SSLRequest.
        var certificates = await Certificates.SharedAsync();
        var port = Machine.FreePort();
        // It ends with its input.
        await using var server =
            Child.Start("sh",
            ["-c", $"mkfifo in; exec 3<>in; exec openssl s_server -accept 127.0.0.1:{port} -cert {certificates.Certificate("server")} -key {certificates.Key("server")} <&3"], Machine.NewFolder("resume"));
        await Until.TrueAsync(() => Machine.IsListeningAsync(port), "s_server listens", 15, () => server.Text);
        await using var door = new SslRequestDoor(port);
        await using var pooler = await Pooler.StartAsync(door.Port, loops, f =>
        {
            f["server_tls_sslmode"] = "require";
            f["server_connect_timeout"] = "0.4"; // s_server says nothing to a login: the next one follows.
            f["server_login_retry"] = "0.1";
            f["query_wait_timeout"] = "30";
        });
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_trust"), ("database", "app")));
        await server.LineAsync("Reused session-id", 30);
    }

    [PoolerTheory, Loops]
    public async Task Both_sides_may_be_encrypted_while_a_bulk_stream_runs(int loops)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await PoolerAsync(loops, "require", f => f.OfferTls(certificates, "require"));
        await using var connection = await pooler.ConnectAsync(more: "SSL Mode=Require");
        using (var reader =
            await connection.BeginTextExportAsync("copy (select n, repeat('x', 90) from generate_series(1, 300000) n) to stdout"))
            for (var i = 1; i <= 300_000; i++)
                Assert.StartsWith($"{i}\txxx", await reader.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal(1, await connection.ScalarAsync("select 1"));
    }
}

/// <summary>Says S to SSLRequest, and leaves the rest to a TLS server.</summary>
internal sealed class SslRequestDoor : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public SslRequestDoor(int target)
    {
        _listener.Start();
        _ = ServeAsync(target);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    private async Task ServeAsync(int target)
    {
        try
        {
            for (; ; ) _ = PassAsync(await _listener.AcceptTcpClientAsync(), target);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private static async Task PassAsync(TcpClient near, int target)
    {
        try
        {
            using (near)
            using (var far = new TcpClient())
            {
                await near.GetStream().ReadExactlyAsync(new byte[8]);
                await near.GetStream().WriteAsync("S"u8.ToArray());
                await far.ConnectAsync("127.0.0.1", target);
                await Task.WhenAny(near.GetStream().CopyToAsync(far.GetStream()), far.GetStream().CopyToAsync(near.GetStream()));
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
        }
    }

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A server that answers SSLRequest in its own way, and after a handshake says nothing.</summary>
internal sealed class FakeTlsServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2? _certificate;
    private readonly string _answer;
    private readonly Task _work;

    public FakeTlsServer(Certificates certificates, string certificate)
        : this("S",
            X509Certificate2.CreateFromPem(File.ReadAllText(certificates.Certificate(certificate)),
            File.ReadAllText(certificates.Key(certificate))))
    {
    }

    public FakeTlsServer(string answer, X509Certificate2? certificate = null)
    {
        (_answer, _certificate) = (answer, certificate);
        _listener.Start();
        _work = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The bytes after the request, without or within TLS.</summary>
    public int PlainBytes { get; private set; }

    /// <summary>The name that the client called us by in its first flight.</summary>
    public string ServerName { get; private set; } = "";

    private async Task ServeAsync()
    {
        try
        {
            for (; ; ) await ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                var stream = client.GetStream();
                await stream.ReadExactlyAsync(new byte[8]);
                await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(_answer));
                Stream plain = stream;
                if (_certificate is not null)
                {
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync((_, hello, _, _) =>
                    {
                        ServerName = hello.ServerName;
                        return ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificate = _certificate });
                    }, null);
                    plain = tls;
                }
                PlainBytes += await plain.ReadAsync(new byte[100]);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            // The pooler has left, which is what most tests are about.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _work;
    }
}
