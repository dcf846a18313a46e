using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Life;

/// <summary>The process: command line, wrong files, signals, pid file, log lines, Unix socket.</summary>
public partial class ProcessTests
{
    [PoolerFact]
    public async Task Version_and_help_are_printed_and_end_with_success()
    {
        var (exit, text) = await Child.RunAsync(Binary.Path, ["--version"]);
        Assert.Equal(0, exit);
        Assert.Matches(@"^PgBouncer \d+\.\d+\.\d+\nlibevent ", text);
        (exit, text) = await Child.RunAsync(Binary.Path, ["--help"]);
        Assert.Equal(0, exit);
        Assert.StartsWith($"{Binary.Path} is a connection pooler for PostgreSQL.\n", text, StringComparison.Ordinal);
        Assert.Contains("  -d, --daemon ", text, StringComparison.Ordinal);
    }

    [PoolerFact]
    public async Task Wrong_arguments_end_with_a_hint()
    {
        foreach (var (arguments, message) in new (string[], string)[]
        {
            (["--bogus"], "unrecognized option '--bogus'"),
            (["-x"], "invalid option -- 'x'"),
            ([], "no configuration file specified"),
            (["one.ini", "two.ini"], "no configuration file specified"),
        })
        {
            var (exit, text) = await Child.RunAsync(Binary.Path, arguments);
            Assert.Equal(1, exit);
            Assert.Equal($"{Binary.Path}: {message}\nTry \"{Binary.Path} --help\" for more information.", text);
        }
    }

    // The file is f.ini in the working folder, so the texts carry no path of the machine.
    [PoolerTheory]
    [InlineData("[pgbouncer]\nnonsense = 1\n",
        "unknown parameter: pgbouncer/nonsense|invalid value \"1\" for parameter nonsense in configuration (f.ini:2)")]
    [InlineData("[pgbouncer]\npool_mode = sometimes\n",
        "invalid value \"sometimes\" for parameter pool_mode in configuration (f.ini:2)")]
    [InlineData("[pgbouncer]\nlisten_port = x\n", "invalid value \"x\" for parameter listen_port in configuration (f.ini:2)")]
    [InlineData("[pgbouncer]\nlisten_port 6432\n", "syntax error in configuration (f.ini:2), stopping loading")]
    [InlineData("[nobody]\nx = 1\n", "invalid section \"nobody\" in configuration (f.ini:1)")]
    [InlineData("", "main section missing from config file")]
    [InlineData("x = 1\n", "value without section: x")]
    public async Task A_wrong_ini_ends_the_start_with_its_place(string ini, string texts)
    {
        var folder = Machine.NewFolder("ini");
        await File.WriteAllTextAsync(Path.Combine(folder, "f.ini"), ini);
        await using var child = Child.Start(Binary.Path, ["f.ini"], folder);
        Assert.Equal(1, await child.ExitAsync());
        foreach (var text in texts.Split('|'))
            Assert.Contains(child.Lines, line =>
                line.Contains(" ERROR ", StringComparison.Ordinal) && line.Contains(text, StringComparison.Ordinal));
        Assert.EndsWith(" FATAL cannot load config file", child.Lines[^1], StringComparison.Ordinal);
    }

    [PoolerFact]
    public async Task A_missing_ini_ends_the_start()
    {
        await using var child = Child.Start(Binary.Path, ["not-there.ini"], Machine.NewFolder("ini"));
        Assert.Equal(1, await child.ExitAsync());
        Assert.Contains("not-there.ini", child.Lines[0], StringComparison.Ordinal);
        Assert.Contains("No such file or directory", child.Text, StringComparison.Ordinal);
        Assert.EndsWith(" FATAL cannot load config file", child.Lines[^1], StringComparison.Ordinal);
    }

    [PoolerTheory, Loops]
    public async Task The_log_has_the_lines_that_tools_look_for(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using (var connection = await pooler.ConnectAsync())
            await connection.ScalarAsync("select 1");
        await pooler.LineAsync("closing because: client close request (age=");
        var lines = pooler.Process.Lines;
        Assert.All(lines, line => Assert.Matches(LogLine(), line));
        Assert.Contains(lines, l => l.Contains("LOG kernel file descriptor limit: ", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.EndsWith($"LOG listening on 127.0.0.1:{pooler.Port}", StringComparison.Ordinal));
        Assert.Contains(lines, l =>
            l.Contains($"LOG listening on unix:{pooler.Folder}/.s.PGSQL.{pooler.Port}", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("LOG process up: PgBouncer ", StringComparison.Ordinal));
        Assert.Contains(lines, l => ClientLine().IsMatch(l));
        Assert.Contains(lines, l => ServerLine().IsMatch(l));
    }

    [PoolerTheory(Since = "1.23")]
    [Loops(Child.SigTerm, "got SIGTERM, shutting down, waiting for all clients disconnect")]
    [Loops(Child.SigInt, "got SIGINT, shutting down, waiting for all servers connections to be released")]
    [Loops(Child.SigQuit, "got SIGQUIT, fast exit")]
    public async Task Each_signal_ends_the_process_in_its_way(int loops, int signal, string line)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        pooler.Process.Signal(signal);
        Assert.Equal(0, await pooler.Process.ExitAsync());
        Assert.Contains(line, pooler.Process.Text, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(pooler.Folder, $".s.PGSQL.{pooler.Port}")));
    }

