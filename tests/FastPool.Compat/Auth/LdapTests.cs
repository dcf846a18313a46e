using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace FastPool.Compat.Auth;

/// <summary>auth_type=ldap, and ldap in HBA rules, against OpenLDAP.</summary>
public class LdapTests
{
    private const string Base = "ldapserver=127.0.0.1 ldapport={port} ";

    private static async Task<Pooler> StartAsync(int loops, string options)
    {
        var slapd = await Slapd.SharedAsync();
        var certificates = await Certificates.SharedAsync();
        return await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "ldap";
            f["verbose"] = "2"; // Whatever is logged, no password is.
            f["auth_ldap_options"] = options.Replace("{port}", $"{slapd.Port}", StringComparison.Ordinal)
                .Replace("{secure}", $"{slapd.SecurePort}", StringComparison.Ordinal);
            f["client_login_timeout"] = "10";
            f.Environment.Add(("LDAPTLS_CACERT", certificates.Authority));
            f.Users.Clear();
        });
    }

    [PoolerTheory(Since = "1.25")]
    [Loops(Base + "ldapprefix=\"cn=\" ldapsuffix=\",ou=people,dc=example\"")]
    [Loops(Base + "ldaptls=1 ldapprefix=\"cn=\" ldapsuffix=\",ou=people,dc=example\"")]
    [Loops("ldapserver=127.0.0.1 ldapscheme=ldaps ldapport={secure} ldapprefix=\"cn=\" ldapsuffix=\",ou=people,dc=example\"")]
    [Loops(Base + "ldapbasedn=\"dc=example\"")]
    [Loops(Base
        + "ldapbasedn=\"dc=example\" ldapbinddn=\"cn=root,dc=example\" ldapbindpasswd=rootpassword ldapsearchattribute=cn")]
    [Loops(Base + "ldapbasedn=\"dc=example\" ldapsearchfilter=\"(&(objectClass=person)(uid=$username))\"")]
    [Loops("ldapurl=\"ldap://127.0.0.1:{port}/ou=people,dc=example?uid?one\"")]
    [Loops("ldapserver=\"127.0.0.1:1 127.0.0.1\" ldapport={port} ldapbasedn=\"dc=example\"")]
    public async Task Each_way_of_asking_lets_the_right_one_in(int loops, string options)
    {
        await using var pooler = await StartAsync(loops, options);
        await using var connection = await pooler.ConnectAsync("user_scram");
        // The server has asked for the same password.
        Assert.Equal("user_scram", await connection.ScalarAsync("select current_user::text"));
        var refused =
            await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("user_scram", more: "Password=wrong"));
        Assert.Equal(("FATAL", Binary.State("28000"), "LDAP authentication failed"),
            (refused.Severity, refused.SqlState, refused.MessageText));
        await pooler.LineAsync("WARNING LDAP login failed for user cn=user_scram,ou=people,dc=example on server ");
        Assert.DoesNotContain(Postgres.Password, pooler.Process.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("rootpassword", pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(Since = "1.25")]
    [Loops("user_md5", "LDAP user \"user_md5\" is not unique")]
    [Loops("nobody_knows", "LDAP user \"nobody_knows\" does not exist")]
    [Loops("user*", "invalid character in user name for LDAP authentication")]
    [Loops("a)(uid=user_plain", "invalid character in user name for LDAP authentication")]
    public async Task A_name_that_finds_not_just_one_is_refused(int loops, string user, string line)
    {
        await using var pooler = await StartAsync(loops, Base + "ldapbasedn=\"dc=example\"");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync(user));
        Assert.Equal("LDAP authentication failed", refused.MessageText);
        await pooler.LineAsync(line);
    }

    [PoolerTheory(Since = "1.25")]
    [Loops("ldapserver=127.0.0.1 ldapbasedn=b ldapprefix=a", "cannot mix options for simple bind and search+bind modes")]
    [Loops("ldapserver=127.0.0.1 ldapport=1 ldapprefix=a", "Can't contact LDAP server")]
    [Loops(Base
        + "ldapbasedn=\"dc=example\" ldapbinddn=\"cn=root,dc=example\" ldapbindpasswd=wrong",
        "could not perform initial LDAP bind for ldapbinddn \"cn=root,dc=example\" on server \"127.0.0.1\": Invalid credentials")]
    public async Task Faults_of_the_LDAP_options_or_the_directory_stand_in_the_log(int loops, string options, string line)
    {
        await using var pooler = await StartAsync(loops, options);
        await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("user_plain"));
        await pooler.LineAsync(line);
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task An_empty_password_is_no_anonymous_bind(int loops)
    {
        await using var pooler = await StartAsync(loops, Base + "ldapprefix=\"cn=\" ldapsuffix=\",ou=people,dc=example\"");
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(Wire.Startup(("user", "user_plain"), ("database", "app")));
        Assert.Equal('R', (await client.ReadAsync())!.Type);
        await client.SendAsync(Wire.Typed('p', [0]));
        Assert.Equal($"FATAL/{Binary.State("28P01")} empty password returned by client", (await client.ReplyAsync()).ErrorText);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer asks one after the other"), Loops]
    public async Task A_directory_that_hangs_costs_its_own_login_and_no_other(int loops)
    {
        var slapd = await Slapd.SharedAsync();
        using var silent = new TcpListener(IPAddress.Loopback, 0); // Accepts, and says nothing.
        silent.Start();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            var hba = Path.Combine(Machine.NewFolder("hba"), "hba");
            File.WriteAllText(hba,
                $"host all user_md5 all ldap ldapserver=127.0.0.1 ldapport={((IPEndPoint)silent.LocalEndpoint).Port} ldapprefix=x\nhost all all all ldap ldapserver=127.0.0.1 ldapport={slapd.Port} ldapprefix=\"cn=\" ldapsuffix=\",ou=people,dc=example\"\n");
            f["auth_type"] = "hba";
            f["auth_hba_file"] = hba;
        });
        var hanging = Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("user_md5"));
        for (var i = 0; i < 5; i++) await using (await pooler.ConnectAsync("user_plain")) { }
        Assert.False(hanging.IsCompleted);
        Assert.Equal("LDAP authentication failed", (await hanging).MessageText);
        await pooler.LineAsync("LDAP login failed for user x");
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer misreads long passwords")]
    [Loops(false)]
    [Loops(true)]
    public async Task Every_password_is_answered_with_and_without_TLS(int loops, bool hasTls)
    {
        var certificates = await Certificates.SharedAsync();
        await using var pooler = await StartAsync(loops, Base + "ldapbasedn=\"dc=example\"");
        pooler.Rewrite(f => f.OfferTls(certificates, "allow"));
        Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD"));
        foreach (var (user, password, answer) in new[]
        {
            ("user_scram", Postgres.Password, "in"),
            ("user_scram", "wrong", $"FATAL/{Binary.State("28000")} LDAP authentication failed"),
            ("user_scram", "", $"FATAL/{Binary.State("28P01")} empty password returned by client"),
            ("user_scram", new string('x', 65_000), $"FATAL/{Binary.State("28000")} LDAP authentication failed"),
            ("user_scram", LoginClient.Over, "FATAL/08P01 bad packet header: '7000011174000000'"),
            ("nobody_knows", Postgres.Password, $"FATAL/{Binary.State("28000")} LDAP authentication failed"),
            ("nobody_knows", "", $"FATAL/{Binary.State("28P01")} empty password returned by client"),
        })
            Assert.Equal(new LoginOutcome("plain", answer),
                await LoginClient.LoginAsync(pooler.Port, hasTls, user, "app", password));
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer does not count them"), Loops]
    public async Task Logins_count_against_the_limit_of_their_database(int loops)
    {
        await using var pooler = await StartAsync(loops, Base + "ldapbasedn=\"dc=example\"");
        pooler.Rewrite(f => f.Databases["app"] += " max_db_client_connections=1");
        Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD"));
        await using var first = await pooler.ConnectAsync("user_scram");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("user_plain"));
        Assert.Equal("client connections exceeded (max_db_client_connections)", refused.MessageText);
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task A_database_with_an_auth_user_of_its_own_is_a_mistake_and_the_console_is_for_those_who_are_listed(int loops)
    {
        await using var pooler = await StartAsync(loops, Base + "ldapbasedn=\"dc=example\"");
        pooler.Rewrite(f =>
        {
            f.Databases["app"] += " auth_user=user_trust";
            f["stats_users"] = "user_plain";
        });
        Assert.Equal("RELOAD", await pooler.OwnUserAsync("RELOAD"));
        Assert.Equal(new LoginOutcome("", "FATAL/08P01 bouncer config error"),
            await LoginClient.LoginAsync(pooler.Port, false, "user_scram", "app", Postgres.Password));
        await pooler.LineAsync("LDAP can't be used together with database authentication");
        Assert.Equal(new LoginOutcome("", "FATAL/08P01 not allowed"),
            await LoginClient.LoginAsync(pooler.Port, false, "user_scram", "pgbouncer", Postgres.Password));
        Assert.Equal(new LoginOutcome("plain", "in"),
            await LoginClient.LoginAsync(pooler.Port, false, "user_plain", "pgbouncer", Postgres.Password));
        Assert.Equal(new LoginOutcome("plain", $"FATAL/{Binary.State("28000")} LDAP authentication failed"),
            await LoginClient.LoginAsync(pooler.Port, false, "user_plain", "pgbouncer", "wrong"));
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task An_LDAP_rule_does_not_ask_auth_query_for_its_users(int loops)
    {
        var slapd = await Slapd.SharedAsync();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            var hba = Path.Combine(Machine.NewFolder("hba"), "hba");
            File.WriteAllText(hba,
                $"host all user_scram,user_plain all ldap ldapserver=127.0.0.1 ldapport={slapd.Port} ldapbasedn=\"dc=example\"\nhost all all all md5\n");
            f["auth_type"] = "hba";
            f["auth_hba_file"] = hba;
            f["auth_user"] = "user_trust";
            f["auth_query"] = "select nobody, nothing from nowhere where x = $1";
            foreach (var user in new[] { "user_scram", "user_md5" }) f.Users.Remove(user);
            f.Users["user_plain"] = "what the file says";
        });
        // In no file, and in the file under another password: LDAP decides, and the server is told the same.
        foreach (var user in new[] { "user_scram", "user_plain" })
        {
            await using var connection = await pooler.ConnectAsync(user);
            Assert.Equal(user, await connection.ScalarAsync("select current_user::text"));
        }
        var refused = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("user_md5"));
        Assert.Equal("bouncer config error", refused.MessageText);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer stands still"), Loops]
    public async Task A_full_queue_refuses_at_once_and_holds_up_nobody(int loops)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            var hba = Path.Combine(Machine.NewFolder("hba"), "hba");
            File.WriteAllText(hba,
                $"host all user_md5 all ldap ldapserver=127.0.0.1 ldapport={((IPEndPoint)silent.LocalEndpoint).Port} ldapprefix=x\nhost all all all md5\n");
            f["auth_type"] = "hba";
            f["auth_hba_file"] = hba;
        });
        var clients = new List<LoginClient>();
        for (var i = 0; i < 90; i++)
        {
            clients.Add(await LoginClient.ConnectAsync(pooler.Port, false));
            await clients[i].SendAsync(Wire.Startup(("user", "user_md5"), ("database", "app")));
            Assert.Equal('R', (await clients[i].ReadAsync())!.Value.Type);
            await clients[i].AnswerAsync("password\0"u8.ToArray());
        }
        await pooler.LineAsync("WARNING LDAP queue is full");
        Assert.Equal($"FATAL/{Binary.State("28000")} LDAP authentication failed",
            new Message('E', (await clients[^1].ReadAsync())!.Value.Body) is var error
            ? $"{error.Field('S')}/{error.Field('C')} {error.Field('M')}" : "");
        for (var i = 0; i < 5; i++) await using (await pooler.ConnectAsync("user_plain")) { }
        foreach (var client in clients) client.Dispose();
        await using (await pooler.ConnectAsync("user_plain")) { }
    }

    [PoolerTheory(Since = "1.25"), Loops]
    public async Task Without_options_there_is_nobody_to_ask(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["auth_type"] = "ldap");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("user_plain"));
        Assert.Equal("auth_ldap_options is null", refused.MessageText);
    }
}
