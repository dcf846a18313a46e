using System.Text;
using FastPool.Logs;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool.Tests.Logs;

public class LineBuilderTests
{
    [Theory]
    [InlineData(LogLevel.Critical, "FATAL")]
    [InlineData(LogLevel.Error, "ERROR")]
    [InlineData(LogLevel.Warning, "WARNING")]
    [InlineData(LogLevel.Information, "LOG")]
    [InlineData(LogLevel.Debug, "DEBUG")]
    [InlineData(LogLevel.Trace, "NOISE")]
    public void A_line_has_stamp_pid_level_and_text(LogLevel level, string word) =>
        Assert.Equal($"2026-11-22 12:27:58.666 UTC [28541] {word} hello\n", Whole(level, "hello"));

    [Theory]
    [InlineData("a\nb", "a\n\tb")]
    [InlineData("a\n\nb", "a\n\t\n\tb")]
    [InlineData("a\n", "a")]
    [InlineData("a \t\r\n \n", "a")]
    [InlineData("", "")]
    public void A_continued_line_begins_with_a_tab_and_white_space_at_the_end_goes(string text, string expected) =>
        Assert.Equal(expected, Text(text));

    [Theory]
    [InlineData("user=\u001b[2Jx", "user=\\x1b[2Jx")]
    [InlineData("a\rb", "a\\x0db")]
    [InlineData("a\0b\u007fc", "a\\x00b\\x7fc")]
    [InlineData("a\tb", "a\tb")]
    [InlineData("a\u001b", "a\\x1b")]
    public void Control_bytes_are_escaped(string text, string expected) => Assert.Equal(expected, Text(text));

    [Fact]
    public void A_line_of_control_bytes_fits()
    {
        Assert.Equal(string.Concat(Enumerable.Repeat("\\x1b", LineBuilder.TextBytesMax)), Text(new string('\u001b', 5000)));
        var entry = new byte[(4 * LineBuilder.TextBytesMax) + 512];
        Assert.InRange(new JournalSink("pgbouncer")
            .Build(new LineBuilder(1).Build("x"u8, LogLevel.Error, new string('\u001b', 5000)), entry), 1, entry.Length);
    }

    [Fact]
    public void A_text_is_cut_at_2047_bytes()
    {
        Assert.Equal(new string('x', 2047), Text(new string('x', 3000)));
    }

    [Fact]
    public void A_char_is_a_byte() =>
        Assert.Equal([0xC3, 0xA4], Encoding.Latin1.GetBytes(Text("\u00C3\u00A4")));

    [Fact]
    public void A_line_of_line_feeds_fits() => Assert.Equal("", Text(new string('\n', 5000)));

    [Fact]
    public void The_clock_prints_milliseconds_and_a_zone()
    {
        Span<byte> stamp = stackalloc byte[LocalClock.BytesMax];
        var length = new LocalClock().Write(unixSecond: 1_800_000_000, millisecond: 7, stamp);
        Assert.Matches(@"^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.007 [A-Z0-9+-]{3,6}$", Encoding.Latin1.GetString(stamp[..length]));
    }

    [Fact]
    public void A_journal_entry_has_priority_name_and_a_text_with_its_length()
    {
        var line = new LineBuilder(1).Build("x"u8, LogLevel.Warning, "a\nb");
        var entry = new byte[200];
        var length = new JournalSink("pgbouncer").Build(line, entry);
        Assert.Equal(
            "PRIORITY=4\nSYSLOG_IDENTIFIER=pgbouncer\nMESSAGE\n\u0004\0\0\0\0\0\0\0a\n\tb\n",
            Encoding.Latin1.GetString(entry, 0, length));
    }

    [Theory]
    [InlineData("8:42", true)]
    [InlineData("8:43", false)]
    [InlineData(null, false)]
    public void The_journal_is_used_when_it_is_where_stderr_leads(string? stream, bool expected) =>
        Assert.Equal(expected, JournalSink.Leads(stream, device: 8, inode: 42));

    [Theory]
    [InlineData("local0", 16 << 3)]
    [InlineData("local7", 23 << 3)]
    [InlineData("auth", 4 << 3)]
    [InlineData("authpriv", 10 << 3)]
    [InlineData("user", 1 << 3)]
    [InlineData("daemon", 3 << 3)]
    [InlineData("local8", 3 << 3)]
    [InlineData("nonsense", 3 << 3)]
    public void An_unknown_facility_is_daemon(string name, int expected) => Assert.Equal(expected, SyslogFacility.Of(name));

    private static string Whole(LogLevel level, string text) =>
        Encoding.Latin1.GetString(new LineBuilder(28541).Build("2026-11-22 12:27:58.666 UTC"u8, level, text).Whole);

    private static string Text(string text) =>
        Encoding.Latin1.GetString(new LineBuilder(1).Build("x"u8, LogLevel.Error, text).Text);
}
