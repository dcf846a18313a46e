using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace FastPool.Native;

/// <summary>The system calls, one line each; bound at link time (DirectPInvoke in src/FastPool).</summary>
internal static unsafe partial class Libc
{
    private const string Name = "libc";

    [LibraryImport(Name)] internal static partial int socket(int domain, int type, int protocol);
    [LibraryImport(Name)] internal static partial int bind(int fd, byte* address, uint length);
    [LibraryImport(Name)] internal static partial int listen(int fd, int backlog);
    [LibraryImport(Name)] internal static partial int accept4(int fd, byte* address, uint* length, int flags);
    [LibraryImport(Name)] internal static partial int connect(int fd, byte* address, uint length);
    [LibraryImport(Name)] internal static partial nint recv(int fd, byte* buffer, nuint length, int flags);
    [LibraryImport(Name)] internal static partial nint send(int fd, byte* buffer, nuint length, int flags);
    [LibraryImport(Name)] internal static partial nint sendmsg(int fd, MsgHdr* message, int flags);
    [LibraryImport(Name)] internal static partial nint recvmsg(int fd, MsgHdr* message, int flags);
    [LibraryImport(Name)] internal static partial int poll(PollFd* fds, nuint count, int timeout_ms);
    [LibraryImport(Name)] internal static partial int shutdown(int fd, int how);
    [LibraryImport(Name)] internal static partial int close(int fd);
    [LibraryImport(Name)] internal static partial int fcntl(int fd, int command, int argument);
    [LibraryImport(Name)] internal static partial int getsockname(int fd, byte* address, uint* length);
    [LibraryImport(Name)] internal static partial int getpeername(int fd, byte* address, uint* length);
    [LibraryImport(Name)] internal static partial int setsockopt(int fd, int level, int option, void* value, uint length);
    [LibraryImport(Name)] internal static partial int getsockopt(int fd, int level, int option, void* value, uint* length);
    [LibraryImport(Name)] internal static partial int epoll_create1(int flags);
    [LibraryImport(Name)] internal static partial int epoll_ctl(int epoll, int operation, int fd, EpollEvent* e);
    [LibraryImport(Name)] internal static partial int epoll_wait(int epoll, EpollEvent* events, int count, int timeout_ms);
    [LibraryImport(Name)] internal static partial int eventfd(uint initial, int flags);
    [LibraryImport(Name)] internal static partial nint read(int fd, void* buffer, nuint count);
    [LibraryImport(Name)] internal static partial nint write(int fd, void* buffer, nuint count);
    [LibraryImport(Name)] internal static partial int unlink(byte* path);
    [LibraryImport(Name)] internal static partial int chmod(byte* path, uint mode);
    [LibraryImport(Name)] internal static partial byte* strerror(int errno);
    [LibraryImport(Name)] internal static partial uint geteuid();
    [LibraryImport(Name)] internal static partial uint getuid();
    [LibraryImport(Name)] internal static partial byte* getgrnam(byte* name);
    [LibraryImport(Name)] internal static partial int chown(byte* path, uint user, uint group);
    [LibraryImport(Name)] internal static partial nint getrandom(byte* buffer, nuint bytes, uint flags);
    [LibraryImport(Name)] internal static partial int clock_gettime(int clock, TimeSpec* time);
    [LibraryImport(Name)] internal static partial int setpriority(int which, uint who, int niceness);
    [LibraryImport(Name)] internal static partial int getpwuid_r(uint uid, byte* passwd, byte* buffer, nuint bytes, void** found);
    [LibraryImport(Name)] internal static partial void* mmap(void* address, nuint bytes, int protection, int flags, int fd, nint offset);
    [LibraryImport(Name)] internal static partial int munmap(void* address, nuint bytes);

    /// <summary>What the C library has no name for.</summary>
    [LibraryImport(Name)] internal static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);

    /// <summary>Result of a call as value: what it returned, or the negated errno.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Result(nint returned) => returned >= 0 ? (int)returned : -Marshal.GetLastSystemError();

    internal static string ErrorText(int errno)
    {
        var text = strerror(errno);
        return text is null ? $"Unknown error {errno}" : Encoding.Latin1.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
    }

    /// <summary>A Latin-1 text as the C string that the system wants.</summary>
    internal static byte[] CString(string text)
    {
        var bytes = new byte[text.Length + 1];
        Encoding.Latin1.GetBytes(text, bytes);
        return bytes;
    }
}

/// <summary>struct epoll_event: packed on x86-64, naturally aligned elsewhere, so its two words are written by offset.</summary>
internal unsafe struct EpollEvent
{
    private fixed byte _bytes[16];

    internal static int Size => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static int DataOffset => Size - 8;

    internal static void Write(byte* at, uint events, ulong data)
    {
        *(uint*)at = events;
        Unsafe.WriteUnaligned(at + DataOffset, data);
    }

    internal static uint Events(byte* at) => *(uint*)at;
    internal static ulong Data(byte* at) => Unsafe.ReadUnaligned<ulong>(at + DataOffset);
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MsgHdr
{
    internal void* Name;
    internal uint NameLength;
    internal IoVec* Vectors;
    internal nuint VectorCount;
    internal void* Control;
    internal nuint ControlLength;
    internal int Flags;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVec
{
    internal byte* Base;
    internal nuint Length;
}
