using System.Globalization;
using System.Text;
using Npgsql;

namespace FastPool.Compat.Harness;

/// <summary>A test's configuration of the pooler: written as pgbouncer.ini and userlist.txt.</summary>
internal sealed class PoolerFile
{
    /// <summary>Lines of [databases]; {server} stands for host and port of PostgreSQL.</summary>
    public Dictionary<string, string> Databases { get; } = new() { [Postgres.Database] = "{server} dbname=app" };

    /// <summary>Lines of [peers].</summary>
    public Dictionary<string, string> Peers { get; } = [];

    /// <summary>Where it listens; null: anywhere.</summary>
    public int? Port { get; set; }

    /// <summary>Lines of [pgbouncer], over the defaults of the tests.</summary>
    public Dictionary<string, string> Settings { get; } = new()
    {
        ["pool_mode"] = "transaction",
        ["default_pool_size"] = "5",
        ["auth_type"] = "trust",
        ["admin_users"] = "admin",
        ["stats_users"] = "stats",
        ["server_login_retry"] = "1",
        ["max_client_conn"] = "500",
        ["query_wait_timeout"] = "30",
    };

    /// <summary>Lines of userlist.txt.</summary>
    public Dictionary<string, string> Users { get; } =
        Postgres.Roles.Concat(["admin", "stats"]).ToDictionary(role => role, _ => Postgres.Password);

    /// <summary>Lines of [fastpool] beside the number of loops.</summary>
    public Dictionary<string, string> Own { get; } = [];

    public int Loops { get; set; } = 1;

    /// <summary>min_loops; null: all of them, so that a test of several loops has several from the start.</summary>
    public int? LoopsMin { get; set; }

    /// <summary>The program to run; the binary under test, unless a test compares it with another.</summary>
    public string Program { get; set; } = Binary.Path;

    /// <summary>A command that root runs, and that runs the program; empty: the ordinary user runs it.</summary>
    public IReadOnlyList<string> Wrapper { get; set; } = [];

    /// <summary>Variables of its environment.</summary>
    public List<(string Name, string Value)> Environment { get; } = [];

    public string this[string setting]
    {
        set => Settings[setting] = value;
    }
}

/// <summary>A running pooler: the binary under test on a loopback port, with its own files.</summary>
internal sealed class Pooler : IAsyncDisposable
{
    private readonly string _serverAddress;
    private readonly PoolerFile _file;
    private Child _child;

    private Pooler(string folder, int port, string serverAddress, PoolerFile file)
    {
        Folder = folder;
        Port = port;
        _serverAddress = serverAddress;
        _file = file;
        WriteFiles();
        (string, string)[] environment =
            [.. file.Environment, ("FASTPOOL_LOOPS", file.Loops.ToString(CultureInfo.InvariantCulture))];
        _child = file.Wrapper.Count == 0
            ? Child.Start(file.Program, [IniPath], folder, environment)
            : Child.StartAsIs(file.Wrapper[0], [.. file.Wrapper.Skip(1), file.Program, IniPath], folder, environment);
    }

    public int Port { get; }

    public string Folder { get; }

    public string IniPath => Path.Combine(Folder, "pooler.ini");

    public Child Process => _child;

    public int Pid => _child.Pid;

    /// <summary>Starts a pooler before the shared PostgreSQL.</summary>
    public static async Task<Pooler> StartAsync(int loops, Action<PoolerFile>? change = null) =>
        await StartAsync((await Postgres.SharedAsync()).Port, loops, change);

    /// <summary>Starts a pooler before whatever listens on a loopback port.</summary>
    public static async Task<Pooler> StartAsync(int serverPort, int loops, Action<PoolerFile>? change = null)
    {
        var file = new PoolerFile { Loops = loops };
        change?.Invoke(file);
        var pooler =
            new Pooler(Machine.NewFolder("p"), file.Port ?? Machine.FreePort(), $"host=127.0.0.1 port={serverPort}", file);
        await Until.TrueAsync(
            () => pooler._child.HasExited
                || pooler._child.Text.Contains("process up", StringComparison.Ordinal), "the pooler is up", 15, () =>
                pooler._child.Text);
        if (!pooler._child.HasExited)
            return pooler;
        await pooler._child.ExitAsync(); // Only now its last words have been read.
        var text = pooler._child.Text;
        await pooler.DisposeAsync();
        throw new InvalidOperationException($"The pooler ended at once:\n{text}");
    }

    /// <summary>-R: a new process takes the place of this one, which ends.</summary>
    /// <param name="program">The program to run from now on; null: the same.</param>
    public async Task TakeOverAsync(string? program = null)
    {
        await using var old = await ReplaceAsync(program);
        Assert.Equal(0, await old.ExitAsync());
    }

    /// <inheritdoc cref="TakeOverAsync"/>
    /// <returns>The old process, which may have something left to do.</returns>
    public async Task<Child> ReplaceAsync(string? program = null)
    {
        _file.Program = program ?? _file.Program;
        WriteFiles();
        var (old, next) = (_child, StartNext());
        await Until.TrueAsync(
            () => next.HasExited || next.Text.Contains("process up", StringComparison.Ordinal), "the new process is up", 20, () =>
                $"{old.Text}\n--\n{next.Text}");
        Assert.False(next.HasExited, next.Text);
        _child = next;
        return old;
    }

