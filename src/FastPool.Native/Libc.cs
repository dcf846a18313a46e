using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;

namespace FastPool.Native;

/// <summary>
/// The C library, and the only place that binds it; at link time (DirectPInvoke in src/FastPool). One convention: a call that
/// may fail returns a value from 0 on, or the negative errno. The bare imports are private, so that errno cannot be asked for
/// too late.
/// </summary>
internal static unsafe partial class Libc
{
    private const string Name = "libc";

    // Descriptors and files.

    internal static int Open(byte* path, int flags, uint mode) => Result(open(path, flags, mode));
    [LibraryImport(Name)] private static partial int open(byte* path, int flags, uint mode);

    internal static int Close(int fd) => Result(close(fd));
    [LibraryImport(Name)] private static partial int close(int fd);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Read(int fd, void* buffer, nuint bytes) => Result(read(fd, buffer, bytes));
    [LibraryImport(Name)] private static partial nint read(int fd, void* buffer, nuint bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Write(int fd, void* buffer, nuint bytes) => Result(write(fd, buffer, bytes));
    [LibraryImport(Name)] private static partial nint write(int fd, void* buffer, nuint bytes);

    internal static int Fcntl(int fd, int command, nint argument) => Result(fcntl(fd, command, argument));
    [LibraryImport(Name)] private static partial int fcntl(int fd, int command, nint argument);

    internal static int Dup2(int from, int to) => Result(dup2(from, to));
    [LibraryImport(Name)] private static partial int dup2(int from, int to);

    internal static int Pipe2(int* ends, int flags) => Result(pipe2(ends, flags));
    [LibraryImport(Name)] private static partial int pipe2(int* ends, int flags);

    internal static int Fsync(int fd) => Result(fsync(fd));
    [LibraryImport(Name)] private static partial int fsync(int fd);

    internal static int Fchmod(int fd, uint mode) => Result(fchmod(fd, mode));
    [LibraryImport(Name)] private static partial int fchmod(int fd, uint mode);

    internal static int Fchown(int fd, uint owner, uint group) => Result(fchown(fd, owner, group));
    [LibraryImport(Name)] private static partial int fchown(int fd, uint owner, uint group);

    internal static int Statx(int folder, byte* path, int flags, uint mask, byte* result) =>
        Result(statx(folder, path, flags, mask, result));
    [LibraryImport(Name)] private static partial int statx(int folder, byte* path, int flags, uint mask, byte* result);

    internal static int Rename(byte* from, byte* to) => Result(rename(from, to));
    [LibraryImport(Name)] private static partial int rename(byte* from, byte* to);

    internal static int Unlink(byte* path) => Result(unlink(path));
    [LibraryImport(Name)] private static partial int unlink(byte* path);

    internal static int Chmod(byte* path, uint mode) => Result(chmod(path, mode));
    [LibraryImport(Name)] private static partial int chmod(byte* path, uint mode);

    internal static int Chown(byte* path, uint owner, uint group) => Result(chown(path, owner, group));
    [LibraryImport(Name)] private static partial int chown(byte* path, uint owner, uint group);

    // Sockets.

    internal static int Socket(int family, int type, int protocol) => Result(socket(family, type, protocol));
    [LibraryImport(Name)] private static partial int socket(int family, int type, int protocol);

    internal static int Bind(int fd, byte* address, uint length) => Result(bind(fd, address, length));
    [LibraryImport(Name)] private static partial int bind(int fd, byte* address, uint length);

    internal static int Listen(int fd, int backlog) => Result(listen(fd, backlog));
    [LibraryImport(Name)] private static partial int listen(int fd, int backlog);

    internal static int Accept4(int fd, byte* address, uint* length, int flags) => Result(accept4(fd, address, length, flags));
    [LibraryImport(Name)] private static partial int accept4(int fd, byte* address, uint* length, int flags);

    internal static int Connect(int fd, byte* address, uint length) => Result(connect(fd, address, length));
    [LibraryImport(Name)] private static partial int connect(int fd, byte* address, uint length);

    // Each transaction receives twice. The library's own recv and send are points at which a thread can be canceled: that costs
    // a fifth of a call that finds little, and no thread of ours is ever canceled.
    private static nint RecvFromCall => ArmBase.IsSupported ? 207 : 45;
    private static nint SendToCall => ArmBase.IsSupported ? 206 : 44;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Recv(int fd, byte* buffer, nuint bytes, int flags) =>
        Syscall(RecvFromCall, fd, (nint)buffer, (nint)bytes, flags, 0, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Send(int fd, byte* buffer, nuint bytes, int flags) =>
        Syscall(SendToCall, fd, (nint)buffer, (nint)bytes, flags, 0, 0);

    internal static int SendTo(int fd, byte* buffer, nuint bytes, int flags, byte* address, uint length) =>
        Result(sendto(fd, buffer, bytes, flags, address, length));
    [LibraryImport(Name)]
    private static partial nint sendto(int fd, byte* buffer, nuint bytes, int flags, byte* address,
        uint length);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int SendMsg(int fd, MsgHdr* message, int flags) => Result(sendmsg(fd, message, flags));
    [LibraryImport(Name)] private static partial nint sendmsg(int fd, MsgHdr* message, int flags);

    internal static int RecvMsg(int fd, MsgHdr* message, int flags) => Result(recvmsg(fd, message, flags));
    [LibraryImport(Name)] private static partial nint recvmsg(int fd, MsgHdr* message, int flags);

    internal static int Shutdown(int fd, int how) => Result(shutdown(fd, how));
    [LibraryImport(Name)] private static partial int shutdown(int fd, int how);

    internal static int GetSockName(int fd, byte* address, uint* length) => Result(getsockname(fd, address, length));
    [LibraryImport(Name)] private static partial int getsockname(int fd, byte* address, uint* length);

    internal static int SetSockOpt(int fd, int level, int option, void* value, uint length) =>
        Result(setsockopt(fd, level, option, value, length));
    [LibraryImport(Name)] private static partial int setsockopt(int fd, int level, int option, void* value, uint length);

    internal static int GetSockOpt(int fd, int level, int option, void* value, uint* length) =>
        Result(getsockopt(fd, level, option, value, length));
    [LibraryImport(Name)] private static partial int getsockopt(int fd, int level, int option, void* value, uint* length);

    // Waiting, and many sends in one call.

    internal static int Poll(PollFd* fds, nuint count, int timeoutMs) => Result(poll(fds, count, timeoutMs));
    [LibraryImport(Name)] private static partial int poll(PollFd* fds, nuint count, int timeoutMs);

    internal static int EpollCreate(int flags) => Result(epoll_create1(flags));
    [LibraryImport(Name)] private static partial int epoll_create1(int flags);

    internal static int EpollCtl(int epoll, int operation, int fd, EpollEvent* e) => Result(epoll_ctl(epoll, operation, fd, e));
    [LibraryImport(Name)] private static partial int epoll_ctl(int epoll, int operation, int fd, EpollEvent* e);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int EpollWait(int epoll, EpollEvent* events, int count, int timeoutMs) =>
        Result(epoll_wait(epoll, events, count, timeoutMs));
    [LibraryImport(Name)] private static partial int epoll_wait(int epoll, EpollEvent* events, int count, int timeoutMs);

    internal static int EventFd(uint initial, int flags) => Result(eventfd(initial, flags));
    [LibraryImport(Name)] private static partial int eventfd(uint initial, int flags);

    /// <summary>System calls that have no function in the C library, or a dearer one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f) =>
        Result(syscall(number, a, b, c, d, e, f));
    [LibraryImport(Name)] private static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);

    /// <summary>The address, which is positive in user space, or a negative errno.</summary>
    internal static nint MMap(void* address, nuint bytes, int protection, int flags, int fd, nint offset) =>
        OrErrno(mmap(address, bytes, protection, flags, fd, offset));
    [LibraryImport(Name)]
    private static partial nint mmap(void* address, nuint bytes, int protection, int flags, int fd,
        nint offset);

    internal static int MAdvise(void* address, nuint bytes, int advice) => Result(madvise(address, bytes, advice));
    [LibraryImport(Name)] private static partial int madvise(void* address, nuint bytes, int advice);

    internal static int MUnmap(void* address, nuint bytes) => Result(munmap(address, bytes));
    [LibraryImport(Name)] private static partial int munmap(void* address, nuint bytes);

    // The process, its users and its child.

    [LibraryImport(Name, EntryPoint = "getpid")] internal static partial int GetPid();

    [LibraryImport(Name, EntryPoint = "getppid")] internal static partial int GetPPid();

    [LibraryImport(Name, EntryPoint = "getuid")] internal static partial uint GetUid();

    [LibraryImport(Name, EntryPoint = "geteuid")] internal static partial uint GetEUid();

    [LibraryImport(Name, EntryPoint = "getegid")] internal static partial uint GetEGid();

    internal static int SetUid(uint user) => Result(setuid(user));
    [LibraryImport(Name)] private static partial int setuid(uint user);

    internal static int SetGid(uint group) => Result(setgid(group));
    [LibraryImport(Name)] private static partial int setgid(uint group);

    internal static int SetGroups(nuint count, uint* groups) => Result(setgroups(count, groups));
    [LibraryImport(Name)] private static partial int setgroups(nuint count, uint* groups);

    internal static int GetPwUid(uint user, byte* entry, byte* buffer, nuint bytes, byte** found) =>
        -getpwuid_r(user, entry, buffer, bytes, found);
    [LibraryImport(Name)] private static partial int getpwuid_r(uint user, byte* entry, byte* buffer, nuint bytes, byte** found);

    internal static int GetPwNam(byte* name, byte* entry, byte* buffer, nuint bytes, byte** found) =>
        -getpwnam_r(name, entry, buffer, bytes, found);
    [LibraryImport(Name)] private static partial int getpwnam_r(byte* name, byte* entry, byte* buffer, nuint bytes, byte** found);

    /// <summary>The entry, or null; not for two threads at once.</summary>
    [LibraryImport(Name, EntryPoint = "getgrnam")] internal static partial byte* GetGrNam(byte* name);

    internal static int SetSid() => Result(setsid());
    [LibraryImport(Name)] private static partial int setsid();

    internal static int Kill(int pid, int signal) => Result(kill(pid, signal));
    [LibraryImport(Name)] private static partial int kill(int pid, int signal);

    internal static int Signal(int number, nint handler) => signal(number, handler) == -1 ? Result(-1) : 0;
    [LibraryImport(Name)] private static partial nint signal(int number, nint handler);

    internal static int PosixSpawn(int* pid, byte* path, void* actions, void* attributes, byte** arguments, byte** environment) =>
        -posix_spawn(pid, path, actions, attributes, arguments, environment);
    [LibraryImport(Name)]
    private static partial int posix_spawn(int* pid, byte* path, void* actions, void* attributes, byte** arguments,
        byte** environment);

    internal static int SpawnActionsInit(byte* actions) => -posix_spawn_file_actions_init(actions);
    [LibraryImport(Name)] private static partial int posix_spawn_file_actions_init(byte* actions);

    internal static int SpawnActionsDestroy(byte* actions) => -posix_spawn_file_actions_destroy(actions);
    [LibraryImport(Name)] private static partial int posix_spawn_file_actions_destroy(byte* actions);

    internal static int SpawnActionsDup2(byte* actions, int from, int to) => -posix_spawn_file_actions_adddup2(actions, from, to);
    [LibraryImport(Name)] private static partial int posix_spawn_file_actions_adddup2(byte* actions, int from, int to);

    internal static int SpawnActionsOpen(byte* actions, int fd, byte* path, int flags, uint mode) =>
        -posix_spawn_file_actions_addopen(actions, fd, path, flags, mode);
    [LibraryImport(Name)]
    private static partial int posix_spawn_file_actions_addopen(byte* actions, int fd, byte* path, int flags, uint mode);

    internal static int SpawnAttributesInit(byte* attributes) => -posix_spawnattr_init(attributes);
    [LibraryImport(Name)] private static partial int posix_spawnattr_init(byte* attributes);

    internal static int SpawnAttributesDestroy(byte* attributes) => -posix_spawnattr_destroy(attributes);
    [LibraryImport(Name)] private static partial int posix_spawnattr_destroy(byte* attributes);

    internal static int SpawnAttributesFlags(byte* attributes, short flags) => -posix_spawnattr_setflags(attributes, flags);
    [LibraryImport(Name)] private static partial int posix_spawnattr_setflags(byte* attributes, short flags);

    internal static int SpawnAttributesMask(byte* attributes, byte* signals) => -posix_spawnattr_setsigmask(attributes, signals);
    [LibraryImport(Name)] private static partial int posix_spawnattr_setsigmask(byte* attributes, byte* signals);

    internal static int SpawnAttributesDefault(byte* attributes, byte* signals) =>
        -posix_spawnattr_setsigdefault(attributes, signals);
    [LibraryImport(Name)] private static partial int posix_spawnattr_setsigdefault(byte* attributes, byte* signals);

    internal static int WaitPid(int pid, int* status, int options) => Result(waitpid(pid, status, options));
    [LibraryImport(Name)] private static partial int waitpid(int pid, int* status, int options);

    internal static int WaitId(int kind, uint id, int* signalInfo, int options) => Result(waitid(kind, id, signalInfo, options));
    [LibraryImport(Name)] private static partial int waitid(int kind, uint id, int* signalInfo, int options);

    internal static int Prctl(int option, byte* argument, nuint third, nuint fourth, nuint fifth) =>
        Result(prctl(option, argument, third, fourth, fifth));
    [LibraryImport(Name)] private static partial int prctl(int option, byte* argument, nuint third, nuint fourth, nuint fifth);

    internal static int GetRLimit(int resource, ulong* softAndHard) => Result(getrlimit(resource, softAndHard));
    [LibraryImport(Name)] private static partial int getrlimit(int resource, ulong* softAndHard);

    internal static int SetRLimit(int resource, ulong* softAndHard) => Result(setrlimit(resource, softAndHard));
    [LibraryImport(Name)] private static partial int setrlimit(int resource, ulong* softAndHard);

    internal static int SetPriority(int which, uint id, int niceness) => Result(setpriority(which, id, niceness));
    [LibraryImport(Name)] private static partial int setpriority(int which, uint id, int niceness);

    internal static int GetRandom(byte* buffer, nuint bytes, uint flags) => Result(getrandom(buffer, bytes, flags));
    [LibraryImport(Name)] private static partial nint getrandom(byte* buffer, nuint bytes, uint flags);

    /// <summary>Does not return.</summary>
    [LibraryImport(Name, EntryPoint = "_exit")] internal static partial void Exit(int status);

    // Time and the log.

    internal static int ClockGetTime(int clock, TimeSpec* time) => Result(clock_gettime(clock, time));
    [SuppressGCTransition] // A short call, mostly answered in user space, and made for each line of the log.
    [LibraryImport(Name)] private static partial int clock_gettime(int clock, TimeSpec* time);

    [LibraryImport(Name, EntryPoint = "tzset")] internal static partial void TzSet();

    [LibraryImport(Name, EntryPoint = "localtime_r")] internal static partial void* LocalTime(long* second, byte* brokenDown);

    [LibraryImport(Name, EntryPoint = "strftime")]
    internal static partial nuint StrFTime(byte* text, nuint bytes, byte* format,
        byte* brokenDown);

    [LibraryImport(Name, EntryPoint = "strerror")] internal static partial byte* StrError(int errno);

    [LibraryImport(Name, EntryPoint = "openlog")] internal static partial void OpenLog(byte* ident, int options, int facility);

    /// <summary>Variadic in C; with integers and pointers alone the call is the same on x64 and arm64.</summary>
    [LibraryImport(Name, EntryPoint = "syslog")]
    internal static partial void Syslog(int priority, byte* format, int length,
        byte* text);

    [LibraryImport(Name, EntryPoint = "closelog")] internal static partial void CloseLog();

    /// <summary>
    /// errno is read at once and only after a failure: no import keeps a copy of it (SetLastError) on the way of a success.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Result(nint returned) => returned >= 0 ? (int)returned : (int)OrErrno(returned);

    private static nint OrErrno(nint returned) => returned == -1 ? -Marshal.GetLastSystemError() : returned;
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

[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    internal int Fd;
    internal short Events;
    internal short Returned;
}

[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpec
{
    internal long Seconds;
    internal long Nanoseconds;
}
