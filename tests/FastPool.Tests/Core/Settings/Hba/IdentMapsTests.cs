namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class IdentMapsTests
{
    [Fact]
    public void Lines_of_a_map_accumulate()
    {
        var log = new List<LogText>();
        var maps = IdentMaps.Parse("# c\nm sys pg\nn \"s p\" \"all\"\n\nm \"o\"\"s\" all # c\nm other all ignored\n", log);
        Assert.Empty(log);
        Assert.Equal(2, maps.Count);
        Assert.Null(maps.Find("M"));
        var map = maps.Find("m")!;
        Assert.Equal(3, map.Lines.Count);
        Assert.True(map.Matches("sys", "pg"));
        Assert.False(map.Matches("sys", "other"));
        Assert.False(map.Matches("SYS", "pg"));
        Assert.True(map.Matches("o\"s", "anybody"));
        Assert.True(map.Matches("other", "anybody"));
        Assert.True(maps.Find("n")!.Matches("s p", "all"));
        Assert.False(maps.Find("n")!.Matches("s p", "anybody"));
    }

    [Theory]
    [InlineData("\"m\" a b", false)]
    [InlineData("m", false)]
    [InlineData("m a", false)]
    [InlineData("m , b", false)]
    [InlineData("m a \"b", false)]
    [InlineData("m a b c", true)]
    [InlineData("m a all b c", true)]
    public void A_bad_line_is_skipped_with_its_warning(string line, bool hasParameters)
    {
        var log = new List<LogText>();
        Assert.Equal(1, IdentMaps.Parse($"\n{line}\nn a b\n", log).Count);
        string[] expected = ["WARNING could not parse ident config line 2"];
        if (hasParameters) expected = ["WARNING ident line 2: unsupported parameters", .. expected];
        Assert.Equal(expected, Loading.Lines(log));
    }
}
