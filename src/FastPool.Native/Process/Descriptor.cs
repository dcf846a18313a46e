using System.Runtime.InteropServices;

namespace FastPool.Native.Process;

/// <summary>How <see cref="Descriptor.Open"/> opens.</summary>
public enum OpenFor
{
    Read,

    /// <summary>A FIFO that nobody writes to is empty at once.</summary>
    ReadNow,

    /// <summary>Each write lands at the end, wherever that is by then: copytruncate leaves no hole.</summary>
    Append,

    /// <summary>The same, but not through a link.</summary>
    AppendNoLink,

    /// <summary>The file must not be there yet.</summary>
    Create,

    /// <summary>The file must not be there yet, and is for its owner alone.</summary>
    CreateSecret,

    /// <summary>For the null device.</summary>
    ReadWrite,
}

/// <summary>File descriptors as numbers: from 0 on, or the negative errno. The code that opened one closes it.</summary>
public static unsafe class Descriptor
{
    public const int Stdin = 0;
    public const int Stdout = 1;
    public const int Stderr = 2;

    private const int ReadOnly = 0;
    private const int WriteOnly = 1;
    private const int BothWays = 2;
    private const int CreateIt = 0x40; // O_CREAT
    private const int MustBeNew = 0x80; // O_EXCL
    private const int NoTerminal = 0x100; // O_NOCTTY: a session leader that opens a terminal would get it.
    private const int NoWait = 0x800; // O_NONBLOCK
    private const int AtEnd = 0x400; // O_APPEND
    private const int CloseOnExec = 0x80000; // O_CLOEXEC
    // O_NOFOLLOW
    private static readonly int NoLink = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000
        : 0x20000;
    private const int SetFlags = 2; // F_SETFD
    private const int CloseOnExecFlag = 1; // FD_CLOEXEC

    /// <summary>
    /// Opens a file; one that is made gets mode 0644, a secret one 0600. Nothing is left open for a program that is executed.
    /// </summary>
    public static int Open(string path, OpenFor purpose)
    {
        var mode = purpose == OpenFor.CreateSecret ? 0x180u : 0x1A4u; // 0600, 0644
        var flags = NoTerminal | CloseOnExec | purpose switch
        {
            OpenFor.Append => WriteOnly | CreateIt | AtEnd,
            OpenFor.AppendNoLink => WriteOnly | CreateIt | AtEnd | NoLink,
            OpenFor.Create or OpenFor.CreateSecret => WriteOnly | CreateIt | MustBeNew,
            OpenFor.ReadWrite => BothWays,
            OpenFor.ReadNow => ReadOnly | NoWait,
            _ => ReadOnly,
        };
        fixed (byte* name = CText.Of(path)) return Libc.Open(name, flags, mode);
    }

    /// <summary>Reads once, again when a signal came between.</summary>
    /// <returns>Bytes read, 0 at the end.</returns>
    public static int Read(int descriptor, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            int result;
            do result = Libc.Read(descriptor, start, (nuint)buffer.Length);
            while (result == -Errno.EINTR);
            return result;
        }
    }

    /// <summary>Writes once, again when a signal came between. Less than all may have been written.</summary>
    public static int Write(int descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            int result;
            do result = Libc.Write(descriptor, start, (nuint)bytes.Length);
            while (result == -Errno.EINTR);
            return result;
        }
    }

    public static int Close(int descriptor) => Libc.Close(descriptor);

    /// <summary>Makes one number mean what another one does.</summary>
    public static int Duplicate(int from, int to) => Libc.Dup2(from, to);

    public static int Unlink(string path)
    {
        fixed (byte* name = CText.Of(path)) return Libc.Unlink(name);
    }

    /// <summary>A pipe of which a program that is executed inherits nothing.</summary>
    public static int Pipe(out int readEnd, out int writeEnd)
    {
        var ends = stackalloc int[2];
        var result = Libc.Pipe2(ends, CloseOnExec);
        (readEnd, writeEnd) = (ends[0], ends[1]);
        return result;
    }

    /// <summary>Whether a program that is executed inherits the descriptor.</summary>
    public static int SetInherited(int descriptor, bool isInherited) =>
        Libc.Fcntl(descriptor, SetFlags, isInherited ? 0 : CloseOnExecFlag);

    /// <summary>The file that a descriptor stands for, in the numbers that stat shows.</summary>
    public static int Identify(int descriptor, out ulong device, out ulong inode)
    {
        const int EmptyPath = 0x1000; // AT_EMPTY_PATH
        const uint Inode = 0x100; // STATX_INO
        const int ResultBytes = 256;
        const int InodeAt = 32;
        const int MajorAt = 136;
        const int MinorAt = 140;
        var result = stackalloc byte[ResultBytes];
        byte empty = 0;
        var outcome = Libc.Statx(descriptor, &empty, EmptyPath, Inode, result);
        inode = *(ulong*)(result + InodeAt);
        device = Device(*(uint*)(result + MajorAt), *(uint*)(result + MinorAt));
        return outcome;
    }

    /// <summary>makedev(3).</summary>
    internal static ulong Device(ulong major, ulong minor) =>
        ((major & 0xFFFFF000) << 32) | ((major & 0xFFF) << 8) | ((minor & 0xFFFFFF00) << 12) | (minor & 0xFF);
}
