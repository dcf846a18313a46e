using FastPool.Life;
using FastPool.Native.Process;

namespace FastPool.Tests.Life;

/// <summary>The secret behind the salts of names that have none: it is the same in the next process.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class DecoySecretTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("decoy").FullName;
    private byte _next;

    private byte[] Random(int count) => [.. Enumerable.Range(0, count).Select(_ => _next++)];

    [Fact]
    public void It_is_made_once_beside_the_userlist_and_is_for_its_owner_alone()
    {
        var list = Path.Combine(_folder, "users");
        var first = DecoySecret.Of(list, Random);
        Assert.True(first.Length >= 32);
        Assert.Equal(first, DecoySecret.Of(list, Random));
        Assert.NotEqual(first, DecoySecret.Of(Path.Combine(_folder, "others"), Random));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(list + DecoySecret.Suffix));
    }

    [Fact]
    public void Where_nothing_can_be_written_it_is_the_machine_s()
    {
        var nowhere = Path.Combine(_folder, "nowhere", "users");
        var isKnown = File.Exists("/etc/machine-id") && new FileInfo("/etc/machine-id").Length >= 32;
        Assert.Equal(isKnown, DecoySecret.Of(nowhere, Random).SequenceEqual(DecoySecret.Of(null, Random)));
    }

    [Fact]
    public void A_file_that_was_cut_short_is_no_secret()
    {
        var list = Path.Combine(_folder, "cut");
        File.WriteAllText(list + DecoySecret.Suffix, "short");
        Assert.Equal(DecoySecret.Of(Path.Combine(_folder, "nowhere", "users"), static count => new byte[count]),
            DecoySecret.Of(list, static count => new byte[count]));
    }

    [Theory]
    [InlineData(0b111_000_000, true, true, true)]
    [InlineData(0b111_101_101, true, true, true)]
    [InlineData(0b111_111_000, false, true, false)]
    [InlineData(0b111_000_010, false, false, false)]
    [InlineData(0b111_111_010, false, false, false)]
    [InlineData(0b1_111_111_111, false, true, true)]
    public void A_folder_is_trusted_by_its_owner_its_group_and_mode(int mode, bool isOwn, bool keepsForGroup, bool keepsFiles)
    {
        File.SetUnixFileMode(_folder, (UnixFileMode)mode);
        var (user, group) = (Identity.Uid, Identity.EffectiveGid);
        Assert.Equal((isOwn, keepsForGroup, keepsFiles),
            (FileTrust.IsFolderOf(user, _folder), FileTrust.KeepsFilesOf(user, group, _folder),
            FileTrust.KeepsFilesOf(user, group + 1, _folder)));
        Assert.False(FileTrust.KeepsFilesOf(user, group, _folder + "/nowhere"));
        // Of root's folders everybody is sure.
        Assert.Equal(user == 0 && keepsFiles, FileTrust.KeepsFilesOf(user + 1, group + 1, _folder));
    }

    [Fact]
    public void A_file_with_a_second_name_or_of_another_kind_is_not_plain()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        Assert.True(IsPlain(file));
        Assert.Equal(0, (int)Link(file, file + "2"));
        Assert.False(IsPlain(file));
        Assert.False(IsPlain(_folder));
        Assert.False(IsPlain("/dev/null"));
        File.CreateSymbolicLink(file + "3", file);
        Assert.True(Descriptor.Open(file + "3", OpenFor.AppendNoLink) < 0);
    }

    private static bool IsPlain(string path)
    {
        var descriptor = Descriptor.Open(path, OpenFor.Read);
        Assert.True(descriptor >= 0);
        var isPlain = FileTrust.IsPlainFile(descriptor);
        _ = Descriptor.Close(descriptor);
        return isPlain;
    }

    private static int Link(string from, string to)
    {
        using var process = System.Diagnostics.Process.Start("ln", [from, to]);
        process.WaitForExit();
        return process.ExitCode;
    }
}
