using System.Buffers.Binary;

namespace FastPool.Native.Process;

/// <summary>How many descriptors this process has open. Source: proc(5), statx(2).</summary>
public static unsafe class OpenDescriptors
{
    private const int CurrentFolder = -100;
    private const uint WantSize = 0x200;
    private const int StatxBytes = 256;
    private const int SizeAt = 40;

    /// <summary>
    /// The kernel's own count, which is the size of the folder since Linux 6.2. A listing costs two calls for each descriptor.
    /// </summary>
    /// <returns>0: an older kernel does not tell.</returns>
    public static long Count()
    {
        var status = stackalloc byte[StatxBytes];
        fixed (byte* path = "/proc/self/fd\0"u8)
        {
            if (Libc.Statx(CurrentFolder, path, 0, WantSize, status) < 0) return 0;
        }
        return BinaryPrimitives.ReadInt64LittleEndian(new ReadOnlySpan<byte>(status + SizeAt, sizeof(long)));
    }
}
