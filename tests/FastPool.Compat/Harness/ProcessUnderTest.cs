using System.Diagnostics;
using System.Text;
using OsProcess = System.Diagnostics.Process;

namespace FastPool.Compat.Harness;

/// <summary>A pooler that was started, and what it says. Whatever does not come within the deadline fails the test.</summary>
public sealed class ProcessUnderTest : IDisposable
{
    public const int Hangup = 1;
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int User1 = 10;
    public const int User2 = 12;
    public const int Terminate = 15;

    private const int DeadlineMs = 10_000;

    private readonly OsProcess _process;
    private readonly object _gate = new();
    private readonly StringBuilder _stderr = new();

    private ProcessUnderTest(OsProcess process)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_gate)
            {
                if (line.Data is not null) _stderr.Append(line.Data).Append('\n');
                Monitor.PulseAll(_gate);
            }
        };
    }

    public int Pid => _process.Id;

    public string Stderr
    {
        get
        {
            lock (_gate) return _stderr.ToString();
        }
    }

    public static ProcessUnderTest Start(
        IReadOnlyList<string> arguments, IReadOnlyList<(string Name, string Value)> environment, bool asRoot)
    {
        return Start([.. ProcessUser.Prefix(asRoot), ProcessBinary.FullPath, .. arguments], environment);
    }

    /// <summary>Starts by way of a shell script that executes its arguments.</summary>
    public static ProcessUnderTest StartThrough(string script, IReadOnlyList<string> arguments) =>
        Start(["/bin/sh", "-c", script, "sh", .. ProcessUser.Prefix(asRoot: false), ProcessBinary.FullPath, .. arguments], []);

    private static ProcessUnderTest Start(string[] command, IReadOnlyList<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            StandardErrorEncoding = Encoding.Latin1,
        };
        foreach (var word in command.Skip(1)) start.ArgumentList.Add(word);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var process = new ProcessUnderTest(OsProcess.Start(start) ?? throw new InvalidOperationException("nothing was started"));
        process._process.BeginErrorReadLine();
        return process;
    }

    /// <summary>Waits until stderr holds a text.</summary>
    public ProcessUnderTest Says(string text)
    {
        lock (_gate)
        {
            while (!_stderr.ToString().Contains(text, StringComparison.Ordinal))
            {
                if (!Monitor.Wait(_gate, DeadlineMs)) throw new TimeoutException($"\"{text}\" did not come, but:\n{_stderr}");
            }
        }

        return this;
    }

    public ProcessUnderTest IsUp() => Says("process up: PgBouncer");

    /// <summary>Sends a signal.</summary>
    public ProcessUnderTest Gets(int signal)
    {
        Signal(Pid, signal);
        return this;
    }

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit status and all that was written.</returns>
    public (int Status, string Stdout, string Stderr) Ends()
    {
        var stdout = _process.StandardOutput.ReadToEndAsync();
        if (!_process.WaitForExit(DeadlineMs)) throw new TimeoutException($"it did not end; stderr:\n{Stderr}");
        _process.WaitForExit(); // Until stderr is read to its end.
        return (_process.ExitCode, stdout.GetAwaiter().GetResult(), Stderr);
    }

    public static void Signal(int pid, int signal)
    {
        using var kill = OsProcess.Start("/bin/sh", ["-c", $"kill -{signal} {pid}"]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Waits until something holds that only the file system shows.</summary>
    public static void Until(Func<bool> holds, string what)
    {
        if (!SpinWait.SpinUntil(holds, DeadlineMs)) throw new TimeoutException(what);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
