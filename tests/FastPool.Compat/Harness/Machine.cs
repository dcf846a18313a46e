using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace FastPool.Compat.Harness;

/// <summary>
/// The machine the tests run on: a temporary folder, free ports, and the ordinary user that runs PostgreSQL and the pooler,
/// since both refuse root.
/// </summary>
internal static class Machine
{
    private static readonly string[] OrdinaryUsers = ["postgres", "nobody"];

    // Below the ports the kernel gives to outgoing connections, so that none of those takes one meanwhile; one after another,
    // since two tests that draw by chance draw the same port one day.
    private const int FirstPort = 12000;
    private const int Ports = 20000;
    private static int _ports = Random.Shared.Next(Ports);
    private static int _serial;

    /// <summary>The words in front of a command, so that the ordinary user runs it; empty when we are one.</summary>
    public static IReadOnlyList<string> AsUser { get; } = FindOrdinaryUser();

    /// <summary>Short, since a Unix socket's path has 107 bytes; gone after the last test.</summary>
    public static string Folder { get; } = MakeFolder();

    /// <summary>A new folder that belongs to the ordinary user.</summary>
    public static string NewFolder(string name)
    {
        var folder = Path.Combine(Folder, $"{name}{Interlocked.Increment(ref _serial)}");
        Directory.CreateDirectory(folder);
        GiveToUser(folder);
        return folder;
    }

    /// <summary>A loopback port that was free a moment ago, and that no other test is given.</summary>
    public static int FreePort()
    {
        for (; ; )
        {
            var port = FirstPort + (int)((uint)Interlocked.Increment(ref _ports) % Ports);
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
            }
        }
    }

    public static async Task<bool> IsListeningAsync(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await probe.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The folder of PostgreSQL's programs, or null: PG_BIN, then Debian's places, then the PATH.</summary>
    public static string? FindPostgresPrograms()
    {
        var folders = new List<string?> { Environment.GetEnvironmentVariable("PG_BIN") };
        if (Directory.Exists("/usr/lib/postgresql"))
            folders.AddRange(Directory.GetDirectories("/usr/lib/postgresql")
                .OrderByDescending(d => int.TryParse(Path.GetFileName(d), out var major) ? major : 0)
                .Select(d => Path.Combine(d, "bin")));
        folders.AddRange((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'));
        return folders.FirstOrDefault(f =>
            f is { Length: > 0 } && File.Exists(Path.Combine(f, "initdb")) && File.Exists(Path.Combine(f, "postgres")));
    }

    /// <summary>The path of psql or pgbench.</summary>
    public static string Program(string name)
    {
        var folders = new List<string> { FindPostgresPrograms() ?? "" };
        folders.AddRange((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'));
        return folders.Where(f => f.Length > 0).Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException($"This test needs {name}: install PostgreSQL's client programs.");
    }

    /// <summary>Ends what still runs and removes the folder.</summary>
    public static void CleanUp()
    {
        Child.KillAll();
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (IOException)
        {
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    public static extern int Kill(int pid, int signal);

    /// <summary>Makes the ordinary user the owner of a file or folder, with its own group.</summary>
    public static void GiveToUser(string path)
    {
        if (AsUser.Count == 0)
            return;
        using var chown = Process.Start("chown", [OrdinaryUser()!.Value.Name + ":", path]);
        chown.WaitForExit();
    }

    private static string[] FindOrdinaryUser()
    {
        if (!Environment.IsPrivilegedProcess)
            return [];
        var user = OrdinaryUser()
            ?? throw new InvalidOperationException("No ordinary user (postgres, nobody) to run the servers as.");
        return ["setpriv", $"--reuid={user.Uid}", $"--regid={user.Gid}", "--clear-groups", "--"];
    }

    private static (string Name, string Uid, string Gid)? OrdinaryUser()
    {
        var rows = File.ReadAllLines("/etc/passwd").Select(line => line.Split(':')).Where(row => row.Length > 3).ToList();
        foreach (var name in OrdinaryUsers)
            if (rows.Find(row => row[0] == name) is { } row)
                return (row[0], row[2], row[3]);
        return null;
    }

    private static string MakeFolder()
    {
        var folder = Directory.CreateTempSubdirectory("fpc").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        GiveToUser(folder);
        return folder;
    }
}
