namespace FastPool.Compat.Life;

public sealed class ProcessSignalTests : IDisposable
{
    private readonly ProcessWorkshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void SIGTERM_waits_for_clients()
    {
        var (status, _, stderr) = _shop.Start().IsUp().Gets(ProcessUnderTest.Terminate).Ends();
        Assert.Equal(0, status);
        Assert.Contains("LOG got SIGTERM, shutting down, waiting for all clients disconnect\n", stderr, StringComparison.Ordinal);
        Assert.EndsWith("LOG client connections dropped, exiting\n", stderr, StringComparison.Ordinal);
    }

    [Fact]
    public void SIGINT_waits_for_servers()
    {
        var (status, _, stderr) = _shop.Start().IsUp().Gets(ProcessUnderTest.Interrupt).Ends();
        Assert.Equal(0, status);
        Assert.Contains(
            "LOG got SIGINT, shutting down, waiting for all servers connections to be released\n", stderr,
                StringComparison.Ordinal);
        Assert.EndsWith("LOG server connections dropped, exiting\n", stderr, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.26", "paused")]
    [InlineData("1.25", "paused/suspended")]
    public void SIGUSR1_pauses_and_SIGUSR2_continues(string showAs, string paused)
    {
        _shop.Ini($"[fastpool]\nshow_as = {showAs}");
        _shop.Start().IsUp()
            .Gets(ProcessUnderTest.User2).Says($"got SIGUSR2, but not {paused}")
            .Gets(ProcessUnderTest.User1).Says("got SIGUSR1, pausing all activity")
            .Gets(ProcessUnderTest.User1).Says($"got SIGUSR1, but already {paused}")
            .Gets(ProcessUnderTest.User2).Says("got SIGUSR2, continuing from PAUSE");
    }

    [Fact]
    public void A_reload_of_a_broken_file_is_survived()
    {
        var process = _shop.Start().IsUp();
        _shop.Ini("nonsense = 1");
        process.Gets(ProcessUnderTest.Hangup).Says("WARNING config file loading failed");
        _shop.Ini("verbose = x");
        process.Gets(ProcessUnderTest.Hangup).Says("invalid value \"x\" for parameter verbose in configuration");
        Assert.Equal(0, process.Gets(ProcessUnderTest.Quit).Ends().Status);
    }

    [Fact]
    public void Signals_that_the_parent_ignored_count_all_the_same()
    {
        using var process = ProcessUnderTest.StartThrough(
            "trap '' HUP INT QUIT; exec \"$@\"", [_shop.IniPath]);
        Assert.Equal(0, process.IsUp().Gets(ProcessUnderTest.Hangup).Says("got SIGHUP").Gets(ProcessUnderTest.Quit)
            .Ends().Status);
    }
}
