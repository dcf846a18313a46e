namespace FastPool.Compat.Life;

/// <summary>A log that takes nothing more: only the thread that writes it waits.</summary>
public class SlowLogTests
{
    private const int LogsOfAPipe = 400; // Three lines of some hundred bytes each: twice what a pipe holds.

    private static async Task<(Pooler Pooler, FileStream Pipe, string Path)> StartAsync(int loops)
    {
        var path = Path.Combine(Machine.NewFolder("log"), "pipe");
        Assert.Equal(0, (await Child.RunAsync("mkfifo", [path])).ExitCode);
        // A reader has it open, and does not read.
        var pipe = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        return (await Pooler.StartAsync(loops, f => f["logfile"] = path), pipe, path);
    }

    private static async Task LogInAsync(Pooler pooler, int count)
    {
        for (var i = 0; i < count; i++) await using (await pooler.RawAsync()) { }
    }

    [PoolerTheory(FastPoolOnly = "stands still"), Loops]
    public async Task A_log_pipe_that_nobody_reads_holds_up_nobody(int loops)
    {
        var (pooler, pipe, path) = await StartAsync(loops);
        await using (pooler)
        await using (pipe)
        {
            await LogInAsync(pooler, LogsOfAPipe).WaitAsync(TimeSpan.FromSeconds(60));
            Assert.Equal(1, await pooler.ScalarAsync("select 1"));

            // A late reader gets every line, in order.
            var read = ReadAsync(pipe, "closing because: ", LogsOfAPipe);
            var lines = await read.WaitAsync(TimeSpan.FromSeconds(60));
            Assert.DoesNotContain(lines, static line => line.Contains("dropped", StringComparison.Ordinal));
            Assert.True(
                lines.Count(static line =>
                line.Contains("login attempt: db=app user=user_trust", StringComparison.Ordinal)) >= LogsOfAPipe);
        }
        Assert.True(File.Exists(path));
    }

    /// <summary>Reads until so many lines have a text in them.</summary>
    private static async Task<List<string>> ReadAsync(FileStream pipe, string text, int count)
    {
        var lines = new List<string>();
        using var reader = new StreamReader(pipe, leaveOpen: true);
        while (count > 0 && await reader.ReadLineAsync() is { } line)
        {
            lines.Add(line);
            if (line.Contains(text, StringComparison.Ordinal)) count--;
        }
        return lines;
    }

    [PoolerTheory(FastPoolOnly = "stands still"), Loops]
    public async Task It_does_not_hold_up_the_end_of_the_process(int loops)
    {
        var (pooler, pipe, _) = await StartAsync(loops);
        await using (pipe)
        {
            await LogInAsync(pooler, LogsOfAPipe).WaitAsync(TimeSpan.FromSeconds(60));
            pooler.Process.Signal(Child.SigQuit);
            Assert.Equal(0, await pooler.Process.ExitAsync(10));
            await pooler.DisposeAsync();
        }
    }
}
