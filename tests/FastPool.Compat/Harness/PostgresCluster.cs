using Npgsql;

namespace FastPool.Compat.Harness;

/// <summary>
/// A primary and its streaming standbys, each at an address of the loopback of its own and all at one port, as the hosts of a
/// list are. They die, are stopped and are promoted one by one. Needs the machine's own programs.
/// </summary>
internal sealed class PostgresCluster : IAsyncDisposable
{
    private const string Rules = "local all all trust\nhost all all all trust\nhost replication all all trust\n";

    private readonly Member[] _members;

    private PostgresCluster(int port, int count)
    {
        Port = port;
        _members = [.. Enumerable.Range(1, count).Select(number => new Member($"127.0.71.{number}", port))];
    }

    public int Port { get; }

    /// <summary>The primary is the first, until one is promoted.</summary>
    public IReadOnlyList<string> Hosts => [.. _members.Select(static member => member.Host)];

    public string HostList => string.Join(',', Hosts);

    public static async Task<PostgresCluster> StartAsync(int standbys)
    {
        var cluster = new PostgresCluster(Machine.FreePort(), standbys + 1);
        await cluster._members[0].InitialiseAsync();
        await cluster._members[0].StartAsync();
        foreach (var role in Postgres.Roles) await cluster.ExecuteAsync(0, $"create role {role} superuser login");
        await cluster.ExecuteAsync(0, $"create database {Postgres.Database}");
        foreach (var standby in cluster._members[1..])
        {
            await standby.CopyAsync(cluster._members[0]);
            await standby.StartAsync();
        }
        return cluster;
    }

    public Task ExecuteAsync(int member, string sql, string database = "postgres") =>
        _members[member].ScalarAsync(sql, database);

    public Task<object?> ScalarAsync(int member, string sql, string database = "postgres") =>
        _members[member].ScalarAsync(sql, database);

    /// <summary>Waits until the standby has all that the primary has.</summary>
    public async Task CatchUpAsync(int primary, int standby)
    {
        var position = await ScalarAsync(primary, "select pg_current_wal_lsn()::text");
        await Until.TrueAsync(async () =>
            (bool)(await ScalarAsync(standby, $"select pg_last_wal_replay_lsn() >= '{position}'"))!, "the standby has caught up");
    }

    /// <summary>As by a crash.</summary>
    public Task KillAsync(int member) => _members[member].KillAsync();

    /// <summary>All its processes stand still: the kernel takes connections, and nobody answers.</summary>
    public void Pause(int member) => _members[member].SignalAll(Child.SigStop);

    public void Resume(int member) => _members[member].SignalAll(Child.SigCont);

    /// <summary>Returns when it takes writes.</summary>
    public Task PromoteAsync(int member) => ExecuteAsync(member, "select pg_promote(true, 60)");

    /// <summary>The member begins again, as a standby of the other.</summary>
    public async Task RejoinAsync(int member, int primary)
    {
        await _members[member].CopyAsync(_members[primary]);
        await _members[member].StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members) await member.DisposeAsync();
    }

    private sealed class Member(string host, int port) : IAsyncDisposable
    {
        private string _folder = "";
        private Child? _child;

        public string Host { get; } = host;

        private string Data => Path.Combine(_folder, "data");

        public async Task InitialiseAsync()
        {
            _folder = Machine.NewFolder("c");
            await RunAsync("initdb", "-D", Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync");
            await File.AppendAllTextAsync(Path.Combine(Data, "postgresql.conf"), """
                max_connections = 200
                max_wal_senders = 10
                hot_standby = on
                fsync = off
                full_page_writes = off
                jit = off
                timezone = 'UTC'
                include_if_exists = 'member.conf'

                """);
            await File.WriteAllTextAsync(Path.Combine(Data, "pg_hba.conf"), Rules);
            await WriteOwnAsync();
        }

        public async Task CopyAsync(Member primary)
        {
            _folder = Machine.NewFolder("c");
            await RunAsync("pg_basebackup", "-h", primary.Host, "-p", $"{port}", "-U", "postgres", "-D", Data, "-R",
                "-X", "stream", "-c", "fast", "--no-sync");
            await WriteOwnAsync();
        }

        private async Task WriteOwnAsync()
        {
            var file = Path.Combine(Data, "member.conf");
            await File.WriteAllTextAsync(file,
                $"listen_addresses = '{Host}'\nport = {port}\nunix_socket_directories = '{_folder}'\n");
            Machine.GiveToUser(file);
        }

        public async Task StartAsync()
        {
            _child = Child.Start(Machine.Program("postgres"), ["-D", Data], _folder);
            await Until.TrueAsync(AnswersAsync, $"{Host} answers", 60, () => _child.Text);
        }

        public async Task<object?> ScalarAsync(string sql, string database)
        {
            await using var connection = new NpgsqlConnection(
                $"Host={Host};Port={port};Username=postgres;Database={database};Pooling=false;Timeout=20");
            await connection.OpenAsync();
            return await connection.ScalarAsync(sql);
        }

        public async Task KillAsync()
        {
            if (_child is null) return;
            SignalAll(Child.SigCont);
            _child.Signal(Child.SigQuit);
            await _child.ExitAsync();
            await _child.DisposeAsync();
            _child = null;
        }

        /// <summary>The first process and its children, which are all there are.</summary>
        public void SignalAll(int signal)
        {
            if (_child is null) return;
            _child.Signal(signal);
            var children = File.ReadAllText($"/proc/{_child.Pid}/task/{_child.Pid}/children");
            foreach (var pid in children.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                _ = Machine.Kill(int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture), signal);
        }

        public async ValueTask DisposeAsync() => await KillAsync();

        private async Task<bool> AnswersAsync()
        {
            try
            {
                await ScalarAsync("select 1", "postgres");
                return true;
            }
            catch (NpgsqlException)
            {
                if (_child is { HasExited: true }) throw new InvalidOperationException($"PostgreSQL ended:\n{_child.Text}");
                return false;
            }
        }

        private static async Task RunAsync(string program, params string[] arguments)
        {
            var (exit, text) = await Child.RunAsync(Machine.Program(program), arguments);
            if (exit != 0) throw new InvalidOperationException($"{program} failed:\n{text}");
        }
    }
}
