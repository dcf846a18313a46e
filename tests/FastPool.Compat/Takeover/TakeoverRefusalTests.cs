using System.Net.Sockets;
using FastPool.Compat.Dist;

namespace FastPool.Compat.Takeover;

/// <summary>
/// -R where there is nothing to take over, or another process is about to; and in the background, as init scripts use it.
/// </summary>
public class TakeoverRefusalTests
{
    private const string NotFound = "LOG old process not found, try to continue normally";

    [PoolerFact]
    public async Task In_the_background_it_changes_the_pid_in_the_file_and_nobody_notices()
    {
        var (pidFile, log) = Files();
        await using var pooler = await StartAsync(pidFile, log);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var backend = (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        var old = pooler.Process;
        var (exit, text) = await Child.RunAsync(Binary.Path, ["-R", "-d", pooler.IniPath]);
        Assert.True(exit == 0, text);
        Assert.Equal(0, await old.ExitAsync());
        await Until.TrueAsync(() => File.Exists(pidFile) && File.ReadAllText(pidFile).EndsWith('\n'), "the pid file is there");
        var pid = int.Parse(await File.ReadAllTextAsync(pidFile));
        Assert.NotEqual(old.Pid, pid);
        Assert.Equal(backend, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        _ = Machine.Kill(pid, Child.SigQuit);
        await Until.TrueAsync(() => !File.Exists(pidFile), "it has ended");
    }

    [PoolerFact(FastPoolOnly = "PgBouncer stays in the foreground, which is an outage")]
    public async Task As_ExecReload_of_a_unit_it_goes_to_the_background_and_says_that_it_is_the_service()
    {
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        var name = Path.Combine(Machine.NewFolder("s"), "notify");
        manager.Bind(new UnixDomainSocketEndPoint(name));
        File.SetUnixFileMode(name, (UnixFileMode)0b111_111_111);
        await using var pooler = await Pooler.StartAsync(1); // No pid file.
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var old = pooler.Process;
        var (exit, text) = await Child.RunAsync(
            Checkout.Tool("sh"), ["-c", $"exec {Binary.Path} -R -q {pooler.IniPath} </dev/null >/dev/null 2>&1"],
            ("MAINPID", $"{old.Pid}"), ("INVOCATION_ID", "0123456789abcdef"), ("NOTIFY_SOCKET", name));
        Assert.True(exit == 0, text);
        Assert.Equal(0, await old.ExitAsync());
        var buffer = new byte[4096];
        var told = System.Text.Encoding.Latin1.GetString(buffer, 0, await manager.ReceiveAsync(buffer));
        Assert.StartsWith("MAINPID=", told, StringComparison.Ordinal); // Before all else, and before the old one's end.
        var pid = int.Parse(told["MAINPID=".Length..]);
        Assert.Equal(pid, int.Parse((await ConsolePidAsync(pooler))!));
        Assert.Equal("READY=1", System.Text.Encoding.Latin1.GetString(buffer, 0, await manager.ReceiveAsync(buffer)));
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        _ = Machine.Kill(pid, Child.SigQuit);
    }

    /// <summary>The process that listens at the Unix socket.</summary>
    private static async Task<string?> ConsolePidAsync(Pooler pooler)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint($"{pooler.Folder}/.s.PGSQL.{pooler.Port}"));
        var (_, text) = await Child.RunAsync("ss", ["-xlpH", "src", $"{pooler.Folder}/.s.PGSQL.{pooler.Port}"]);
        return System.Text.RegularExpressions.Regex.Match(text, "pid=([0-9]+)").Groups[1].Value;
    }

    [PoolerFact(FastPoolOnly = "PgBouncer stays in the foreground, which is an outage")]
    public async Task As_ExecReload_of_a_unit_that_would_not_know_it_refuses()
    {
        await using var pooler = await Pooler.StartAsync(1);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var (exit, text) = await Child.RunAsync(Binary.Path, ["-R", "-q", pooler.IniPath],
            ("MAINPID", $"{pooler.Pid}"), ("INVOCATION_ID", "0123456789abcdef"));
        Assert.Equal(1, exit);
        Assert.Contains("write Type=notify and NotifyAccess=all into the unit", text, StringComparison.Ordinal);
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        (exit, text) = await Child.RunAsync(Binary.Path, ["-R", pooler.IniPath],
            ("MAINPID", $"{pooler.Pid}"), ("INVOCATION_ID", "0123456789abcdef"));
        Assert.Equal(1, exit);
        Assert.Contains("write Type=notify and NotifyAccess=all into the unit", text, StringComparison.Ordinal);
    }

