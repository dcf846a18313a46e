using System.Text.RegularExpressions;

namespace FastPool.Compat.Life;

public sealed class ProcessStartTests : IDisposable
{
    private readonly ProcessWorkshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void A_missing_file_ends_the_start()
    {
        var (status, stdout, stderr) = _shop.Start("/nonexistent.ini").Ends();
        Assert.Equal(1, status);
        Assert.Empty(stdout);
        Assert.Equal(
            "ERROR could not load file \"/nonexistent.ini\": No such file or directory\nFATAL cannot load config file\n",
                Texts(stderr));
    }

    [Fact]
    public void An_unknown_key_is_named_with_its_line()
    {
        _shop.Ini("nonsense = 1");
        var (status, _, stderr) = _shop.Start().Ends();
        Assert.Equal(1, status);
        Assert.Equal(
            "ERROR unknown parameter: pgbouncer/nonsense\n"
            + $"ERROR invalid value \"1\" for parameter nonsense in configuration ({_shop.IniPath}:5)\n"
            + "FATAL cannot load config file\n",
            Texts(stderr));
    }

    [Fact]
    public void TLS_settings_that_do_not_go_together_end_the_start()
    {
        _shop.Ini("client_tls_sslmode = require");
        var (status, _, stderr) = _shop.Start().Ends();
        Assert.Equal(1, status);
        Assert.EndsWith("FATAL TLS setup failed\n", Texts(stderr), StringComparison.Ordinal);
    }

    [Fact]
    public void Quiet_says_nothing_but_the_status()
    {
        var (status, _, stderr) = _shop.Start("-q", "/nonexistent.ini").Ends();
        Assert.Equal((1, ""), (status, stderr));
    }

    [Fact]
    public void Root_is_refused()
    {
        if (!ProcessUser.IsRoot) return; // Nobody else can try it.
        using var process = ProcessUnderTest.Start([_shop.IniPath], [], asRoot: true);
        var (status, _, stderr) = process.Ends();
        Assert.Equal((1, "FATAL PgBouncer should not run as root\n"), (status, Texts(stderr)));
    }

    [Fact]
    public void Root_becomes_the_user_that_is_named()
    {
        if (!ProcessUser.IsRoot) return;
        using var process = ProcessUnderTest.Start(["-unobody", _shop.IniPath], [], asRoot: true);
        var status = File.ReadAllText($"/proc/{process.IsUp().Pid}/status");
        Assert.Matches(@"\nUid:\t([1-9]\d*)\t\1\t\1\t\1\n", status);
    }

    [Theory]
    [InlineData("nosuchuser", "could not find user 'nosuchuser' to switch to")]
    [InlineData("root", "failed to assume identity of user 'root': Operation not permitted")]
    public void A_user_that_one_cannot_be_ends_the_start(string user, string expected)
    {
        var (status, _, stderr) = _shop.Start("-u", user, _shop.IniPath).Ends();
        Assert.Equal((1, $"FATAL {expected}\n"), (status, Texts(stderr)));
    }

    [Theory]
    [InlineData("UTC", "UTC")]
    [InlineData("Asia/Kolkata", "IST")]
    [InlineData("America/Sao_Paulo", "-03")]
    public void Lines_have_local_time_and_the_zone_of_the_C_library(string zone, string expected)
    {
        var stderr = _shop.Start([("TZ", zone)], []).IsUp().Stderr;
        var line = $@"^\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{{3}} {Regex.Escape(expected)} \[\d+\] (LOG|WARNING) [^\n]+$";
        Assert.All(stderr.TrimEnd('\n').Split('\n'), text => Assert.Matches(line, text));
    }

    [Fact]
    public void The_environment_is_not_to_be_nonsense()
    {
        var (status, _, stderr) = _shop.Start([("FASTPOOL_LOOPS", "many")], []).Ends();
        Assert.Equal(1, status);
        Assert.Contains("invalid value \"many\" for environment variable FASTPOOL_LOOPS", stderr, StringComparison.Ordinal);
    }

    /// <summary>Level and text of each line.</summary>
    private static string Texts(string log) => Regex.Replace(log, @"(?m)^[^\[\n]+\[\d+\] ", "");
}
