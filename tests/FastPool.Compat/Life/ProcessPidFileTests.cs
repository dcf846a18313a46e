namespace FastPool.Compat.Life;

public sealed class ProcessPidFileTests : IDisposable
{
    private readonly ProcessWorkshop _shop = new();

    public ProcessPidFileTests() => _shop.Ini($"pidfile = {_shop.PidPath}");

    public void Dispose() => _shop.Dispose();

    [Theory]
    [InlineData(ProcessUnderTest.Terminate)]
    [InlineData(ProcessUnderTest.Interrupt)]
    [InlineData(ProcessUnderTest.Quit)]
    public void The_file_holds_the_pid_and_goes_with_the_process(int signal)
    {
        var process = _shop.Start().IsUp();
        Assert.Equal($"{process.Pid}\n", File.ReadAllText(_shop.PidPath));
        Assert.Equal(0, process.Gets(signal).Ends().Status);
        Assert.False(File.Exists(_shop.PidPath));
    }

    [Fact]
    public void A_second_instance_is_refused_and_leaves_the_file()
    {
        // Sockets apart, so that it is the pid file which tells.
        _shop.Ini($"pidfile = {_shop.PidPath}", "unix_socket_dir =", "listen_addr = 127.0.0.1", "listen_port = 0");
        var first = _shop.Start().IsUp();
        var (status, _, stderr) = _shop.Start().Ends();
        Assert.Equal(1, status);
        Assert.EndsWith($"FATAL pidfile '{_shop.PidPath}' exists, another instance running?\n", stderr, StringComparison.Ordinal);
        Assert.Equal($"{first.Pid}\n", File.ReadAllText(_shop.PidPath));
    }

    [Fact]
    public void A_stale_file_is_removed()
    {
        _shop.Write("pool.pid", "1999999999\n");
        _shop.Start().Says("LOG stale pidfile, removing").IsUp();
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("-1")]
    public void A_file_that_names_no_process_is_not_touched(string content)
    {
        _shop.Write("pool.pid", content);
        var (status, _, stderr) = _shop.Start().Ends();
        Assert.Equal(1, status);
        Assert.EndsWith("exists, another instance running?\n", stderr, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(_shop.PidPath));
    }

    [Fact]
    public void A_file_that_cannot_be_made_ends_the_start()
    {
        _shop.Ini($"pidfile = {_shop.Folder}/nowhere/pool.pid");
        var (status, _, stderr) = _shop.Start().Ends();
        Assert.Equal(1, status);
        Assert.EndsWith(
            $"FATAL could not open pidfile '{_shop.Folder}/nowhere/pool.pid': No such file or directory\n", stderr,
                StringComparison.Ordinal);
    }

    [Fact]
    public void In_the_background_the_caller_gets_0_when_the_pooler_serves()
    {
        _shop.Ini($"pidfile = {_shop.PidPath}", $"logfile = {_shop.LogPath}");
        var (status, stdout, stderr) = _shop.Start("-d", _shop.IniPath).Ends();
        Assert.Equal((0, "", ""), (status, stdout, stderr));
        var pid = int.Parse(File.ReadAllText(_shop.PidPath));
        Assert.Contains($"[{pid}] LOG process up: PgBouncer", File.ReadAllText(_shop.LogPath), StringComparison.Ordinal);
        Assert.Equal("/dev/null", new FileInfo($"/proc/{pid}/fd/2").LinkTarget);
        Assert.Equal(Path.GetFileName(ProcessBinary.FullPath), File.ReadAllText($"/proc/{pid}/comm").TrimEnd());
        ProcessUnderTest.Signal(pid, ProcessUnderTest.Quit);
        ProcessUnderTest.Until(() => !File.Exists(_shop.PidPath), "the pid file stayed");
    }

    [Fact]
    public void In_the_background_a_failed_start_is_told_to_the_caller()
    {
        _shop.Ini();
        var (status, _, stderr) = _shop.Start("-d", _shop.IniPath).Ends();
        Assert.Equal(1, status);
        Assert.EndsWith("FATAL daemon needs pidfile configured\n", stderr, StringComparison.Ordinal);
    }
}
