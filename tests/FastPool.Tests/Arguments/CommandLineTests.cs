using FastPool.Arguments;

namespace FastPool.Tests.Arguments;

public class CommandLineTests
{
    public static TheoryData<string[], string> Good => new()
    {
        { ["a.ini"], "a.ini" },
        { ["-d", "a.ini"], "a.ini d" },
        { ["a.ini", "-dv"], "a.ini d v1" },
        { ["-qvv", "a.ini"], "a.ini q v2" },
        { ["-unobody", "a.ini"], "a.ini u=nobody" },
        { ["-vunobody", "a.ini"], "a.ini v1 u=nobody" },
        { ["-u", "nobody", "a.ini"], "a.ini u=nobody" },
        { ["a.ini", "-u", "-v"], "a.ini u=-v" },
        { ["--user=nobody", "a.ini"], "a.ini u=nobody" },
        { ["--user", "nobody", "a.ini"], "a.ini u=nobody" },
        { ["--us=", "a.ini"], "a.ini u=" },
        { ["-u", "", "a.ini"], "a.ini u=" },
        { ["--daem", "a.ini", "--verb", "--q", "--reb"], "a.ini d q R v1" },
        { ["--", "-v"], "-v" },
        { ["-v", "--", "a.ini"], "a.ini v1" },
        { ["-"], "-" },
        { [""], "" },
    };

    public static TheoryData<string[], string> Wrong => new()
    {
        { [], "pgbouncer: no configuration file specified" },
        { ["a.ini", "b.ini"], "pgbouncer: no configuration file specified" },
        { ["-x", "-V"], "pgbouncer: invalid option -- 'x'" },
        { ["-qx"], "pgbouncer: invalid option -- 'x'" },
        { ["a.ini", "-u"], "pgbouncer: option requires an argument -- 'u'" },
        { ["--user"], "pgbouncer: option '--user' requires an argument" },
        { ["--us"], "pgbouncer: option '--user' requires an argument" },
        { ["--bogus=1"], "pgbouncer: unrecognized option '--bogus=1'" },
        { ["--daem=1"], "pgbouncer: option '--daemon' doesn't allow an argument" },
        { ["--ver"], "pgbouncer: option '--ver' is ambiguous; possibilities: '--verbose' '--version'" },
    };

    [Theory]
    [MemberData(nameof(Good))]
    public void Options_are_read_as_getopt_long_reads_them(string[] arguments, string expected) =>
        Assert.Equal(expected, Shown(Parse(arguments)));

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Mistakes_have_the_words_of_the_C_library(string[] arguments, string expected)
    {
        var line = Parse(arguments);
        Assert.Equal(CommandLineEnd.Usage, line.End);
        Assert.Equal(expected, line.Error);
    }

    [Theory]
    [InlineData("-V", CommandLineEnd.Version)]
    [InlineData("--vers", CommandLineEnd.Version)]
    [InlineData("-dh", CommandLineEnd.Help)]
    [InlineData("--he", CommandLineEnd.Help)]
    public void Version_and_help_decide_as_soon_as_they_are_seen(string option, CommandLineEnd expected) =>
        Assert.Equal(expected, Parse([option, "--bogus"]).End);

    [Fact]
    public void With_POSIXLY_CORRECT_the_first_operand_ends_the_options()
    {
        Assert.Equal(CommandLineEnd.Usage, CommandLine.Parse(["pgbouncer", "a.ini", "-v"], isPosix: true).End);
        Assert.Equal("a.ini v1", Shown(CommandLine.Parse(["pgbouncer", "-v", "a.ini"], isPosix: true)));
    }

    [Theory]
    [InlineData("p\0a\0", new[] { "p", "a" })]
    [InlineData("p\0\0", new[] { "p", "" })]
    [InlineData("p", new[] { "p" })]
    public void Arguments_are_split_at_their_NULs(string content, string[] expected) =>
        Assert.Equal(expected, ProcessArguments.Split(content));

    private static CommandLine Parse(string[] arguments) => CommandLine.Parse(["pgbouncer", .. arguments], isPosix: false);

    private static string Shown(CommandLine line)
    {
        Assert.Equal(CommandLineEnd.None, line.End);
        return line.ConfigFile
            + (line.Daemon ? " d" : "")
            + (line.Quiet ? " q" : "")
            + (line.Reboot ? " R" : "")
            + (line.Verbose > 0 ? $" v{line.Verbose}" : "")
            + (line.User is { } user ? $" u={user}" : "");
    }
}
