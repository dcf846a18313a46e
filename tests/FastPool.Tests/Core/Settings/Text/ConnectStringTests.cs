namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class ConnectStringTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("   ", "")]
    [InlineData("host=a", "host:a")]
    [InlineData("host=a port=5", "host:a|port:5")]
    [InlineData(" host = a  port =5 ", "host:a|port:5")]
    [InlineData("host='a b'", "host:a b")]
    [InlineData("host = 'a''b' port=1", "host:a'b|port:1")]
    [InlineData("q='''x'''", "q:'x'")]
    [InlineData("password=x'y", "password:x'y")]
    [InlineData("password=a\\ b=c", "password:a\\|b:c")]
    [InlineData("a=b\tc=d", "a:b\tc=d")]
    [InlineData("password= host=x", "password:host=x")]
    [InlineData("a=b=c", "a:b=c")]
    [InlineData("host='a'port=5", "host:a|port:5")]
    [InlineData("ho'st=x", "ho'st:x")]
    [InlineData("postgres://h/d?a=b", "postgres://h/d?a:b")]
    public void Pairs_are_separated_by_spaces_only(string text, string pairs) => Assert.Equal(pairs, PairsOf(text));

    [Theory]
    [InlineData("host")]
    [InlineData("host ")]
    [InlineData("host a=b")]
    [InlineData("host=")]
    [InlineData("host= ")]
    [InlineData("host=''")]
    [InlineData("host='a")]
    [InlineData("host='a''")]
    [InlineData("=x")]
    [InlineData("a=b =x")]
    public void A_word_that_is_no_pair_breaks_the_string(string text) =>
        Assert.EndsWith("!", PairsOf(text), StringComparison.Ordinal);

    private static string PairsOf(string text)
    {
        var pairs = new ConnectString(text);
        var found = new List<string>();
        while (pairs.Read(out var key, out var value)) found.Add($"{key}:{value}");
        return string.Join('|', found) + (pairs.IsBroken ? "!" : "");
    }
}
