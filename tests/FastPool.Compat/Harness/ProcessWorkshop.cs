namespace FastPool.Compat.Harness;

/// <summary>A directory of one test's own, with an ini in it, and the poolers started there; all gone at the end.</summary>
public sealed class ProcessWorkshop : IDisposable
{
    private readonly List<ProcessUnderTest> _started = [];

    public ProcessWorkshop()
    {
        Folder = Directory.CreateTempSubdirectory("fp").FullName;
        ProcessUser.Open(Folder);
        Ini();
    }

    public string Folder { get; }

    public string IniPath => Path.Combine(Folder, "pool.ini");

    public string LogPath => Path.Combine(Folder, "pool.log");

    public string PidPath => Path.Combine(Folder, "pool.pid");

    /// <summary>Writes the ini anew, with lines of the test's own in [pgbouncer].</summary>
    public void Ini(params string[] lines) => Write(
        "pool.ini",
        $"[databases]\np = host=127.0.0.1\n[pgbouncer]\nunix_socket_dir = {Folder}\n{string.Join('\n', lines)}\n");

    /// <summary>Writes a file that the pooler can read.</summary>
    public void Write(string name, string content)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, content);
        ProcessUser.Open(path);
    }

    /// <summary>Starts the pooler as an ordinary user; with arguments of the test's own in place of the ini alone.</summary>
    public ProcessUnderTest Start(params string[] arguments) => Start(environment: [], arguments);

    public ProcessUnderTest Start((string Name, string Value)[] environment, string[] arguments)
    {
        var process = ProcessUnderTest.Start(arguments.Length == 0 ? [IniPath] : arguments, environment, asRoot: false);
        _started.Add(process);
        return process;
    }

    public void Dispose()
    {
        foreach (var process in _started) process.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
