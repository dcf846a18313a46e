namespace FastPool.Compat.Life;

public sealed class ProcessCommandLineTests : IDisposable
{
    private readonly ProcessWorkshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void The_first_line_of_the_version_is_PgBouncers_and_a_later_one_is_ours()
    {
        var (status, stdout, stderr) = _shop.Start("-V").Ends();
        var lines = stdout.Split('\n');
        Assert.Equal(0, status);
        Assert.Equal("PgBouncer 1.26.1", lines[0]);
        Assert.StartsWith("libevent ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("adns: ", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("tls: OpenSSL", lines[3], StringComparison.Ordinal);
        Assert.Equal("systemd: yes", lines[4]);
        Assert.StartsWith("FastPool ", lines[5], StringComparison.Ordinal);
        Assert.Empty(stderr);
    }

    [Fact]
    public void Help_names_the_program_as_it_was_typed()
    {
        var (status, stdout, _) = _shop.Start("-h").Ends();
        Assert.Equal(0, status);
        Assert.StartsWith($"{ProcessBinary.FullPath} is a connection pooler for PostgreSQL.\n\nUsage:\n", stdout,
            StringComparison.Ordinal);
        Assert.EndsWith("\n\nThe manual is pgbouncer(1), and pgbouncer(5) for the file.\n", stdout, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no configuration file specified")]
    [InlineData("no configuration file specified", "a.ini", "b.ini")]
    [InlineData("invalid option -- 'Z'", "-Z")]
    [InlineData("unrecognized option '--bogus'", "--bogus")]
    [InlineData("option requires an argument -- 'u'", "-u")]
    public void Usage_errors_are_two_lines_and_status_1(string expected, params string[] arguments)
    {
        var program = ProcessBinary.FullPath;
        var process = ProcessUnderTest.Start(arguments, [], asRoot: false);
        Assert.Equal((1, "", $"{program}: {expected}\nTry \"{program} --help\" for more information.\n"), process.Ends());
    }

    [Fact]
    public void Options_may_follow_the_file()
    {
        _shop.Ini($"pidfile = {_shop.PidPath}");
        _shop.Start(_shop.IniPath, "-vR").Says("WARNING Online restart is deprecated, use so_reuseport instead")
            .Says("LOG old process not found, try to continue normally").IsUp();
    }
}
