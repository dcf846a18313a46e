using System.Text;
using FastPool.Life;

namespace FastPool.Tests.Life;

public class StartPartsTests
{
    [Theory]
    [InlineData("123\n", 123)]
    [InlineData("123", 123)]
    [InlineData("12x", 12)]
    [InlineData("", 0)]
    [InlineData("x", 0)]
    [InlineData("0\n", 0)]
    [InlineData("-5\n", -5)]
    [InlineData(" +5\n", 5)]
    public void A_pid_file_says_a_number_or_nothing_to_look_for(string content, int expected) =>
        Assert.Equal(expected, PidFile.Parse(Encoding.Latin1.GetBytes(content)));

    [Theory]
    [InlineData("100", "2", 2)]
    [InlineData("200", "2", 2)]
    [InlineData("300", "2", 0)]
    [InlineData(null, "2", 0)]
    [InlineData("100", null, 0)]
    [InlineData("100", "0", 0)]
    [InlineData("100", "-1", 0)]
    [InlineData("100", "many", 0)]
    public void Sockets_are_inherited_when_they_are_meant_for_this_process(string? pid, string? count, int expected) =>
        Assert.Equal(expected, InheritedSockets.Count(pid, count, [100, 200]));

    [Fact]
    public void The_version_of_the_TLS_library_stands_in_its_file() =>
        Assert.Equal(FastPool.Native.Process.OpenSslText.Read(), FastPool.Native.Process.OpenSslText.Find());

    [Fact]
    public void The_marker_of_a_background_process_is_read_back()
    {
        Assert.Equal((5, 42, "pg:bouncer"), Background.Parse("5:42:pg:bouncer"));
        Assert.Null(Background.Parse(null));
        Assert.Null(Background.Parse("5:42"));
        Assert.Null(Background.Parse("x:42:pgbouncer"));
    }

    [Fact]
    public void A_marker_of_another_process_is_none() => Assert.Null(Background.Find("5:1999999999:pgbouncer"));

    [Fact]
    public void The_status_line_has_a_mu() =>
        Assert.Equal("STATUS=stats: xact 1 \u00CE\u00BCs, wait 2 \u00CE\u00BCs",
            SystemdNotify.StatusOf("stats: xact 1 us, wait 2 us"));
}