    [PoolerTheory]
    [InlineData("", "nothing")]
    [InlineData("@fastpool-nowhere", "an abstract one")]
    [InlineData("/nonexistent", "another one")]
    public async Task With_another_socket_directory_the_old_process_is_not_found_and_not_touched(string directory, string what)
    {
        Assert.NotEmpty(what);
        var (pidFile, log) = Files();
        await using var pooler = await StartAsync(pidFile, log);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var ini = Path.Combine(Machine.NewFolder("w"), "p.ini");
        await File.WriteAllTextAsync(ini, (await File.ReadAllTextAsync(pooler.IniPath))
            .Replace($"unix_socket_dir = {pooler.Folder}", $"unix_socket_dir = {directory}", StringComparison.Ordinal));
        await RefusedAsync(pooler, client, pidFile, [ini]);
    }

    [PoolerFact]
    public async Task With_another_port_the_old_process_is_not_found_and_not_touched()
    {
        var (pidFile, log) = Files();
        await using var pooler = await StartAsync(pidFile, log);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var ini = Path.Combine(Machine.NewFolder("w"), "p.ini");
        await File.WriteAllTextAsync(ini, (await File.ReadAllTextAsync(pooler.IniPath))
            .Replace($"listen_port = {pooler.Port}", $"listen_port = {Machine.FreePort()}", StringComparison.Ordinal));
        await RefusedAsync(pooler, client, pidFile, [ini]);
    }

    [PoolerFact]
    public async Task Under_the_service_manager_nothing_is_taken_over()
    {
        var (pidFile, log) = Files();
        await using var pooler = await StartAsync(pidFile, log);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var script = Path.Combine(Machine.NewFolder("a"), "activate");
        await File.WriteAllTextAsync(script,
            $"#!/bin/sh\nexec {Checkout.Tool("perl")} -e 'use Socket; use POSIX; socket(my $s, PF_INET, SOCK_STREAM, 0); listen($s, 9); POSIX::dup2(fileno($s), 3); open(my $h, \"<&=\", 3); $^F = 9; use Fcntl; fcntl($h, F_SETFD, 0); $ENV{{LISTEN_FDS}} = 1; $ENV{{LISTEN_PID}} = $$; exec @ARGV' {Binary.Path} \"$@\"\n");
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        await RefusedAsync(pooler, client, pidFile, [pooler.IniPath], script);
    }

    [PoolerTheory(FastPoolOnly = "PgBouncer's first may resume too late for the second"), Loops]
    public async Task Of_two_takeovers_at_once_one_process_is_left_and_serves(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await client.QueryAsync("begin");
        var backend = (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0];
        var old = pooler.Process;
        Child[] rivals = [pooler.StartNext(), pooler.StartNext()];
        await Until.TrueAsync(
            () => old.HasExited && (rivals.Count(static rival => rival.HasExited) == 1)
                && rivals.Single(static rival => !rival.HasExited).Text.Contains("process up", StringComparison.Ordinal),
            "one is left", 30, () => string.Join("\n--\n", rivals.Select(static rival => rival.Text).Prepend(old.Text)));
        var (winner, loser) = (rivals.Single(static rival => !rival.HasExited), rivals.Single(static rival => rival.HasExited));
        pooler.Becomes(winner);
        // The other one came first and was taken over in its turn, or was refused.
        if (await loser.ExitAsync() == 0) Assert.Contains("process up", loser.Text, StringComparison.Ordinal);
        else Assert.Contains(" FATAL ", loser.Text, StringComparison.Ordinal);
        Assert.Equal(backend, (await client.QueryAsync("select pg_backend_pid()")).Rows[0][0]);
        Assert.Equal('I', (await client.QueryAsync("commit")).Status);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
        await loser.DisposeAsync();
        await old.DisposeAsync();
    }

    private static (string PidFile, string Log) Files()
    {
        var folder = Machine.NewFolder("r");
        return (Path.Combine(folder, "pid"), Path.Combine(folder, "log"));
    }

    private static Task<Pooler> StartAsync(string pidFile, string log) => Pooler.StartAsync(1, file =>
    {
        file["pidfile"] = pidFile;
        file["logfile"] = log;
    });

    /// <summary>The new process ends with 1 because of the old one, which goes on.</summary>
    private static async Task RefusedAsync(Pooler pooler, RawClient inTransaction, string pidFile, string[] arguments,
        string? program = null)
    {
        var (exit, text) = await Child.RunAsync(program ?? Binary.Path, ["-R", .. arguments]);
        Assert.Equal(1, exit);
        Assert.Contains(NotFound, text, StringComparison.Ordinal);
        Assert.Contains($"FATAL pidfile '{pidFile}' exists, another instance running?", text, StringComparison.Ordinal);
        Assert.Equal($"{pooler.Pid}\n", await File.ReadAllTextAsync(pidFile));
        Assert.Equal('I', (await inTransaction.QueryAsync("commit")).Status);
        Assert.Equal(1, await pooler.ScalarAsync("select 1"));
    }
}
