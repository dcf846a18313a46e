using Npgsql;

namespace FastPool.Compat.Auth;

/// <summary><c>fastpool mkauth</c> against PostgreSQL: what it writes lets people in, and how it writes it.</summary>
public class MakeAuthTests
{
    private const string Odd = "o\"dd röle";

    private static readonly Lazy<Task<Postgres>> Server = new(StartAsync);

    private static async Task<Postgres> StartAsync()
    {
        var certificates = await Certificates.SharedAsync();
        var server = await Postgres.StartAsync(
            $"ssl = on\nssl_cert_file = '{certificates.Certificate("server")}'\nssl_key_file = '{certificates.Key("server")}'",
            """
            local all all trust
            host all postgres,user_trust all trust
            hostssl all user_plain all password
            host all user_md5 all md5
            host all all all scram-sha-256

            """);
        await using var connection = await server.ConnectAsync();
        foreach (var sql in new[]
        {
            $"create role \"{Odd.Replace("\"", "\"\"", StringComparison.Ordinal)}\" login password '{Postgres.Password}'",
                "create role gone login password 'x' valid until '2020-01-01'",
            "create role still login password 'x' valid until '2999-01-01'", "create role nobody nologin password 'x'",
                "create role bare login",
        })
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
        return server;
    }

    private static Task<(int ExitCode, string Text)> RunAsync(string output, string text,
        params (string, string)[] environment) =>
        Child.RunAsync(Binary.Path, ["mkauth", output, text], environment);

    [PoolerTheory(FastPoolOnly = "has a script for it"), Loops]
    public async Task The_list_it_writes_lets_people_in(int loops)
    {
        var server = await Server.Value;
        var list = Path.Combine(Machine.NewFolder("list"), "userlist.txt");
        Assert.Equal((0, ""), await RunAsync(list, $"host=127.0.0.1 port={server.Port} user=postgres dbname=postgres"));
        var lines = await File.ReadAllLinesAsync(list);
        Assert.Contains("\"bare\" \"\" \"\"", lines);
        Assert.Contains("\"gone\" \"\" \"\"", lines);
        Assert.Contains(lines, line => line.StartsWith("\"still\" \"SCRAM-SHA-256$4096:", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("\"user_md5\" \"md5", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("\"o\"\"dd röle\" \"SCRAM", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.StartsWith("\"nobody\"", StringComparison.Ordinal));
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(list));

        await using var pooler = await Pooler.StartAsync(server.Port, loops, f =>
        {
            f["auth_type"] = "md5";
            f["auth_file"] = list;
        });
        foreach (var user in new[] { "user_md5", "user_scram", Odd })
        {
            await using (var connection = await pooler.ConnectAsync($"'{user}'"))
                Assert.Equal(user, await connection.ScalarAsync("select current_user::text"));
            await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync($"'{user}'", more: "Password=wrong"));
        }
        foreach (var user in new[] { "bare", "gone", "nobody" })
            await Assert.ThrowsAsync<PostgresException>(() => pooler.ConnectAsync(user, more: "Password=x"));
    }

    [PoolerFact(FastPoolOnly = "has a script for it")]
    public async Task A_dash_writes_the_same_list_to_the_standard_output_and_makes_no_file()
    {
        var server = await Server.Value;
        var list = Path.Combine(Machine.NewFolder("list"), "userlist.txt");
        var text = $"host=127.0.0.1 port={server.Port} user=postgres dbname=postgres";
        Assert.Equal((0, ""), await RunAsync(list, text));
        var (exit, output) = await RunAsync("-", text);
        Assert.Equal((0, (await File.ReadAllTextAsync(list)).Trim()), (exit, output.Trim()));
        Assert.False(File.Exists("-"));
    }

    [PoolerFact(FastPoolOnly = "has a script for it")]
    public async Task It_logs_in_by_every_password_and_through_TLS()
    {
        var server = await Server.Value;
        var certificates = await Certificates.SharedAsync();
        var folder = Machine.NewFolder("list");
        var list = Path.Combine(folder, "userlist.txt");
        async Task GoodAsync(string text, params (string, string)[] environment)
        {
            File.Delete(list);
            Assert.Equal((0, ""), await RunAsync(list, text, environment));
            Assert.True(File.Exists(list));
        }

        var port = server.Port;
        await GoodAsync(
            $"host=127.0.0.1 port={port} user=user_md5 dbname=postgres password='{Postgres.Password}' sslmode=disable");
        await GoodAsync($"host=127.0.0.1 port={port} user=user_scram dbname=postgres sslmode=disable",
            ("PGPASSWORD", Postgres.Password));
        // Bound to the channel.
        await GoodAsync($"host=127.0.0.1 port={port} user=user_scram dbname=postgres sslmode=require",
            ("PGPASSWORD", Postgres.Password));
        await GoodAsync($"host=127.0.0.1 port={port} user=user_plain dbname=postgres sslmode=allow",
            ("PGPASSWORD", Postgres.Password));
        await GoodAsync(
            $"host=localhost hostaddr=127.0.0.1 port={port} user=user_plain dbname=postgres sslmode=verify-full sslrootcert={certificates.Authority}", ("PGPASSWORD", Postgres.Password));
        var passwords = Path.Combine(folder, "passwords");
        await File.WriteAllTextAsync(passwords, $"127.0.0.1:{port}:*:user_scram:{Postgres.Password}\n");
        File.SetUnixFileMode(passwords, (UnixFileMode)0b100_000_000);
        Machine.GiveToUser(passwords);
        await GoodAsync($"postgresql://user_scram@127.0.0.1:1,127.0.0.1:{port}/postgres", ("PGPASSFILE", passwords));
    }

    [PoolerTheory(FastPoolOnly = "has a script for it")]
    [InlineData("user=user_scram password=wrong", "mkauth: FATAL:  password authentication failed for user \"user_scram\"")]
    [InlineData("user=user_scram", "mkauth: fe_sendauth: no password supplied")]
    [InlineData("user=still password=x", "mkauth: ERROR:  permission denied for table pg_authid")]
    [InlineData("user=postgres sslmode=verify-ca sslrootcert={stranger}",
        "mkauth: SSL error: handshake failed: error:0A000086:SSL routines::certificate verify failed")]
    [InlineData("host=localhost hostaddr=127.0.0.1 user=postgres sslmode=verify-ca",
        "mkauth: root certificate file does not exist: name it by sslrootcert, or change sslmode to disable server certificate verification")]
    [InlineData("host=elsewhere.example hostaddr=127.0.0.1 user=postgres sslmode=verify-full sslrootcert={ca}",
        "mkauth: server certificate does not match host name \"elsewhere.example\"")]
    [InlineData("user=postgres dbname=nowhere", "mkauth: FATAL:  database \"nowhere\" does not exist")]
    public async Task A_failure_of_mkauth_is_told_and_leaves_the_file(string text, string message)
    {
        var server = await Server.Value;
        var certificates = await Certificates.SharedAsync();
        var folder = Machine.NewFolder("list");
        var list = Path.Combine(folder, "userlist.txt");
        await File.WriteAllTextAsync(list, "before");
        text = text.Replace("{stranger}", certificates.Stranger, StringComparison.Ordinal)
            .Replace("{ca}", certificates.Authority, StringComparison.Ordinal);
        Assert.Equal((1, message), await RunAsync(list, $"host=127.0.0.1 port={server.Port} dbname=postgres {text}"));
        Assert.Equal("before", await File.ReadAllTextAsync(list));
        Assert.Equal([list], Directory.GetFiles(folder));
    }

    [PoolerFact(FastPoolOnly = "has a script for it")]
    public async Task The_file_is_replaced_only_when_it_changes_and_keeps_its_readers()
    {
        var server = await Server.Value;
        var folder = Machine.NewFolder("list");
        var (list, link) = (Path.Combine(folder, "userlist.txt"), Path.Combine(folder, "link"));
        var text = $"host=127.0.0.1 port={server.Port} user=postgres dbname=postgres";
        await File.WriteAllTextAsync(list, "");
        File.SetUnixFileMode(list, (UnixFileMode)0b110_110_100);
        Machine.GiveToUser(list);
        File.CreateSymbolicLink(link, list);
        Assert.Equal((0, ""), await RunAsync(link, text));
        Assert.NotNull(new FileInfo(link).LinkTarget);
        Assert.Equal((UnixFileMode)0b110_100_000, File.GetUnixFileMode(list));
        var written = File.GetLastWriteTimeUtc(list);
        Assert.Equal((0, ""), await RunAsync(list, text));
        Assert.Equal(written, File.GetLastWriteTimeUtc(list));
        Assert.Equal((1, "mkauth: could not write file \"/nowhere/userlist.txt\": No such file or directory"),
            await RunAsync("/nowhere/userlist.txt", text));
    }

    [PoolerFact(FastPoolOnly = "has a script for it")]
    public async Task An_ini_file_of_that_name_still_starts_the_pooler()
    {
        await using var model = await Pooler.StartAsync(1);
        var folder = Machine.NewFolder("ini");
        await File.WriteAllTextAsync(Path.Combine(folder, "mkauth"), (await File.ReadAllTextAsync(model.IniPath))
            .Replace($"listen_port = {model.Port}", $"listen_port = {Machine.FreePort()}", StringComparison.Ordinal)
                .Replace($"unix_socket_dir = {model.Folder}", $"unix_socket_dir = {folder}", StringComparison.Ordinal));
        foreach (var arguments in new[] { new[] { "mkauth" }, ["mkauth", "-v"], ["-v", "mkauth"] })
        {
            await using var child = Child.Start(Binary.Path, arguments, folder);
            await child.LineAsync("process up");
        }
        var (exit, help) = await Child.RunAsync(Binary.Path, ["mkauth", "--help"]);
        Assert.Equal(0, exit);
        Assert.Contains("mkauth OUTPUT [CONNSTR]", help, StringComparison.Ordinal);
    }
}