    /// <summary>The process that is to take over; it has not done so yet, and is the caller's.</summary>
    public Child StartNext(params string[] wrapper) => wrapper.Length == 0
        ? Child.Start(_file.Program, ["-R", IniPath], Folder,
            ("FASTPOOL_LOOPS", _file.Loops.ToString(CultureInfo.InvariantCulture)))
        : Child.Start(wrapper[0], [.. wrapper[1..], _file.Program, "-R", IniPath], Folder,
            ("FASTPOOL_LOOPS", _file.Loops.ToString(CultureInfo.InvariantCulture)));

    /// <summary>From now on this is the process.</summary>
    public void Becomes(Child child) => _child = child;

    /// <summary>psql on the console as the pooler's own user, over its Unix socket.</summary>
    public async Task<string> OwnUserAsync(string command) => (await Child.RunAsync(
        Machine.Program("psql"),
            ["-X", "-At", "-h", Folder, "-p", $"{Port}", "-U", "pgbouncer", "-d", "pgbouncer", "-c", command])).Text;

    /// <summary>Writes the files anew; the pooler reads them at RELOAD.</summary>
    public void Rewrite(Action<PoolerFile> change)
    {
        change(_file);
        WriteFiles();
    }

    /// <summary>The connection string of one of the roles; Npgsql's own pool is off.</summary>
    public string ConnectionString(string user = "user_trust", string database = Postgres.Database, string? more = null) =>
        $"Host=127.0.0.1;Port={Port};Username={user};Password={Postgres.Password};Database={database};Pooling=false;Timeout=20;Command Timeout=60;"
        + "Server Compatibility Mode=NoTypeLoading;SSL Mode=Disable;Include Error Detail=true;GSS Encryption Mode=Disable;"
            + more;

    public async Task<NpgsqlConnection> ConnectAsync(string user = "user_trust", string database = Postgres.Database,
        string? more = null)
    {
        var connection = new NpgsqlConnection(ConnectionString(user, database, more));
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens and runs one statement.</summary>
    public async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = await ConnectAsync();
        return await connection.ScalarAsync(sql);
    }

    /// <summary>Is a new client let in?</summary>
    public async Task<bool> TakesClientsAsync()
    {
        try
        {
            await using var connection = await ConnectAsync();
            return true;
        }
        catch (PostgresException)
        {
            return false;
        }
    }

    public Task<RawClient> RawAsync(string user = "user_trust", string database = Postgres.Database) =>
        RawClient.LoginAsync(Port, user, database);

    /// <summary>One console command as the administrator.</summary>
    public async Task<Reply> ConsoleAsync(string command)
    {
        await using var console = await RawClient.LoginAsync(Port, "admin", "pgbouncer");
        return await console.QueryAsync(command);
    }

    /// <summary>One number of SHOW POOLS, of the pool of this database and role.</summary>
    public async Task<int> PoolAsync(string column, string user = "user_trust", string database = Postgres.Database)
    {
        var pools = await ConsoleAsync("SHOW POOLS");
        var row = pools.Rows.FirstOrDefault(r => r[0] == database && r[1] == user);
        return row is null ? 0 : int.Parse(row[pools.Columns.IndexOf(column)]!, CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until a number of SHOW POOLS is as wanted.</summary>
    public Task PoolIsAsync(string column, int wanted, string user = "user_trust", string database = Postgres.Database) =>
        Until.TrueAsync(async () => await PoolAsync(column, user, database) == wanted, $"{column} = {wanted}", 15, () =>
            _child.Text);

    /// <summary>As its file has it.</summary>
    public string SessionState => _file.Own.GetValueOrDefault("session_state", "off");

    public Task LineAsync(string text, int seconds = 15) => _child.LineAsync(text, seconds);

    public async ValueTask DisposeAsync() => await _child.DisposeAsync();

    private void WriteFiles()
    {
        var users = Path.Combine(Folder, "userlist.txt");
        File.WriteAllLines(users, _file.Users.Select(u => $"\"{u.Key}\" \"{u.Value}\""));
        var ini = new StringBuilder("[databases]\n");
        foreach (var (name, value) in _file.Databases)
            ini.Append(CultureInfo.InvariantCulture,
                $"{name} = {value.Replace("{server}", _serverAddress, StringComparison.Ordinal)}\n");
        ini.Append(CultureInfo.InvariantCulture,
            $"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {Port}\nunix_socket_dir = {Folder}\nauth_file = {users}\n");
        foreach (var (name, value) in _file.Settings)
            ini.Append(CultureInfo.InvariantCulture, $"{name} = {value}\n");
        if (_file.Peers.Count > 0)
            ini.Append(CultureInfo.InvariantCulture,
                $"[peers]\n{string.Concat(_file.Peers.Select(peer => $"{peer.Key} = {peer.Value}\n"))}");
        if (Binary.IsFastPool && _file.Program != Reference.Path)
        {
            ini.Append(CultureInfo.InvariantCulture,
                $"[fastpool]\nloops = {_file.Loops}\nmin_loops = {_file.LoopsMin ?? _file.Loops}\n");
            foreach (var (name, value) in _file.Own) ini.Append(CultureInfo.InvariantCulture, $"{name} = {value}\n");
        }
        File.WriteAllText(IniPath, ini.ToString());
    }
}

internal static class NpgsqlExtensions
{
    public static async Task<object?> ScalarAsync(this NpgsqlConnection connection, string sql, params object[] arguments)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var argument in arguments)
            command.Parameters.Add(new NpgsqlParameter { Value = argument });
        return await command.ExecuteScalarAsync();
    }

    public static async Task<int> BackendPidAsync(this NpgsqlConnection connection) =>
        (int)(await connection.ScalarAsync("select pg_backend_pid()"))!;
}
