using Npgsql;

namespace FastPool.Compat.Tls;

/// <summary>TLS towards servers that differs by database and by user, and TLS that begins without a question.</summary>
public class ServerTlsScopeTests
{
    private const string FastPoolOnly = "PgBouncer has one TLS for all servers";
    private const string Version = "select coalesce(version, 'plain') from pg_stat_ssl where pid = pg_backend_pid()";

    private static async Task<Pooler> PoolerAsync(int loops, Action<PoolerFile, Certificates> change)
    {
        var certificates = await Certificates.SharedAsync();
        return await Pooler.StartAsync((await ServerTlsTests.EncryptedAsync()).Port, loops, f =>
        {
            f["query_wait_timeout"] = "2";
            f["server_login_retry"] = "0.1";
            change(f, certificates);
        });
    }

    private static async Task<string> VersionAsync(Pooler pooler, string database, string user = "user_trust")
    {
        await using var client = await pooler.ConnectAsync(user, database);
        return (string)(await client.ScalarAsync(Version))!;
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task Each_database_has_its_own(int loops)
    {
        await using var pooler = await PoolerAsync(loops, (f, certificates) =>
        {
            f["server_tls_sslmode"] = "verify-full";
            f["server_tls_ca_file"] = certificates.Stranger;
            f.Databases["plain"] = "{server} dbname=app server_tls_sslmode=disable";
            f.Databases["older"] = "{server} dbname=app server_tls_sslmode=require server_tls_protocols=tlsv1.2 "
                + "server_tls_ciphers=ECDHE-RSA-AES256-GCM-SHA384";
            f.Databases["sure"] = $"{{server}} dbname=app server_tls_ca_file={certificates.Authority}";
        });
        Assert.Equal("plain", await VersionAsync(pooler, "plain"));
        Assert.Equal("TLSv1.2", await VersionAsync(pooler, "older"));
        Assert.Equal("TLSv1.3", await VersionAsync(pooler, "sure"));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => pooler.ConnectAsync()); // The global one.
        await pooler.LineAsync("certificate verify failed");
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_user_s_is_stronger_and_has_a_certificate_of_its_own(int loops)
    {
        // user_plain is let in by PostgreSQL with a certificate alone.
        await using var pooler = await PoolerAsync(loops, (f, certificates) => f["server_tls_sslmode"] = "disable");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => VersionAsync(pooler, "app", "user_plain"));
        var certificates = await Certificates.SharedAsync();
        var ini = await File.ReadAllTextAsync(pooler.IniPath);
        await File.WriteAllTextAsync(pooler.IniPath, $"{ini}\n[users]\nuser_plain = server_tls_sslmode=verify-ca "
            + $"server_tls_ca_file={certificates.Authority} server_tls_cert_file={certificates.Certificate("user_trust")} "
            + $"server_tls_key_file={certificates.Key("user_trust")}\n");
        await pooler.ConsoleAsync("RELOAD");
        Assert.Equal("TLSv1.3", await VersionAsync(pooler, "app", "user_plain"));
        Assert.Equal("plain", await VersionAsync(pooler, "app"));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_reload_replaces_the_servers_whose_TLS_is_another_and_no_others(int loops)
    {
        await using var pooler = await PoolerAsync(loops, (f, _) =>
        {
            f["server_tls_sslmode"] = "prefer";
            f.Databases["own"] = "{server} dbname=app server_tls_sslmode=require";
        });
        async Task<(int Global, int Own)> PidsAsync()
        {
            await using var global = await pooler.ConnectAsync();
            await using var own = await pooler.ConnectAsync(database: "own");
            return (await global.BackendPidAsync(), await own.BackendPidAsync());
        }
        var first = await PidsAsync();
        pooler.Rewrite(f => f.Databases["own"] = "{server} dbname=app server_tls_sslmode=disable");
        await pooler.ConsoleAsync("RELOAD");
        var second = await PidsAsync();
        Assert.Equal(first.Global, second.Global);
        Assert.NotEqual(first.Own, second.Own);
        Assert.Equal("plain", await VersionAsync(pooler, "own"));
        pooler.Rewrite(f => f["server_tls_sslmode"] = "disable"); // Which is what the other has already.
        await pooler.ConsoleAsync("RELOAD");
        var third = await PidsAsync();
        Assert.NotEqual(second.Global, third.Global);
        Assert.Equal(second.Own, third.Own);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_wrong_list_of_ciphers_of_a_database_keeps_the_old_settings(int loops)
    {
        await using var pooler = await PoolerAsync(loops, (f, _) => f["server_tls_sslmode"] = "prefer");
        pooler.Rewrite(f => f.Databases["own"] = "{server} dbname=app server_tls_sslmode=require server_tls_ciphers=ROT13");
        await pooler.ConsoleAsync("RELOAD");
        await pooler.LineAsync("invalid server_tls_ciphers: ROT13");
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly)]
    [Loops("require", "127.0.0.1", "")]
    [Loops("verify-full", "localhost", "localhost")]
    public async Task A_server_may_want_the_handshake_at_once(int loops, string mode, string host, string name)
    {
        var certificates = await Certificates.SharedAsync();
        await using var server = new DirectTlsServer(certificates, (await Postgres.SharedAsync()).Port);
        await using var pooler = await PoolerAsync(loops, (f, _) =>
        {
            f["server_tls_ca_file"] = certificates.Authority;
            f["default_pool_size"] = "1";
            f.Databases["app"] =
                $"host={host} port={server.Port} dbname=app server_tls_sslmode={mode} server_tls_sslnegotiation=direct";
        });
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        var tls = await pooler.ConsoleAsync("SHOW SERVERS");
        Assert.StartsWith("TLSv1.3/TLS_", tls.Rows[0][tls.Columns.IndexOf("tls")], StringComparison.Ordinal);
        Assert.Equal(name, server.Names.First());

        // A cancel request finds no other way in either.
        await using var client = await pooler.ConnectAsync();
        await using var command = new NpgsqlCommand("select pg_sleep(60)", client);
        var sleeping = command.ExecuteNonQueryAsync();
        await pooler.PoolIsAsync("cl_active", 1);
        await Until.TrueAsync(async () => await (await Postgres.SharedAsync()).BackendCountAsync(
            "query = 'select pg_sleep(60)' and state = 'active'") == 1, "it sleeps", 15);
        command.Cancel();
        var cancelled = await Assert.ThrowsAsync<OperationCanceledException>(() => sleeping);
        Assert.Equal("57014", Assert.IsType<PostgresException>(cancelled.InnerException).SqlState);
        Assert.Equal(1, await client.ScalarAsync("select 1"));
        Assert.Equal(0, server.PlainCount);

        await pooler.TakeOverAsync();
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_server_that_does_not_say_that_it_speaks_PostgreSQL_is_left(int loops)
    {
        await using var server =
            new DirectTlsServer(await Certificates.SharedAsync(), (await Postgres.SharedAsync()).Port, false);
        await using var pooler = await PoolerAsync(loops, (f, _) =>
        {
            f["server_tls_sslmode"] = "require";
            f.Own["server_tls_sslnegotiation"] = "direct";
            f.Databases["app"] = $"host=127.0.0.1 port={server.Port} dbname=app";
        });
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => pooler.ConnectAsync());
        await pooler.LineAsync("direct SSL connection was established without ALPN protocol negotiation extension");
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_server_that_wants_to_be_asked_first_gets_no_login(int loops)
    {
        await using var pooler = await PoolerAsync(loops, (f, _) =>
            f.Databases["app"] += " server_tls_sslmode=require server_tls_sslnegotiation=direct");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => pooler.ConnectAsync());
        await pooler.LineAsync("closing because: server conn crashed?");
    }
}
