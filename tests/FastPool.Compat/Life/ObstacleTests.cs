using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace FastPool.Compat.Life;

/// <summary>
/// Files, ports and sockets that are in the way of a start: the same last words as PgBouncer's, and nothing left behind.
/// </summary>
public sealed class ObstacleTests
{
    public static TheoryData<string> Obstacles => [.. Kinds.Keys];

    /// <summary>Each prepares a folder for a start that has to fail; the settings beside those that all have.</summary>
    private static readonly Dictionary<string, Func<string, int, string>> Kinds = new()
    {
        ["the ini is a folder"] = static (folder, _) =>
        {
            Directory.CreateDirectory(Path.Combine(folder, "p.ini"));
            return "";
        },
        ["the ini may not be read"] = static (folder, _) =>
        {
            File.WriteAllText(Path.Combine(folder, "p.ini"), "[pgbouncer]\n");
            File.SetUnixFileMode(Path.Combine(folder, "p.ini"), UnixFileMode.None);
            return "";
        },
        ["a PostgreSQL has locked the socket"] = static (folder, port) =>
        {
            File.WriteAllText(Path.Combine(folder, $".s.PGSQL.{port}.lock"), "1\n");
            return $"unix_socket_dir = {folder}";
        },
        ["the pid file's folder is not there"] = static (folder, _) =>
            $"unix_socket_dir = {folder}\npidfile = {folder}/nowhere/pid",
        ["the pid file's folder is closed"] = static (folder, _) => $"unix_socket_dir = {folder}\npidfile = {Closed(folder)}/pid",
        ["the pid file is a folder"] = static (folder, _) => $"unix_socket_dir = {folder}\npidfile = {folder}",
        ["the log file's folder is not there"] = static (folder, _) =>
            $"unix_socket_dir = {folder}\nlogfile = {folder}/nowhere/log",
        ["the log file is a folder"] = static (folder, _) => $"unix_socket_dir = {folder}\nlogfile = {folder}",
        ["the group is not there"] = static (folder, _) => $"unix_socket_dir = {folder}\nunix_socket_group = nobodys_group",
        ["an address is a name of nobody"] = static (folder, _) =>
            $"unix_socket_dir = {folder}\nlisten_addr = no-such-host.invalid",
        ["the port is no port"] = static (folder, _) => $"unix_socket_dir = {folder}\nlisten_addr = 127.0.0.1\nlisten_port = -1",
        ["there is nothing to listen on"] = static (_, _) => "unix_socket_dir =",
        ["an included file is not there"] = static (folder, _) => $"unix_socket_dir = {folder}\n%include {folder}/nowhere.ini",
        ["an included file is wrong"] = static (folder, _) =>
        {
            File.WriteAllText(Path.Combine(folder, "more.ini"), "\nnonsense = 1\n");
            return $"unix_socket_dir = {folder}\n%include {folder}/more.ini";
        },
    };

    [ReferenceTheory]
    [MemberData(nameof(Obstacles))]
    public Task A_start_that_meets_one_ends_as_PgBouncers_does(string kind) => Reference.SameAsync(async program =>
    {
        var (folder, port) = (Machine.NewFolder("o"), Machine.FreePort());
        var ini = Path.Combine(folder, "p.ini");
        var settings = Kinds[kind](folder, port);
        if (!Path.Exists(ini))
            await File.WriteAllTextAsync(ini, $"[databases]\n[pgbouncer]\nauth_type = any\nlisten_port = {port}\n{settings}\n");
        var before = Everything(folder);
        var (exit, text) = await Child.RunAsync(program, [ini]);
        if (program == Binary.Path) Assert.Equal(before, Everything(folder));
        return (exit,
            Words: string.Join('\n', text.Split('\n').Select(line => Words(line, folder, port))
            .Where(static line => line.Length > 0)));
    });

