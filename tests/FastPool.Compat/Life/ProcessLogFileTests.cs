namespace FastPool.Compat.Life;

public sealed class ProcessLogFileTests : IDisposable
{
    private readonly ProcessWorkshop _shop = new();

    public ProcessLogFileTests() => _shop.Ini($"logfile = {_shop.LogPath}");

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void Lines_go_to_file_and_stderr_alike()
    {
        var stderr = _shop.Start().IsUp().Stderr;
        Assert.Equal(stderr, File.ReadAllText(_shop.LogPath));
    }

    [Fact]
    public void Quiet_leaves_the_file()
    {
        var process = _shop.Start("-q", _shop.IniPath);
        ProcessUnderTest.Until(
            () => File.Exists(_shop.LogPath)
                && File.ReadAllText(_shop.LogPath).Contains("process up", StringComparison.Ordinal), "no log");
        Assert.Equal(0, process.Gets(ProcessUnderTest.Quit).Ends().Status);
        Assert.Empty(process.Stderr);
    }

    [Fact]
    public void A_renamed_file_is_left_at_SIGHUP_and_the_new_one_comes_with_the_next_line()
    {
        var process = _shop.Start().IsUp();
        File.Move(_shop.LogPath, _shop.LogPath + ".1");
        process.Gets(ProcessUnderTest.Hangup).Says("got SIGHUP, re-reading config");
        process.Gets(ProcessUnderTest.User1).Says("got SIGUSR1, pausing all activity");
        Assert.Equal(0, process.Gets(ProcessUnderTest.Quit).Ends().Status);
        Assert.EndsWith("LOG got SIGHUP, re-reading config\n", File.ReadAllText(_shop.LogPath + ".1"), StringComparison.Ordinal);
        var lines = File.ReadAllLines(_shop.LogPath);
        Assert.Equal(2, lines.Length);
        Assert.EndsWith("LOG got SIGUSR1, pausing all activity", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("LOG got SIGQUIT, fast exit", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_copied_and_cut_has_no_hole()
    {
        var process = _shop.Start().IsUp();
        using (var file = new FileStream(_shop.LogPath, FileMode.Open, FileAccess.Write)) file.SetLength(0);
        Assert.Equal(0, process.Gets(ProcessUnderTest.Quit).Ends().Status);
        Assert.Matches(@"^\d{4}-[^\n\0]* LOG got SIGQUIT, fast exit\n$", File.ReadAllText(_shop.LogPath));
    }

    [Theory]
    [InlineData("-q")]
    [InlineData("-v")]
    public void A_file_that_cannot_be_opened_ends_the_process_even_when_quiet(string option)
    {
        _shop.Ini($"logfile = {_shop.Folder}/nowhere/pool.log");
        var (status, _, stderr) = _shop.Start(option, _shop.IniPath).Ends();
        Assert.Equal(1, status);
        Assert.Matches(
            @"\d\d\.\d{3} \S+ \d+ FATAL Cannot open logfile: '[^']+/nowhere/pool\.log': No such file or directory\n$", stderr);
    }
}
