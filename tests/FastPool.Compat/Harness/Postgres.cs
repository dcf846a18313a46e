using Npgsql;
using Testcontainers.PostgreSql;

namespace FastPool.Compat.Harness;

/// <summary>
/// A throwaway PostgreSQL: the machine's own programs where they are installed, else a container where a Docker engine
/// answers. Its roles are named after the way pg_hba.conf lets them in; all have the same password.
/// </summary>
internal sealed class Postgres : IAsyncDisposable
{
    public const string Password = "correct horse";
    public const string Database = "app";

    public static readonly string[] Roles = ["user_trust", "user_plain", "user_md5", "user_scram"];

    private static readonly Lazy<Task<Postgres>> SharedServer = new(() => StartAsync());

    private const string HbaRules = """
        local all all trust
        host all postgres,user_trust all trust
        host all user_plain all password
        host all user_md5 all md5
        host all user_scram all scram-sha-256
        host all all all scram-sha-256

        """;

    private readonly string? _folder;
    private readonly PostgreSqlContainer? _container;
    private Child? _child;

    private Postgres(string? folder, PostgreSqlContainer? container, int port)
    {
        _folder = folder;
        _container = container;
        Port = port;
    }

    public int Port { get; }

    /// <summary>The one that all tests share which do not stop it; lives until the test process ends.</summary>
    public static Task<Postgres> SharedAsync() => SharedServer.Value;

    /// <param name="configuration">More lines of postgresql.conf, in which {data} is its folder; needs the machine's own
    /// programs.</param>
    /// <param name="rules">In place of the usual pg_hba.conf.</param>
    public static async Task<Postgres> StartAsync(string configuration = "", string? rules = null)
    {
        var port = Machine.FreePort();
        Postgres server;
        if (Machine.FindPostgresPrograms() is { } programs)
        {
            server = new Postgres(Machine.NewFolder("pg"), null, port);
            await server.InitialiseAsync(programs, configuration, rules ?? HbaRules);
            await server.StartAgainAsync();
        }
        else
        {
            server = new Postgres(null, await StartContainerAsync(port), port);
        }

        await server.MakeRolesAsync();
        return server;
    }

    /// <summary>A connection past the pooler, as the superuser.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(string database = "postgres")
    {
        var connection =
            new NpgsqlConnection(
            $"Host=127.0.0.1;Port={Port};Username=postgres;Password={Password};Database={database};Pooling=false;Timeout=20");
        await connection.OpenAsync();
        return connection;
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = await ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>How many backends carry this application name or database user.</summary>
    public Task<long> BackendCountAsync(string condition) =>
        ScalarAsync<long>(
            $"select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() and ({condition})");

    public Task TerminateAsync(int pid) => ScalarAsync<bool>($"select pg_terminate_backend({pid})");

    /// <summary>Ends it at once, as a crash or an immediate restart would.</summary>
    public async Task StopAsync()
    {
        if (_container is not null)
        {
            await _container.StopAsync();
            return;
        }

        if (_child is null)
            return;
        _child.Signal(Child.SigQuit);
        await _child.ExitAsync();
        await _child.DisposeAsync();
        _child = null;
    }

    public async Task StartAgainAsync()
    {
        if (_container is not null)
        {
            await _container.StartAsync();
        }
        else
        {
            _child =
                Child.Start(Path.Combine(Machine.FindPostgresPrograms()!, "postgres"), ["-D", Path.Combine(_folder!, "data")],
                _folder!);
        }

        await Until.TrueAsync(AnswersAsync, "PostgreSQL answers", 60, () => _child?.Text ?? "");
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_container is not null)
            await _container.DisposeAsync();
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await using var connection = await ConnectAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            if (_child is { HasExited: true })
                throw new InvalidOperationException($"PostgreSQL ended:\n{_child.Text}");
            return false;
        }
    }

    private async Task InitialiseAsync(string programs, string configuration, string rules)
    {
        var data = Path.Combine(_folder!, "data");
        var (exit, text) = await Child.RunAsync(
            Path.Combine(programs, "initdb"),
                ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        if (exit != 0)
            throw new InvalidOperationException($"initdb failed:\n{text}");
        // asyncpg asks the catalogs with a query that takes a tenth of a second to compile: seconds for 100 clients.
        await File.AppendAllTextAsync(Path.Combine(data, "postgresql.conf"), $"""
            listen_addresses = '127.0.0.1'
            port = {Port}
            unix_socket_directories = '{_folder}'
            max_connections = 300
            fsync = off
            synchronous_commit = off
            full_page_writes = off
            jit = off
            timezone = 'UTC'
            {configuration}

            """);
        await File.WriteAllTextAsync(Path.Combine(data, "pg_hba.conf"), rules);
    }

    private static async Task<PostgreSqlContainer> StartContainerAsync(int port)
    {
        try
        {
            var container = new PostgreSqlBuilder("postgres:17")
                .WithUsername("postgres").WithPassword(Password).WithPortBinding(port, PostgreSqlBuilder.PostgreSqlPort)
                .WithCommand("-c", "max_connections=300", "-c", "fsync=off", "-c", "jit=off")
                .Build();
            await container.StartAsync();
            await container.ExecAsync(["sh", "-c", $"printf '%s' \"$0\" > \"$PGDATA/pg_hba.conf\"", HbaRules]);
            await container.ExecAsync(["psql", "-U", "postgres", "-c", "select pg_reload_conf()"]);
            return container;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new InvalidOperationException(
                "The compatibility tests need PostgreSQL: install it (or set PG_BIN to the folder of its programs), or start a Docker engine.", e);
        }
    }

    private async Task MakeRolesAsync()
    {
        await using var connection = await ConnectAsync();
        foreach (var role in Roles)
        {
            var encryption = role == "user_md5" ? "md5" : "scram-sha-256";
            await using var command = new NpgsqlCommand(
                $"set password_encryption = '{encryption}'; create role {role} superuser login password '{Password}'",
                    connection);
            await command.ExecuteNonQueryAsync();
        }

        await using var create = new NpgsqlCommand($"create database {Database}", connection);
        await create.ExecuteNonQueryAsync();
    }
}
