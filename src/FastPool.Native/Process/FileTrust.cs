namespace FastPool.Native.Process;

/// <summary>
/// Whether files and folders are what they seem: their owner, other users that may write there, and links that lead elsewhere.
/// </summary>
public static unsafe class FileTrust
{
    private const int WorkingFolder = -100; // AT_FDCWD
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH
    private const uint TypeModeLinksOwner = 0x1 | 0x2 | 0x4 | 0x8 | 0x10; // STATX_TYPE, _MODE, _NLINK, _UID, _GID
    private const int ResultBytes = 256;
    private const int LinksAt = 16;
    private const int OwnerAt = 20;
    private const int GroupAt = 24;
    private const int ModeAt = 28;
    private const int TypeBits = 0xF000; // S_IFMT
    private const int PlainFile = 0x8000; // S_IFREG
    private const int OthersRead = 0x4; // 0004
    private const int GroupWrites = 0x10; // 0020
    private const int OthersWrite = 0x12; // 0022
    private const int Sticky = 0x200; // 01000: only its owner may replace a file.
    private const uint Root = 0;

    /// <summary>An open file that is nothing else, and has no second name.</summary>
    public static bool IsPlainFile(int descriptor)
    {
        var status = stackalloc byte[ResultBytes];
        byte empty = 0;
        return Libc.Statx(descriptor, &empty, EmptyPath, TypeModeLinksOwner, status) == 0
            && (*(ushort*)(status + ModeAt) & TypeBits) == PlainFile && *(uint*)(status + LinksAt) == 1;
    }

    /// <summary>A folder that is that user's or root's, and in which no other user may write.</summary>
    public static bool IsFolderOf(uint user, string folder) =>
        TryStatus(folder, out var owner, out _, out var mode)
            && (owner == user || owner == Root) && (mode & OthersWrite) == 0;

    /// <summary>A file that every user of this machine may read.</summary>
    public static bool IsOpenToAll(string path) => TryStatus(path, out _, out _, out var mode) && (mode & OthersRead) != 0;

    /// <summary>A folder in which only that user, root and perhaps a group can replace a file of theirs.</summary>
    /// <param name="group">May write there, as in Debian's /run/postgresql the group of the same name.</param>
    public static bool KeepsFilesOf(uint user, uint group, string folder)
    {
        if (!TryStatus(folder, out var owner, out var itsGroup, out var mode) || (owner != user && owner != Root)) return false;
        var strangers = itsGroup == group ? OthersWrite & ~GroupWrites : OthersWrite;
        return (mode & strangers) == 0 || (mode & Sticky) != 0;
    }

    private static bool TryStatus(string path, out uint owner, out uint group, out int mode)
    {
        var status = stackalloc byte[ResultBytes];
        bool isThere;
        fixed (byte* name = CText.Of(path)) isThere = Libc.Statx(WorkingFolder, name, 0, TypeModeLinksOwner, status) == 0;
        (owner, group, mode) =
            isThere ? (*(uint*)(status + OwnerAt), *(uint*)(status + GroupAt), *(ushort*)(status + ModeAt)) : (0, 0, 0);
        return isThere;
    }
}
