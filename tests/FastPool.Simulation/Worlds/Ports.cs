using System.Net;
using System.Text;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Net;
using FastPool.Net.Names;
using Microsoft.Extensions.Logging;

namespace FastPool.Simulation.Worlds;

/// <summary>A console that nobody speaks to: the simulation works the pools themselves.</summary>
internal sealed class NoConsole : IConsole
{
    public byte[] Welcome(ClientSession client) => throw new SimulationException("a client reached the console");
    public byte[] RefuseMessage(ClientSession client, byte type) => throw new SimulationException("a client reached the console");
    public void Execute(ClientSession client, string query, IConsoleReply reply) =>
        throw new SimulationException("a client reached the console");

    public void ExecuteExtended(ClientSession client, byte type, byte[] body, IConsoleReply reply) =>
        throw new SimulationException("a client reached the console");

    public void Cancel(ClientSession client)
    {
    }

    public void Forget(ClientSession client)
    {
    }
}

/// <summary>DNS: answers at once, later, or sometimes not.</summary>
internal sealed class SimulatedResolver(Network.Dice dice, Mines mines) : IHostResolver
{
    private static readonly Dictionary<string, string[]> _names = new()
    {
        ["one.example"] = ["127.0.0.1", "::1"],
        ["two.example"] = ["127.0.0.2", "127.0.0.3"],
    };

    private readonly List<Action> _pending = [];

    /// <summary>All that there are.</summary>
    internal static IReadOnlyList<string> Addresses { get; } = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"];

    internal bool IsCalm { get; set; }

    public void Resolve(string host, Action<IReadOnlyList<HostAddress>> done)
    {
        mines.Step();
        IReadOnlyList<HostAddress> answer = !IsCalm
            && dice.OneIn(10) ? [] : [.. _names[host].Select(static address => new HostAddress(IPAddress.Parse(address)))];
        if (dice.OneIn(2)) done(answer);
        else _pending.Add(() => done(answer));
    }

    internal void Step()
    {
        if (_pending.Count == 0 || (!IsCalm && dice.OneIn(2))) return;
        var answer = _pending[0];
        _pending.RemoveAt(0);
        answer();
    }
}

/// <summary>A disk with the two files of a world on it.</summary>
internal sealed class MemoryFiles : IFileReader
{
    private readonly Dictionary<string, byte[]> _files = [];

    internal string this[string path]
    {
        set => _files[path] = Encoding.Latin1.GetBytes(value);
    }

    public bool TryRead(string path, out byte[] content, out string error)
    {
        var exists = _files.TryGetValue(path, out var file);
        content = file ?? [];
        error = exists ? "" : FileErrors.NoSuchFile;
        return exists;
    }

    public FileStamp Stamp(string path) =>
        _files.TryGetValue(path, out var file) ? new FileStamp(true, 1, file.Length, file.GetHashCode(), 0) : default;
}

/// <summary>
/// The log of a replay goes to the test's output; that of an ordinary run is formatted and dropped, but for our own mistakes.
/// </summary>
internal sealed class SimulatedLog(Func<long> nowUs, Mines mines, List<string>? lines) : ILogger
{
    /// <summary>The lines that tell of a broken invariant.</summary>
    internal List<string> BrokenInvariants { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => lines is not null || logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
        string> formatter)
    {
        var text = formatter(state, exception);
        lines?.Add($"{nowUs() / 1000,8} {text}");
        if (text.StartsWith("broken invariant", StringComparison.Ordinal)) BrokenInvariants.Add(text);
        else if (logLevel >= LogLevel.Information) mines.Step(); // A replay's log has more lines.
    }
}
