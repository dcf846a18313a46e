using System.Runtime.InteropServices;

namespace FastPool.Native.Process;

/// <summary>
/// A second process of this very program. fork is out of the question: the runtime's threads do not survive it.
/// </summary>
public static unsafe class Child
{
    /// <summary>Starts this program again.</summary>
    /// <param name="arguments">All of them, the program's name first.</param>
    /// <param name="environment">Lines name=value.</param>
    /// <returns>The child's pid.</returns>
    public static int Start(IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        return Start("/proc/self/exe\0"u8, arguments, environment, null, null); // Whatever the working directory or PATH.
    }

    /// <param name="path">Of the program, with a NUL behind it.</param>
    /// <param name="actions">posix_spawn_file_actions_t; null: none.</param>
    /// <param name="attributes">posix_spawnattr_t; null: none.</param>
    /// <inheritdoc cref="Start(IReadOnlyList{string}, IReadOnlyList{string})"/>
    internal static int Start(ReadOnlySpan<byte> path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment,
        void* actions, void* attributes)
    {
        var argumentPointers = Pointers(arguments);
        var environmentPointers = Pointers(environment);
        var pid = 0;
        int errno;
        fixed (byte* program = path)
        {
            errno = Libc.PosixSpawn(&pid, program, actions, attributes, argumentPointers, environmentPointers);
        }

        Free(argumentPointers);
        Free(environmentPointers);
        return errno == 0 ? pid : -Math.Abs(errno);
    }

    /// <summary>Waits for the end of a child.</summary>
    /// <returns>Its exit status; 1 when a signal ended it.</returns>
    public static int Wait(int pid)
    {
        var status = 0;
        int result;
        do result = Libc.WaitPid(pid, &status, 0);
        while (result == -Errno.EINTR);
        return result < 0 ? result : ExitStatus(status);
    }

    /// <summary>Looks whether a child has ended.</summary>
    /// <param name="status">As of <see cref="Wait"/>, once it has.</param>
    internal static bool TryWait(int pid, out int status)
    {
        const int NotNow = 1; // WNOHANG
        var raw = 0;
        var result = Libc.WaitPid(pid, &raw, NotNow);
        status = result < 0 ? result : ExitStatus(raw);
        return result != 0 && result != -Errno.EINTR;
    }

    private static int ExitStatus(int status)
    {
        const int SignalBits = 0x7F;
        const int StatusShift = 8;
        const int StatusBits = 0xFF;
        return (status & SignalBits) == 0 ? (status >> StatusShift) & StatusBits : 1;
    }

    /// <summary>A child that has ended and was not waited for; this call leaves it so.</summary>
    /// <returns>Its pid; 0: there is none.</returns>
    public static int FindEnded()
    {
        const int AnyChild = 0; // P_ALL
        const int Options = 0x1000005; // WNOWAIT, WEXITED, WNOHANG
        const int InfoInts = 32; // siginfo_t has 128 bytes.
        const int PidAt = 4; // si_pid, on 64 bit.
        var info = stackalloc int[InfoInts];
        new Span<int>(info, InfoInts).Clear();
        return Libc.WaitId(AnyChild, 0, info, Options) == 0 ? info[PidAt] : 0;
    }

    private static byte** Pointers(IReadOnlyList<string> texts)
    {
        var pointers = (byte**)NativeMemory.AllocZeroed((nuint)texts.Count + 1, (nuint)sizeof(byte*));
        for (var i = 0; i < texts.Count; i++)
        {
            var bytes = CText.Of(texts[i]);
            pointers[i] = (byte*)NativeMemory.Alloc((nuint)bytes.Length);
            bytes.CopyTo(new Span<byte>(pointers[i], bytes.Length));
        }

        return pointers;
    }

    private static void Free(byte** pointers)
    {
        for (var next = pointers; *next != null; next++) NativeMemory.Free(*next);
        NativeMemory.Free(pointers);
    }
}
