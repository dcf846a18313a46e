using Npgsql;

namespace FastPool.Compat.Auth;

/// <summary>Passwords for servers that a file or a command has, and that change while the pooler runs.</summary>
public class PasswordSourceTests
{
    private const string FastPoolOnly = "PgBouncer has passwords in its ini file alone";

    /// <summary>A role of its own, whose password a test may change.</summary>
    private static async Task<string> NewRoleAsync(Postgres server, string password)
    {
        var role = "r" + Guid.NewGuid().ToString("N")[..12];
        await ExecuteAsync(server, $"create role {role} login");
        await SetPasswordAsync(server, role, password);
        return role;
    }

    private static Task SetPasswordAsync(Postgres server, string role, string password) =>
        ExecuteAsync(server, $"alter role {role} password '{password}'");

    private static async Task ExecuteAsync(Postgres server, string sql)
    {
        await using var connection = await server.ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static string Secret() => "s3cret-" + Guid.NewGuid().ToString("N");

    private static async Task<string> FileAsync(string content)
    {
        var path = Path.Combine(Machine.NewFolder("secret"), "it");
        await WriteAsync(path, content);
        return path;
    }

    private static async Task WriteAsync(string path, string content)
    {
        await File.WriteAllTextAsync(path, content);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_100_100);
    }

    private static async Task<object?> UserAsync(Pooler pooler, string database = "own")
    {
        await using var client = await pooler.ConnectAsync(database: database);
        return await client.ScalarAsync("select current_user::text");
    }

    private static Task PasswordIsTakenAsync(Pooler pooler, string role) =>
        Until.TrueAsync(async () =>
        {
            try
            {
                return role.Equals(await UserAsync(pooler));
            }
            catch (PostgresException)
            {
                return false;
            }
        }, "the right password is taken", 15);

