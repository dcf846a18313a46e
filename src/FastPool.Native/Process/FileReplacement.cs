namespace FastPool.Native.Process;

/// <summary>
/// Puts a new file of secrets in the place of an old one, whole: a reader sees the one or the other. The new one is for its
/// owner; when it can be given to the old one's owner and group, the group may read it if it could before.
/// </summary>
public static unsafe class FileReplacement
{
    private const int WorkingFolder = -100; // AT_FDCWD
    private const uint TypeModeOwners = 0x2 | 0x8 | 0x10; // STATX_MODE, STATX_UID, STATX_GID
    private const int ResultBytes = 256;
    private const int UidAt = 20;
    private const int GidAt = 24;
    private const int ModeAt = 28;
    private const uint OwnerMode = 0x180; // 0600
    private const uint GroupRead = 0x20; // 0040

    /// <returns>0, or the negative errno: then the old file stands, and nothing is left beside it.</returns>
    public static int TryWrite(string path, ReadOnlySpan<byte> content)
    {
        var beside = $"{path}.{Identity.Pid}.tmp";
        var descriptor = Descriptor.Open(beside, OpenFor.CreateSecret);
        if (descriptor < 0) return descriptor;
        var result = Fill(descriptor, path, content);
        _ = Descriptor.Close(descriptor);
        fixed (byte* from = CText.Of(beside))
        fixed (byte* to = CText.Of(path))
        {
            if (result >= 0) result = Libc.Rename(from, to);
        }
        if (result < 0) _ = Descriptor.Unlink(beside);
        return result;
    }

    private static int Fill(int descriptor, string old, ReadOnlySpan<byte> content)
    {
        var status = stackalloc byte[ResultBytes];
        fixed (byte* name = CText.Of(old))
        {
            var isThere = Libc.Statx(WorkingFolder, name, 0, TypeModeOwners, status) == 0;
            if (isThere && Libc.Fchown(descriptor, *(uint*)(status + UidAt), *(uint*)(status + GidAt)) == 0)
                _ = Libc.Fchmod(descriptor, OwnerMode | (*(ushort*)(status + ModeAt) & GroupRead));
        }
        while (!content.IsEmpty)
        {
            var written = Descriptor.Write(descriptor, content);
            if (written < 0) return written;
            content = content[written..];
        }
        return Libc.Fsync(descriptor);
    }
}
