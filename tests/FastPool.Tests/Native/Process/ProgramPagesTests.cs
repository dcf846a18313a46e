using FastPool.Native.Process;

namespace FastPool.Tests.Native;

/// <summary>Pages that are in memory as they are on disk are given back after the start, and no others.</summary>
public class ProgramPagesTests
{
    private static readonly string[] Maps =
    [
        .. Mapping("55d0c1a00000-55d0c1a50000 r--p 00000000 fe:00 1234    /usr/bin/fastpool"),
        .. Mapping("55d0c1a50000-55d0c1d00000 r-xp 00050000 fe:00 1234    /usr/bin/fastpool"),
        .. Mapping("55d0c1d00000-55d0c1d50000 r--p 00300000 fe:00 1234    /usr/bin/fastpool", own: 320),
        .. Mapping("55d0c1d50000-55d0c1d60000 rw-p 00350000 fe:00 1234    /usr/bin/fastpool"),
        .. Mapping("7f0000000000-7f0000100000 rw-p 00000000 00:00 0"),
        .. Mapping("7f0000200000-7f0000300000 r--p 00000000 fe:00 1235    /usr/lib/libm.so.6", swapped: 4),
        .. Mapping("7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0       [vdso]"),
        "",
    ];

    private static readonly (nuint Start, nuint Bytes)[] Given = [At(0x55d0c1a00000, 0x50000), At(0x55d0c1a50000, 0x2b0000)];

    private static (nuint Start, nuint Bytes) At(long start, int bytes) => ((nuint)start, (nuint)bytes);

    /// <summary>As the kernel tells of one; <c>SwapPss</c> comes behind all that counts.</summary>
    private static string[] Mapping(string line, int own = 0, int swapped = 0) =>
    [
        line, "Rss:                 300 kB", $"Anonymous:           {own} kB", "AnonHugePages:         0 kB",
        $"Swap:                {swapped} kB", "SwapPss:               0 kB",
    ];

    [Fact]
    public void Only_what_is_read_from_a_file_and_has_not_been_written_into_is_given_back() =>
        Assert.Equal(Given, Unchanged(Maps));

    [Fact]
    public void A_library_that_is_being_loaded_is_left_alone()
    {
        string[] later =
        [
            .. Mapping("7f0000400000-7f0000900000 r--p 00000000 fe:00 1236    /usr/lib/libssl.so.3"), // Being loaded.
            .. Maps,
        ];
        Assert.Equal(3, Unchanged(later).Count);
        Assert.Equal(Given, ProgramPages.StillUnchanged(Unchanged(Maps), Unchanged(later)));
    }

    [Fact]
    public void A_mapping_that_has_been_written_into_since_is_left_alone() =>
        Assert.Empty(
            ProgramPages.StillUnchanged(
                Given, Unchanged(Mapping("55d0c1a00000-55d0c1a50000 r--p 00000000 fe:00 1234 /f", own: 4))));

    [Fact]
    public void A_process_runs_on_after_it()
    {
        var before = ProgramPages.Unchanged();
        Assert.NotEmpty(before);
        ProgramPages.GiveBack(ProgramPages.StillUnchanged(before, ProgramPages.Unchanged()));
        Assert.NotEmpty(ProgramPages.Unchanged());
    }

    /// <summary>The text is longer than what is read at once, and no line is cut by that.</summary>
    [Fact]
    public void All_of_the_text_is_read()
    {
        var whole = File.ReadAllBytes("/proc/self/smaps");
        Assert.True(whole.Length > 16 * 1024);
        var seen = ProgramPages.Unchanged();
        // Other tests load libraries meanwhile.
        var later = ProgramPages.UnchangedIn(File.ReadAllBytes("/proc/self/smaps"));
        Assert.Superset(ProgramPages.UnchangedIn(whole).Intersect(later).ToHashSet(), seen.ToHashSet());
    }

    private static List<(nuint Start, nuint Bytes)> Unchanged(string[] maps) =>
        ProgramPages.UnchangedIn(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', maps)));
}