    /// <summary>The next client needs a new login to the server.</summary>
    private static async Task DropServersAsync(Pooler pooler)
    {
        await pooler.ConsoleAsync("RECONNECT");
        await Until.TrueAsync(async () => (await pooler.ConsoleAsync("SHOW SERVERS")).Rows.Count == 0, "no server is left", 15);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly)]
    [Loops("file")]
    [Loops("command")]
    public async Task A_password_that_rotates_is_followed_without_an_error_to_a_client(int loops, string kind)
    {
        var server = await Postgres.SharedAsync();
        var (first, second, third) = (Secret(), Secret(), Secret());
        var role = await NewRoleAsync(server, first);
        var path = await FileAsync(first + "\n");
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["verbose"] = "2";
            f["server_login_retry"] = "1000"; // A failure is one for good.
            f.Databases["own"] = $"{{server}} dbname=app user={role} "
                + (kind == "file" ? $"password_file={path}" : $"password_command='/bin/cat {path}'");
        });
        Assert.Equal(role, await UserAsync(pooler));

        await SetPasswordAsync(server, role, second);
        await WriteAsync(path, second);
        await DropServersAsync(pooler);
        Assert.Equal(role, await UserAsync(pooler));

        await SetPasswordAsync(server, role, third); // Several logins at once.
        await WriteAsync(path, third);
        await DropServersAsync(pooler);
        var clients = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => pooler.ConnectAsync(database: "own")));
        await Task.WhenAll(clients.Select(client => client.ScalarAsync("select pg_sleep(0.2)::text")));
        foreach (var client in clients) await client.DisposeAsync();

        await pooler.TakeOverAsync();
        await DropServersAsync(pooler);
        Assert.Equal(role, await UserAsync(pooler));
        foreach (var secret in (string[])[first, second, third])
            Assert.DoesNotContain(secret, pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_password_that_is_wrong_all_the_same_is_an_error_and_the_next_try_asks_again(int loops)
    {
        var server = await Postgres.SharedAsync();
        var right = Secret();
        var role = await NewRoleAsync(server, right);
        var path = await FileAsync("wr0ng");
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["server_login_retry"] = "0.1";
            f.Databases["own"] = $"{{server}} dbname=app user={role} password_command='/bin/cat {path}'";
        });
        var refused = await Assert.ThrowsAsync<PostgresException>(() => UserAsync(pooler));
        Assert.Equal($"28P01: password authentication failed for user \"{role}\"", refused.Message.Split('\n')[0]);
        await WriteAsync(path, right);
        await PasswordIsTakenAsync(pooler, role);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly)]
    [Loops(true)]
    [Loops(false)]
    public async Task A_file_that_is_corrected_counts_at_once_whatever_server_login_retry_is(int loops, bool isThere)
    {
        var server = await Postgres.SharedAsync();
        var right = Secret();
        var role = await NewRoleAsync(server, right);
        var path = await FileAsync("wr0ng");
        if (!isThere) File.Delete(path);
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["server_login_retry"] = "1000";
            f.Databases["own"] = $"{{server}} dbname=app user={role} password_file={path}";
        });
        await Assert.ThrowsAsync<PostgresException>(() => UserAsync(pooler));
        await WriteAsync(path, right);
        await PasswordIsTakenAsync(pooler, role);
        Assert.DoesNotContain(right, pooler.Process.Text, StringComparison.Ordinal);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_user_s_line_has_the_password_for_all_databases(int loops)
    {
        var server = await Postgres.SharedAsync();
        var password = Secret();
        var role = await NewRoleAsync(server, password);
        var path = await FileAsync(password);
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            // A verifier: servers cannot be logged in to with it.
            f.Users[role] = "SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==$47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
                + "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        });
        var ini = await File.ReadAllTextAsync(pooler.IniPath);
        await File.WriteAllTextAsync(pooler.IniPath, $"{ini}\n[users]\n{role} = password_file={path}\n");
        await pooler.ConsoleAsync("RELOAD");
        await using var client = await RawClient.LoginAsync(pooler.Port, role, "app");
        Assert.Equal(role, (await client.QueryAsync("select current_user")).Rows[0][0]);
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly)]
    [Loops("password_file=/nowhere/at/all", "password_file of database \"own\": No such file or directory")]
    [Loops("password_command='/bin/sh -c \"echo lost >&2; exit 7\"'",
        "password_command of database \"own\": it ended with status 7")]
    public async Task Without_a_password_the_client_is_told_at_once_and_the_log_says_why(int loops, string source, string line)
    {
        var role = await NewRoleAsync(await Postgres.SharedAsync(), Secret());
        await using var pooler = await Pooler.StartAsync(loops, f =>
            f.Databases["own"] = $"{{server}} dbname=app user={role} {source}");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => UserAsync(pooler));
        Assert.Contains("server login failed: no password", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith($": no password: {line}.", refused.Detail, StringComparison.Ordinal);
        await pooler.LineAsync(line);
        Assert.DoesNotContain("lost", pooler.Process.Text, StringComparison.Ordinal);
        Assert.Equal("user_trust", await UserAsync(pooler, "app")); // Nobody else minds.
    }

    [PoolerTheory(FastPoolOnly = FastPoolOnly), Loops]
    public async Task A_command_that_hangs_holds_nobody_else_up_and_sees_no_connection(int loops)
    {
        var server = await Postgres.SharedAsync();
        var role = await NewRoleAsync(server, Secret());
        var list = await FileAsync("");
        File.SetUnixFileMode(list, (UnixFileMode)0b110_110_110);
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["server_connect_timeout"] = "1";
            f["query_wait_timeout"] = "3";
            f.Databases["own"] =
                $"{{server}} dbname=app user={role} password_command='/bin/sh -c \"ls -l /proc/self/fd >{list}; sleep 1000\"'";
        });
        await using var other = await pooler.ConnectAsync();
        var refused = UserAsync(pooler);
        while (!refused.IsCompleted) Assert.Equal(1, await other.ScalarAsync("select 1"));
        var error = await Assert.ThrowsAsync<PostgresException>(() => refused);
        Assert.EndsWith(
            ": no password: password_command of database \"own\" has not answered.", error.Detail, StringComparison.Ordinal);
        var open = await File.ReadAllTextAsync(list);
        Assert.Contains("/dev/null", open, StringComparison.Ordinal); // Its input: the list was written.
        Assert.DoesNotContain("socket:", open, StringComparison.Ordinal);
        Assert.DoesNotContain("anon_inode", open, StringComparison.Ordinal);
        Assert.True(await pooler.TakesClientsAsync());
    }
}
