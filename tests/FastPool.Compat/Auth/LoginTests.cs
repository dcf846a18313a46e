using Npgsql;

namespace FastPool.Compat.Auth;

/// <summary>Each way in on the client's side, with each way in on the server's side; and what a refused client reads.</summary>
public class LoginTests
{
    [PoolerTheory]
    [Loops("trust", "user_trust")]
    [Loops("trust", "user_plain")]
    [Loops("trust", "user_md5")]
    [Loops("trust", "user_scram")]
    [Loops("plain", "user_trust")]
    [Loops("plain", "user_plain")]
    [Loops("plain", "user_md5")]
    [Loops("plain", "user_scram")]
    [Loops("md5", "user_trust")]
    [Loops("md5", "user_plain")]
    [Loops("md5", "user_md5")]
    [Loops("md5", "user_scram")]
    [Loops("scram-sha-256", "user_trust")]
    [Loops("scram-sha-256", "user_plain")]
    [Loops("scram-sha-256", "user_md5")]
    [Loops("scram-sha-256", "user_scram")]
    public async Task Every_way_in_works_with_every_way_the_server_asks(int loops, string authType, string user)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["auth_type"] = authType);
        await using var connection = await pooler.ConnectAsync(user);
        Assert.Equal(user, await connection.ScalarAsync("select current_user::text"));
    }

    [PoolerTheory]
    [Loops("plain", "password authentication failed")]
    [Loops("md5", "password authentication failed")]
    [Loops("scram-sha-256", "SASL authentication failed")]
    public async Task A_wrong_password_and_an_unknown_user_read_the_same_text(int loops, string authType, string text)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["auth_type"] = authType);
        var wrong = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync(more: "Password=wrong"));
        Assert.Equal((Binary.State("28P01"), "FATAL", text), (wrong.SqlState, wrong.Severity, wrong.MessageText));
        var unknown = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("nobody_knows"));
        Assert.Equal((Binary.State("28P01"), text), (unknown.SqlState, unknown.MessageText));
        await pooler.LineAsync("no such user: nobody_knows");
        await using var right = await pooler.ConnectAsync();
    }

    [PoolerTheory, Loops]
    public async Task Without_passwords_an_unknown_user_is_refused(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("nobody_knows"));
        Assert.Equal((Binary.State("28000"), "\"trust\" authentication failed"), (refused.SqlState, refused.MessageText));
    }

    [PoolerTheory(Since = "1.19")]
    [Loops("trust")]
    [Loops("md5")]
    [Loops("scram-sha-256")]
    public async Task An_unknown_database_is_named_after_the_password_was_right(int loops, string authType)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["auth_type"] = authType);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync(database: "nowhere"));
        Assert.Equal(("08P01", "no such database: nowhere"), (refused.SqlState, refused.MessageText));
        await pooler.LineAsync("login failed: db=nowhere user=user_trust");
        if (authType == "trust")
            return;
        var wrong =
            await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync(database: "nowhere", more: "Password=wrong"));
        Assert.Contains("authentication failed", wrong.MessageText, StringComparison.Ordinal);
    }

    [PoolerTheory, Loops]
    public async Task A_database_that_only_the_pooler_knows_ends_with_the_servers_own_error(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f.Databases["gone"] = "{server} dbname=not_there");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync(database: "gone"));
        Assert.Equal("database \"not_there\" does not exist", refused.MessageText);
        if (Binary.Version >= new Version(1, 25))
            Assert.Equal("3D000", refused.SqlState);
    }

    [PoolerTheory, Loops]
    public async Task A_star_entry_serves_any_database(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f.Databases.Clear();
            f.Databases["*"] = "{server}";
        });
        await using var connection = await pooler.ConnectAsync(database: "postgres");
        Assert.Equal("postgres", await connection.ScalarAsync("select current_database()::text"));
        await pooler.LineAsync("registered new auto-database: ");
    }

    [PoolerTheory, Loops]
    public async Task A_forced_user_is_who_the_server_sees(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "md5";
            f.Databases["forced"] = $"{{server}} dbname=app user=user_scram password='{Postgres.Password}'";
        });
        await using var connection = await pooler.ConnectAsync("user_plain", "forced");
        Assert.Equal("user_scram", await connection.ScalarAsync("select current_user::text"));
    }

    [PoolerTheory, Loops]
    public async Task The_verifiers_of_pg_authid_serve_as_secrets_and_scram_keys_pass_through(int loops)
    {
        var server = await Postgres.SharedAsync();
        var scram = await server.ScalarAsync<string>("select rolpassword from pg_authid where rolname = 'user_scram'");
        var md5 = await server.ScalarAsync<string>("select rolpassword from pg_authid where rolname = 'user_md5'");
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "md5";
            f.Users["user_scram"] = scram;
            f.Users["user_md5"] = md5;
        });
        foreach (var user in new[] { "user_scram", "user_md5" })
        {
            await using var connection = await pooler.ConnectAsync(user);
            Assert.Equal(user, await connection.ScalarAsync("select current_user::text"));
            await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync(user, more: "Password=wrong"));
        }
    }

    [PoolerTheory, Loops]
    public async Task Auth_query_asks_the_server_for_users_that_no_file_knows(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "md5";
            f["auth_user"] = "user_trust";
            f["auth_query"] = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname=$1 AND rolcanlogin";
            f.Users.Remove("user_scram");
            f.Users.Remove("user_md5");
        });
        foreach (var user in new[] { "user_scram", "user_md5" })
        {
            await using var connection = await pooler.ConnectAsync(user);
            Assert.Equal(user, await connection.ScalarAsync("select current_user::text"));
        }

        await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("user_md5", more: "Password=wrong"));
        await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("nobody_knows"));
    }

    [PoolerTheory, Loops]
    public async Task An_hba_file_chooses_the_way_in(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            var hba = Path.Combine(Machine.NewFolder("hba"), "hba.conf");
            File.WriteAllText(hba,
                "host app user_trust 127.0.0.1/32 trust\nhost app user_md5 127.0.0.1/32 md5\nhost all user_plain all reject\n");
            f["auth_type"] = "hba";
            f["auth_hba_file"] = hba;
        });
        await using (await pooler.ConnectAsync("user_trust", more: "Password=any"))
        await using (await pooler.ConnectAsync("user_md5"))
        {
            await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("user_md5", more: "Password=wrong"));
            await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("user_plain"));
            await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync("user_scram"));
        }
    }

    [PoolerTheory, Loops]
    public async Task Any_lets_any_name_in_as_the_forced_user(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["auth_type"] = "any";
            f.Databases["open"] = "{server} dbname=app user=user_trust";
        });
        await using var connection = await pooler.ConnectAsync("whoever", "open");
        Assert.Equal("user_trust", await connection.ScalarAsync("select current_user::text"));
    }

    [PoolerTheory, Loops]
    public async Task Many_clients_log_in_at_once(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops, f => f["auth_type"] = "md5");
        var connections = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => pooler.ConnectAsync("user_md5")));
        var answers = await Task.WhenAll(connections.Select((c, i) => c.ScalarAsync("select $1::int", i)));
        Assert.Equal(Enumerable.Range(0, 100), answers.Cast<int>());
        foreach (var connection in connections)
            await connection.DisposeAsync();
    }
}
