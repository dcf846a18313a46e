using System.Text;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Core.Sessions;

/// <summary>The commands of a text that drop statements are found where PostgreSQL would find them.</summary>
public sealed class DropCommandTests
{
    [Theory]
    [InlineData("DEALLOCATE k", "k")]
    [InlineData("deallocate prepare k;", "k")]
    [InlineData("Deallocate Prepare", "prepare")]
    [InlineData("DEALLOCATE Prepare;select 1", "prepare")]
    [InlineData("DEALLOCATE \"prepare\"", "prepare")]
    [InlineData("DEALLOCATE Foo", "foo")]
    [InlineData("DEALLOCATE \"Foo\"\"s k\"", "Foo\"s k")]
    [InlineData("DEALLOCATE ALL", "*")]
    [InlineData("DEALLOCATE PREPARE all", "*")]
    [InlineData("DEALLOCATE \"all\"", "all")]
    [InlineData("DISCARD ALL", "*")]
    [InlineData("DISCARD PLANS", "")]
    [InlineData(" /* a /* b */ c */ -- d\n ; deallocate/**/k", "k")]
    [InlineData("begin; deallocate a; deallocate b; commit", "a b")]
    [InlineData("select 'deallocate a; deallocate b'", "")]
    [InlineData("select 'it''s; deallocate a'; deallocate b", "b")]
    [InlineData("select e'\\'; deallocate a'; deallocate b", "b")]
    [InlineData("select '\\'; deallocate a; --'", "a")]
    [InlineData("select $$; deallocate a;$$, $x$; $$ deallocate b; $x$; deallocate c", "c")]
    [InlineData("select $1; deallocate a", "a")]
    [InlineData("select a$$b; deallocate a", "a")]
    [InlineData("create rule r as on insert to t do also (select 1; deallocate a); deallocate b", "b")]
    [InlineData("select deallocate from k", "")]
    [InlineData("select \"x; deallocate a\"; deallocate", "")]
    [InlineData("deallocate ;", "")]
    [InlineData("deallocate 'k'", "")]
    [InlineData("select 1;;; deallocate é_1$", "é_1$")]
    [InlineData("/* not ended deallocate a", "")]
    [InlineData("select 'not ended; deallocate a", "")]
    [InlineData("select $not ended; deallocate a", "a")]
    public void Names_are_found(string text, string names) => Assert.Equal(names, Names(text, hasBackslashes: false));

    [Fact]
    public void Backslashes_count_where_strings_do_not_conform() =>
        Assert.Equal("b", Names("select '\\'; deallocate a; --'; deallocate b", hasBackslashes: true));

    [Fact]
    public void A_text_without_the_words_is_not_cut() =>
        Assert.False(DropCommands.MayBeIn("select d, dd from deallocat where discar d"u8));

    private static string Names(string text, bool hasBackslashes)
    {
        var found = new List<string>();
        var commands = new DropCommands(Encoding.UTF8.GetBytes(text), hasBackslashes);
        while (commands.MoveNext()) found.Add(commands.Name is { } name ? Encoding.UTF8.GetString(name) : "*");
        return string.Join(' ', found);
    }
}
