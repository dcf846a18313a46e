using System.Runtime.InteropServices;

namespace FastPool.Native.Process;

/// <summary>
/// The C library as the process itself needs it: identity, files it owns, its log, its child. The wrappers of this folder give a
/// result from 0 on, or the negative errno; nobody else sees this class.
/// </summary>
internal static unsafe partial class ProcessCalls
{
    private const string C = "libc";

    [LibraryImport(C, EntryPoint = "open", SetLastError = true)]
    internal static partial int Open(byte* path, int flags, uint mode);

    [LibraryImport(C, EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int descriptor);

    [LibraryImport(C, EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(int descriptor, byte* buffer, nuint length);

    [LibraryImport(C, EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(int descriptor, byte* bytes, nuint length);

    [LibraryImport(C, EntryPoint = "unlink", SetLastError = true)]
    internal static partial int Unlink(byte* path);

    [LibraryImport(C, EntryPoint = "dup2", SetLastError = true)]
    internal static partial int Dup2(int from, int to);

    [LibraryImport(C, EntryPoint = "pipe2", SetLastError = true)]
    internal static partial int Pipe2(int* ends, int flags);

    [LibraryImport(C, EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int Fcntl(int descriptor, int command, nint argument);

    [LibraryImport(C, EntryPoint = "rename", SetLastError = true)]
    internal static partial int Rename(byte* from, byte* to);

    [LibraryImport(C, EntryPoint = "fsync", SetLastError = true)]
    internal static partial int FSync(int descriptor);

    [LibraryImport(C, EntryPoint = "fchmod", SetLastError = true)]
    internal static partial int FChmod(int descriptor, uint mode);

    [LibraryImport(C, EntryPoint = "fchown", SetLastError = true)]
    internal static partial int FChown(int descriptor, uint owner, uint group);

    [LibraryImport(C, EntryPoint = "statx", SetLastError = true)]
    internal static partial int Statx(int directory, byte* path, int flags, uint mask, byte* result);

    [LibraryImport(C, EntryPoint = "getpid")]
    internal static partial int GetPid();

    [LibraryImport(C, EntryPoint = "getppid")]
    internal static partial int GetParentPid();

    [LibraryImport(C, EntryPoint = "getuid")]
    internal static partial uint GetUid();

    [LibraryImport(C, EntryPoint = "setuid", SetLastError = true)]
    internal static partial int SetUid(uint user);

    [LibraryImport(C, EntryPoint = "setgid", SetLastError = true)]
    internal static partial int SetGid(uint group);

    [LibraryImport(C, EntryPoint = "setgroups", SetLastError = true)]
    internal static partial int SetGroups(nuint count, uint* groups);

    [LibraryImport(C, EntryPoint = "getpwnam_r")]
    internal static partial int GetPwNam(byte* name, byte* entry, byte* buffer, nuint length, byte** found);

    [LibraryImport(C, EntryPoint = "setsid", SetLastError = true)]
    internal static partial int SetSid();

    [LibraryImport(C, EntryPoint = "kill", SetLastError = true)]
    internal static partial int Kill(int pid, int signal);

    [LibraryImport(C, EntryPoint = "signal", SetLastError = true)]
    internal static partial nint Signal(int signal, nint handler);

    [LibraryImport(C, EntryPoint = "posix_spawn")]
    internal static partial int Spawn(int* pid, byte* path, void* actions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport(C, EntryPoint = "waitpid", SetLastError = true)]
    internal static partial int WaitPid(int pid, int* status, int options);

    [LibraryImport(C, EntryPoint = "waitid", SetLastError = true)]
    internal static partial int WaitId(int kind, uint id, int* signalInfo, int options);

    [LibraryImport(C, EntryPoint = "_exit")]
    internal static partial void Exit(int status);

    [LibraryImport(C, EntryPoint = "prctl", SetLastError = true)]
    internal static partial int Prctl(int option, byte* argument, nuint third, nuint fourth, nuint fifth);

    [LibraryImport(C, EntryPoint = "getrlimit", SetLastError = true)]
    internal static partial int GetLimit(int resource, ulong* softAndHard);

    [LibraryImport(C, EntryPoint = "setrlimit", SetLastError = true)]
    internal static partial int SetLimit(int resource, ulong* softAndHard);

    [LibraryImport(C, EntryPoint = "socket", SetLastError = true)]
    internal static partial int Socket(int family, int type, int protocol);

    [LibraryImport(C, EntryPoint = "connect", SetLastError = true)]
    internal static partial int Connect(int descriptor, byte* address, uint length);

    [LibraryImport(C, EntryPoint = "sendto", SetLastError = true)]
    internal static partial nint SendTo(int descriptor, byte* bytes, nuint length, int flags, byte* address, uint addressLength);

    [LibraryImport(C, EntryPoint = "clock_gettime")]
    [SuppressGCTransition] // Answered in user space, and read for each line of the log.
    internal static partial int ClockGetTime(int clock, long* secondsAndNanoseconds);

    [LibraryImport(C, EntryPoint = "tzset")]
    internal static partial void TzSet();

    [LibraryImport(C, EntryPoint = "localtime_r")]
    internal static partial void* LocalTime(long* second, byte* brokenDown);

    [LibraryImport(C, EntryPoint = "strftime")]
    internal static partial nuint StrFTime(byte* text, nuint length, byte* format, byte* brokenDown);

    [LibraryImport(C, EntryPoint = "openlog")]
    internal static partial void OpenLog(byte* ident, int options, int facility);

    /// <summary>Variadic in C; with integers and pointers alone the call is the same on x64 and arm64.</summary>
    [LibraryImport(C, EntryPoint = "syslog")]
    internal static partial void Syslog(int priority, byte* format, int length, byte* text);

    [LibraryImport(C, EntryPoint = "closelog")]
    internal static partial void CloseLog();
}
