using FastPool.Native.Process;
using Microsoft.Win32.SafeHandles;

namespace FastPool.Tests.Native;

public sealed class OpenDescriptorsTests
{
    /// <summary>Other tests open and close some meanwhile.</summary>
    [Fact]
    public void The_kernel_counts_them()
    {
        const int Many = 1_000;
        const int Others = 400;
        var before = OpenDescriptors.Count();
        if (before == 0) return; // Before Linux 6.2 it does not.
        List<SafeFileHandle> files = [];
        for (var i = 0; i < Many; i++) files.Add(File.OpenHandle("/dev/null"));
        var after = OpenDescriptors.Count();
        files.ForEach(static file => file.Dispose());
        Assert.InRange(after - before, Many - Others, Many + Others);
    }
}
