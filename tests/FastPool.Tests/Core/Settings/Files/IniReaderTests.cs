namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class IniReaderTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("\n \t\v\f\r\n", "")]
    [InlineData("# c\n; d\n  # e", "")]
    [InlineData("[a]", "1[a]")]
    [InlineData("[ a ]", "1[ a ]")]
    [InlineData("[]", "1[]")]
    [InlineData("\n[a] k = v", "2[a] 2k=v")]
    [InlineData("[a] ; c", "1[a]")]
    [InlineData("k=v\r\nl = w\r\n", "1k=v 2l=w")]
    [InlineData("  k \t=\t v w \t\n", "1k=v w")]
    [InlineData("k = v ; c # d", "1k=v ; c # d")]
    [InlineData("k = 'v' \\", "1k='v' \\")]
    [InlineData("k=", "1k=")]
    [InlineData("k=\nl=", "1k= 2l=")]
    [InlineData("= x", "1=x")]
    [InlineData("k==x", "1k==x")]
    [InlineData("Az_0.*-9 = x", "1Az_0.*-9=x")]
    [InlineData("'a b\"é' = x", "1a b\"é=x")]
    [InlineData("'a\nb' = x\nc=d", "2a\nb=x 3c=d")]
    [InlineData("\"k\" = 1", "1k=1")]
    [InlineData("\"a \"\"b\"\" = c' é\"= x\nk=v", "1a \"b\" = c' é=x 2k=v")]
    [InlineData("k = é", "1k=é")]
    [InlineData("k=v\0\nl=w", "1k=v")]
    [InlineData("%include f.ini", "1%f.ini")]
    [InlineData(" %include \t a b.ini \n", "1%a b.ini")]
    [InlineData("%include ", "1%")]
    [InlineData("k=v\n%include f ; c", "1k=v 2%f ; c")]
    public void A_file_is_sections_entries_and_includes(string text, string events) => Assert.Equal(events, EventsOf(text));

    [Theory]
    [InlineData("\u00EF\u00BB\u00BF[a]", "1!")]
    [InlineData("k", "1!")]
    [InlineData("k\n=v", "1! 2=v")]
    [InlineData("k=v\nfoo bar = 1", "1k=v 2!")]
    [InlineData("é = 1", "1!")]
    [InlineData("\"k = 1", "1!")]
    [InlineData("\"k\n\" = 1", "1! 2!")]
    [InlineData("\"\" = 1", "1!")]
    [InlineData("'' = 1", "1!")]
    [InlineData("'k = 1\nl = 2", "2!")]
    [InlineData("k=v\n'k = 1\nl = 2\n", "1k=v 3!")]
    [InlineData("[a", "1!")]
    [InlineData("[a\n]", "1! 2!")]
    [InlineData("%include", "1!")]
    [InlineData("%include\n", "1!")]
    [InlineData("%includex y", "1!")]
    [InlineData("%INCLUDE y", "1!")]
    [InlineData("%other y", "1!")]
    public void A_line_that_is_no_section_pair_or_include_is_a_syntax_error(string text, string events) =>
        Assert.Equal(events, EventsOf(text));

    [Fact]
    public void A_syntax_error_hides_no_other_line()
    {
        Assert.Equal("1! 2[a] 3k=v 4! 5l=w", EventsOf("k\n[a]\nk=v\n%x\nl=w"));
        Assert.Equal("1! 2k=v", EventsOf("'' = 1\nk=v"));
        Assert.Equal("f", new IniReader("f", "").File);
    }

    private static string EventsOf(string text)
    {
        var reader = new IniReader("f", text);
        var events = new List<string>();
        for (var found = reader.Read(); found.Kind != IniEventKind.End; found = reader.Read())
        {
            events.Add(found.Kind switch
            {
                IniEventKind.Section => $"{found.Line}[{found.Name}]",
                IniEventKind.Entry => $"{found.Line}{found.Name}={found.Value}",
                IniEventKind.Include => $"{found.Line}%{found.Value}",
                _ => $"{found.Line}!",
            });
        }

        return string.Join(' ', events);
    }
}