    /// <summary>Where PgBouncer 1.18 has other words than 1.25.</summary>
    [PoolerTheory(Since = "1.25")]
    [InlineData("unix_socket_dir = {0}/nowhere", "FATAL failed to create unix socket")]
    [InlineData("unix_socket_dir = {0}/closed", "FATAL failed to create unix socket")]
    [InlineData("unix_socket_dir = {0}/taken", "FATAL failed to create unix socket")]
    [InlineData("unix_socket_dir = {0}\npidfile = {0}/living", "FATAL pidfile '{0}/living' exists, another instance running?")]
    [InlineData("unix_socket_dir = {0}\nlisten_addr = *\nlisten_port = -1",
        "FATAL getaddrinfo('*', '-1') = Servname not supported for ai_socktype [-8]")]
    public async Task A_start_that_meets_another_ends_with_the_words_of_the_manual(string settings, string words)
    {
        var (folder, port) = (Machine.NewFolder("o"), Machine.FreePort());
        Closed(folder);
        Directory.CreateDirectory(Path.Combine(folder, "taken", $".s.PGSQL.{port}"));
        File.SetUnixFileMode(Path.Combine(folder, "taken"), (UnixFileMode)0b111_111_111);
        await File.WriteAllTextAsync(Path.Combine(folder, "living"), $"{Environment.ProcessId}\n");
        var ini = Path.Combine(folder, "p.ini");
        await File.WriteAllTextAsync(ini,
            $"[databases]\n[pgbouncer]\nauth_type = any\nlisten_port = {port}\n{settings.Replace("{0}", folder, StringComparison.Ordinal)}\n");
        var before = Everything(folder);
        var (exit, text) = await Child.RunAsync(Binary.Path, [ini]);
        Assert.Equal(1, exit);
        Assert.EndsWith(words.Replace("{0}", folder, StringComparison.Ordinal), text, StringComparison.Ordinal);
        Assert.Equal(before, Everything(folder));
    }

    [PoolerTheory(Since = "1.25")]
    [InlineData("unix_socket_dir = {0}", 0,
        "WARNING cannot listen on 127.0.0.1:{1}: bind(): Address already in use\nFATAL failed to listen on any address in listen_addr list: 127.0.0.1")]
    [InlineData("unix_socket_dir = {0}\nlisten_addr = 127.0.0.1,127.0.7.7", 1, "")]
    public async Task A_port_that_is_taken_ends_the_start_unless_another_address_is_free(string settings, int listens,
        string words)
    {
        using var holder = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        holder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        holder.Listen();
        var (folder, port) = (Machine.NewFolder("o"), ((IPEndPoint)holder.LocalEndPoint!).Port);
        var ini = Path.Combine(folder, "p.ini");
        await File.WriteAllTextAsync(ini,
            $"[databases]\n[pgbouncer]\nauth_type = any\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n{settings.Replace("{0}", folder, StringComparison.Ordinal)}\n");
        await using var child = Child.Start(Binary.Path, [ini], folder);
        if (listens > 0)
        {
            await child.LineAsync($"LOG listening on 127.0.7.7:{port}");
            await child.LineAsync("process up");
            return;
        }
        Assert.Equal(1, await child.ExitAsync());
        Assert.EndsWith(words.Replace("{1}", $"{port}", StringComparison.Ordinal),
            string.Join('\n', child.Lines.Select(static line => Regex.Replace(line, @"^\S+ \S+ \S+ \[\d+\] ", ""))),
            StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder, $".s.PGSQL.{port}")));
    }

    private static string Closed(string folder)
    {
        var closed = Directory.CreateDirectory(Path.Combine(folder, "closed")).FullName;
        File.SetUnixFileMode(closed, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return closed;
    }

    private static List<string> Everything(string folder) =>
        [.. Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order()];

    /// <summary>The complaint, without time, pid and what differs from run to run.</summary>
    private static string Words(string line, string folder, int port)
    {
        line = line.Replace(folder, "", StringComparison.Ordinal).Replace($"{port}", "PORT", StringComparison.Ordinal);
        var match = Regex.Match(line, @"(ERROR|FATAL) (?!@)(.*)$");
        return match.Success ? match.Value : "";
    }
}
