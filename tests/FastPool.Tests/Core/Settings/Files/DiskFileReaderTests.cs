using System.Text;

namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class DiskFileReaderTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("fastpool").FullName;
    private readonly DiskFileReader _files = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_file_is_its_bytes_and_its_name_is_bytes_too()
    {
        File.WriteAllBytes(Path.Combine(_directory, "é.ini"), [0xff, 0, 0xc3]);
        var path = ByteText.FromNative(Path.Combine(_directory, "é.ini"));
        Assert.EndsWith("\u00C3\u00A9.ini", path, StringComparison.Ordinal);
        Assert.True(_files.TryRead(path, out var content, out var error));
        Assert.Equal([0xff, 0, 0xc3], content);
        Assert.Equal("", error);
        Assert.True(_files.Stamp(path).Exists);
    }

    [Theory]
    [InlineData("", FileErrors.NoSuchFile)]
    [InlineData("nothere", FileErrors.NoSuchFile)]
    [InlineData("no/where", FileErrors.NoSuchFile)]
    [InlineData(".", FileErrors.IsADirectory)]
    public void A_file_that_cannot_be_read_has_the_text_of_its_errno(string name, string expected)
    {
        var path = name.Length == 0 ? "" : Path.Combine(_directory, name);
        Assert.False(_files.TryRead(path, out var content, out var error));
        Assert.Empty(content);
        Assert.Equal(expected, error);
        Assert.False(_files.Stamp(path).Exists);
    }

    [Fact]
    public void A_stamp_changes_with_the_file_and_only_then()
    {
        var path = Path.Combine(_directory, "u");
        File.WriteAllText(path, "a", Encoding.ASCII);
        var stamp = _files.Stamp(path);
        Assert.Equal(stamp, _files.Stamp(path));
        File.WriteAllText(path, "ab", Encoding.ASCII);
        Assert.NotEqual(stamp, _files.Stamp(path));
    }
}
