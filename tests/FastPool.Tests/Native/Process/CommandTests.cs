using System.Diagnostics;
using System.Text;
using FastPool.Native.Process;

namespace FastPool.Tests.Native;

/// <summary>Programs that are run for what they print.</summary>
public sealed class CommandTests
{
    private const int PatienceMs = 20_000;

    private static (string? Problem, string Text) Run(int timeoutMs, params string[] arguments)
    {
        var buffer = new byte[16];
        var problem = Command.Run(arguments, ["PATH=/usr/bin:/bin", "WORD=from outside"], buffer, timeoutMs, out var count);
        return (problem, Encoding.Latin1.GetString(buffer, 0, count));
    }

    private static (string? Problem, string Text) Shell(string script) => Run(PatienceMs, "/bin/sh", "-c", script);

    [Fact]
    public void All_that_it_prints_comes() => Assert.Equal((null, "one\ntwo\n"), Shell("echo one; echo two"));

    [Fact]
    public void Arguments_go_as_they_are() =>
        Assert.Equal((null, "$HOME *"), Run(PatienceMs, "/usr/bin/printf", "%s", "$HOME *"));

    [Fact]
    public void It_has_the_environment_that_it_is_given() => Assert.Equal((null, "from outside"), Shell("printf %s \"$WORD\""));

    [Fact]
    public void It_has_no_input_and_its_errors_are_for_nobody() =>
        Assert.Equal((null, "[]"), Shell("echo secret >&2; printf '[%s]' \"$(cat)\""));

    [Fact]
    public void Our_files_are_not_open_in_it()
    {
        using var file = new FileStream(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()), FileMode.CreateNew,
            FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        Assert.Equal((null, "0"), Shell($"printf %s $(ls -l /proc/self/fd | grep -c {Path.GetFileName(file.Name)})"));
    }

    [Theory]
    [InlineData("exit 3", "it ended with status 3")]
    [InlineData("kill -9 $$", "it ended with status 1")]
    [InlineData("echo 0123456789abcdef", "it prints too much")]
    [InlineData("yes", "it prints too much")]
    public void A_fault_is_told(string script, string problem) => Assert.Equal(problem, Shell(script).Problem);

    [Fact]
    public void Exactly_as_much_as_there_is_room_is_not_too_much() =>
        Assert.Equal((null, "0123456789abcdef"), Shell("printf 0123456789abcdef"));

    [Fact]
    public void A_program_that_is_not_there_is_told() =>
        Assert.Equal("No such file or directory", Run(PatienceMs, "/nowhere/at/all").Problem);

    [Fact]
    public void Signals_are_as_a_program_expects_them() =>
        Assert.Equal((null, "0000000000000000"), Shell("grep SigIgn /proc/self/status | cut -f2 | tr -d '\\n'"));

    [Theory]
    [InlineData("sleep 1000 & echo $! >FILE; wait")]
    [InlineData("sleep 1000 >/dev/null & echo $! >FILE; exec >&-; wait")] // It closes what it prints, and goes on.
    public async Task One_that_takes_too_long_is_ended_with_what_it_has_started(string script)
    {
        var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            Assert.Equal("it takes too long",
                Run(1_000, "/bin/sh", "-c", script.Replace("FILE", file, StringComparison.Ordinal)).Problem);
            var pid = int.Parse(await File.ReadAllTextAsync(file), System.Globalization.CultureInfo.InvariantCulture);
            var clock = Stopwatch.StartNew();
            while (IsRunning(pid) && clock.ElapsedMilliseconds < PatienceMs) await Task.Yield();
            Assert.False(IsRunning(pid));
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>One that nobody has taken note of is no more all the same.</summary>
    private static bool IsRunning(int pid)
    {
        try
        {
            return !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