    [PoolerTheory, Loops]
    public async Task Hangup_reads_the_files_again(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        pooler.Rewrite(f => f.Databases["fresh"] = "{server} dbname=app");
        pooler.Process.Signal(Child.SigHup);
        await pooler.LineAsync("got SIGHUP, re-reading config");
        await Until.TrueAsync(async () =>
            (await pooler.ConsoleAsync("SHOW DATABASES")).Rows.Exists(r => r[0] == "fresh"), "the new database is known");
        pooler.Rewrite(f => f["pool_mode"] = "sometimes");
        pooler.Process.Signal(Child.SigHup);
        await pooler.LineAsync("config file loading failed");
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }

    [PoolerTheory, Loops]
    public async Task The_pid_file_is_there_while_the_process_is(int loops)
    {
        var path = Path.Combine(Machine.NewFolder("pid"), "pooler.pid");
        await using var pooler = await Pooler.StartAsync(loops, f => f["pidfile"] = path);
        Assert.Equal($"{pooler.Pid}\n", await File.ReadAllTextAsync(path));
        var second =
            await Assert.ThrowsAsync<InvalidOperationException>(() => Pooler.StartAsync(loops, f => f["pidfile"] = path));
        Assert.Contains("another instance running?", second.Message, StringComparison.Ordinal);
        pooler.Process.Signal(Child.SigQuit);
        await pooler.Process.ExitAsync();
        if (Binary.Version >= new Version(1, 23))
            Assert.False(File.Exists(path));
    }

    [PoolerTheory, Loops]
    public async Task The_unix_socket_serves_like_the_port(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var connection = await pooler.ConnectAsync(more: $"Host={pooler.Folder}");
        Assert.Equal("unix", await connection.ScalarAsync("select 'unix'"));
        var clients = await pooler.ConsoleAsync("SHOW CLIENTS");
        Assert.Contains(clients.Rows, r => r[clients.Columns.IndexOf("addr")] == "unix");
    }

    [PoolerTheory, Loops]
    public async Task A_logfile_takes_the_lines_and_is_opened_again_at_reload(int loops)
    {
        var path = Path.Combine(Machine.NewFolder("log"), "pooler.log");
        await using var pooler = await Pooler.StartAsync(loops, f => f["logfile"] = path);
        await Until.TrueAsync(() => File.Exists(path)
            && File.ReadAllText(path).Contains("process up", StringComparison.Ordinal), "the log file has its lines");
        File.Move(path, path + ".1");
        await pooler.ConsoleAsync("RELOAD");
        await pooler.ScalarAsync("select 1");
        await Until.TrueAsync(() => File.Exists(path)
            && File.ReadAllText(path).Contains("login attempt: db=app", StringComparison.Ordinal), "the new log file is used");
    }

    [PoolerFact]
    public async Task A_port_in_use_ends_the_start()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var port = Machine.FreePort();
        taken.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, port));
        taken.Listen();
        var folder = Machine.NewFolder("ini");
        await File.WriteAllTextAsync(Path.Combine(folder, "f.ini"),
            $"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n");
        await using var child = Child.Start(Binary.Path, ["f.ini"], folder);
        Assert.Equal(1, await child.ExitAsync());
        Assert.Contains($"cannot listen on 127.0.0.1:{port}: bind(): Address already in use", child.Text,
            StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \S+ \[\d+\] (LOG|WARNING|ERROR|FATAL|DEBUG|NOISE) ")]
    private static partial Regex LogLine();

    [GeneratedRegex(@"LOG C-0x[0-9a-f]+: app/user_trust@127\.0\.0\.1:\d+ login attempt: db=app user=user_trust tls=no")]
    private static partial Regex ClientLine();

    [GeneratedRegex(@"LOG S-0x[0-9a-f]+: app/user_trust@127\.0\.0\.1:\d+ new connection to server \(from 127\.0\.0\.1:\d+\)")]
    private static partial Regex ServerLine();
}
