using FastPool.Native.Process;

namespace FastPool.Tests.Native;

/// <summary>Pages that are in memory as they are on disk are given back after the start, and no others.</summary>
public class ProgramPagesTests
{
    private static readonly string[] Maps =
    [
        "55d0c1a00000-55d0c1a50000 r--p 00000000 fe:00 1234    /usr/bin/fastpool", "Rss:     300 kB", "Anonymous:      0 kB",
        "55d0c1a50000-55d0c1d00000 r-xp 00050000 fe:00 1234    /usr/bin/fastpool", "Rss:     300 kB", "Anonymous:      0 kB",
        "55d0c1d00000-55d0c1d50000 r--p 00300000 fe:00 1234    /usr/bin/fastpool", "Rss:     300 kB", "Anonymous:    320 kB",
        "55d0c1d50000-55d0c1d60000 rw-p 00350000 fe:00 1234    /usr/bin/fastpool", "Rss:      64 kB", "Anonymous:      0 kB",
        "7f0000000000-7f0000100000 rw-p 00000000 00:00 0", "Rss:      64 kB", "Anonymous:      0 kB",
        "7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0       [vdso]", "Rss:       4 kB", "Anonymous:      0 kB",
        "",
    ];

    [Fact]
    public void Only_what_is_read_from_a_file_and_has_not_been_written_into_is_given_back() =>
        Assert.Equal([(0x55d0c1a00000, 0x50000), (0x55d0c1a50000, 0x2b0000)],
            ProgramPages.Unchanged(Maps).Select(static pages => ((long)pages.Start, (long)pages.Bytes)));

    [Fact]
    public void A_process_runs_on_after_it()
    {
        var before = ProgramPages.Unchanged(File.ReadAllLines("/proc/self/smaps"));
        Assert.NotEmpty(before);
        ProgramPages.GiveBack(File.ReadAllLines("/proc/self/smaps"));
        Assert.NotEmpty(ProgramPages.Unchanged(File.ReadAllLines("/proc/self/smaps")));
    }
}
