using System.Collections.Concurrent;
using System.Diagnostics;

namespace FastPool.Compat.Harness;

/// <summary>
/// A program started by a test, run by the ordinary user; ended by its pid, at the latest with the test process.
/// </summary>
internal sealed class Child : IAsyncDisposable
{
    public const int SigHup = 1, SigInt = 2, SigQuit = 3, SigKill = 9, SigTerm = 15, SigCont = 18, SigStop = 19;

    private static readonly ConcurrentDictionary<int, Child> Running = new();

    private readonly Process _process;
    private readonly List<string> _lines = [];

    private readonly bool _endsByTerm;

    private Child(Process process, bool endsByTerm)
    {
        (_process, _endsByTerm) = (process, endsByTerm);
        Pid = process.Id;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        Running[Pid] = this;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The program's own pid: setpriv replaces itself by the program.</summary>
    public int Pid { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>Both output streams so far, as lines.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    public string Text => string.Join('\n', Lines);

    public static Child Start(string program, IEnumerable<string> arguments, string folder,
        params (string Name, string Value)[] environment) =>
        Start([.. Machine.AsUser, program, .. arguments], folder, environment);

    /// <summary>As the user that runs the tests, which may be root.</summary>
    public static Child StartAsIs(string program, IEnumerable<string> arguments, string folder,
        params (string Name, string Value)[] environment) =>
        Start([program, .. arguments], folder, environment);

    private static Child Start(string[] command, string folder, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = folder;
        foreach (var name in new[] { "PGUSER", "PGHOST", "PGPORT", "PGDATABASE", "PGPASSWORD", "PGOPTIONS", "NOTIFY_SOCKET" })
            start.Environment.Remove(name);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new Child(process, endsByTerm: Reference.Path is { } reference && command.Contains(reference));
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int ExitCode, string Text)> RunAsync(
        string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        await using var child = Start(program, arguments, Machine.Folder, environment);
        return (await child.ExitAsync(120), child.Text);
    }

    public void Signal(int signal) => _ = Machine.Kill(Pid, signal);

    /// <summary>Waits for the end and returns the exit code.</summary>
    public async Task<int> ExitAsync(int seconds = 20)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Process {Pid} still runs after {seconds} s. Its output:\n{Text}");
        }

        return _process.ExitCode;
    }

    public Task LineAsync(string text, int seconds = 15) =>
        Until.TrueAsync(() =>
            Lines.Any(line => line.Contains(text, StringComparison.Ordinal)), $"a line with '{text}'", seconds, () => Text);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            AskToEnd();
            try
            {
                await ExitAsync(5);
            }
            catch (TimeoutException)
            {
                Signal(SigKill);
                await ExitAsync(5);
            }
        }

        Running.TryRemove(Pid, out _);
        _process.Dispose();
    }

    /// <summary>PgBouncer does not end by SIGQUIT before 1.23; there SIGTERM ends it at once.</summary>
    private void AskToEnd()
    {
        Signal(SigQuit);
        if (_endsByTerm) Signal(SigTerm);
    }

    public static void KillAll()
    {
        foreach (var child in Running.Values)
            if (!child.HasExited)
                child.AskToEnd();
        foreach (var child in Running.Values)
            if (!child._process.WaitForExit(5000))
                child.Signal(SigKill);
    }

    private void Keep(object sender, DataReceivedEventArgs e)
    {
        if (e.Data is null)
            return;
        lock (_lines)
            _lines.Add(e.Data);
    }
}
