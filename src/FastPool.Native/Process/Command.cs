using System.Runtime.InteropServices;
using FastPool.Base;

namespace FastPool.Native.Process;

/// <summary>
/// Another program that is run for what it prints. It has no input, what it says to standard error is for nobody, and it is the
/// first of a process group of its own, which is ended with it.
/// </summary>
public static unsafe class Command
{
    private const int StructBytes = 512; // posix_spawn_file_actions_t has 80, posix_spawnattr_t 336, in glibc and musl.
    private const int SignalSetBytes = 128;
    private const short OwnGroup = 2; // POSIX_SPAWN_SETPGROUP
    private const short DefaultSignals = 4; // POSIX_SPAWN_SETSIGDEF
    private const short NoSignalBlocked = 8; // POSIX_SPAWN_SETSIGMASK
    private const int ReadOnly = 0;
    private const int WriteOnly = 1;
    private const short CanRead = 1; // POLLIN
    private const int Kill = 9;
    private const int LookMs = 10;
    private const int ForeignWait = -1;

    /// <summary>Runs a program to its end. Waits for it: not for a loop.</summary>
    /// <param name="arguments">The program's path, and its arguments.</param>
    /// <param name="environment">Lines name=value.</param>
    /// <param name="output">Gets what it prints; one that prints more is ended.</param>
    /// <param name="timeoutMs">One that takes longer is ended.</param>
    /// <param name="count">Bytes of output.</param>
    /// <returns>The fault, without a word of the program's; null: it has ended with status 0.</returns>
    public static string? Run(IReadOnlyList<string> arguments, IReadOnlyList<string> environment, Span<byte> output,
        int timeoutMs, out int count)
    {
        count = 0;
        var deadline = Environment.TickCount64 + timeoutMs;
        if (Descriptor.Pipe(out var readEnd, out var writeEnd) is var pipe and < 0) return Errno.Text(pipe);
        var pid = Start(arguments, environment, writeEnd);
        _ = Descriptor.Close(writeEnd);
        var problem = pid < 0 ? Errno.Text(pid) : Read(readEnd, output, deadline, ref count);
        _ = Descriptor.Close(readEnd);
        if (pid < 0) return problem;
        var status = 0;
        if (problem is null && !HasEnded(pid, deadline, out status)) problem = "it takes too long";
        if (problem is not null)
        {
            _ = Libc.Kill(-pid, Kill);
            _ = Child.Wait(pid);
            return problem;
        }
        return status switch { 0 => null, ForeignWait => "its exit status is unknown", _ => $"it ended with status {status}" };
    }

    private static int Start(IReadOnlyList<string> arguments, IReadOnlyList<string> environment, int output)
    {
        var actions = stackalloc byte[StructBytes];
        var attributes = stackalloc byte[StructBytes];
        var signals = stackalloc byte[SignalSetBytes];
        Check.That(Libc.SpawnActionsInit(actions) == 0 && Libc.SpawnAttributesInit(attributes) == 0);
        new Span<byte>(signals, SignalSetBytes).Clear();
        _ = Libc.SpawnAttributesMask(attributes, signals);
        new Span<byte>(signals, SignalSetBytes).Fill(byte.MaxValue); // Ignored ones, as SIGPIPE, would stay so.
        _ = Libc.SpawnAttributesDefault(attributes, signals);
        _ = Libc.SpawnAttributesFlags(attributes, OwnGroup | DefaultSignals | NoSignalBlocked);
        fixed (byte* nowhere = "/dev/null\0"u8)
        {
            _ = Libc.SpawnActionsOpen(actions, Descriptor.Stdin, nowhere, ReadOnly, 0);
            _ = Libc.SpawnActionsOpen(actions, Descriptor.Stderr, nowhere, WriteOnly, 0);
        }
        _ = Libc.SpawnActionsDup2(actions, output, Descriptor.Stdout);
        var pid = Child.Start(CText.Of(arguments[0]), arguments, environment, actions, attributes);
        _ = Libc.SpawnActionsDestroy(actions);
        _ = Libc.SpawnAttributesDestroy(attributes);
        return pid;
    }

    /// <summary>Up to its end: a program that is through with what it prints closes it.</summary>
    private static string? Read(int descriptor, Span<byte> output, long deadline, ref int count)
    {
        while (true)
        {
            var poll = new PollFd { Fd = descriptor, Events = CanRead };
            var ready = Libc.Poll(&poll, 1, LeftMs(deadline));
            if (ready == -Errno.EINTR) continue;
            if (ready <= 0) return ready == 0 ? "it takes too long" : Errno.Text(ready);
            if (count == output.Length) return OneMore(descriptor) ? "it prints too much" : null;
            var read = Descriptor.Read(descriptor, output[count..]);
            if (read <= 0) return read == 0 ? null : Errno.Text(read);
            count += read;
        }
    }

    private static bool OneMore(int descriptor)
    {
        Span<byte> one = stackalloc byte[1];
        return Descriptor.Read(descriptor, one) > 0;
    }

    private static bool HasEnded(int pid, long deadline, out int status)
    {
        while (!Child.TryWait(pid, out status))
        {
            if (LeftMs(deadline) == 0) return false;
            _ = Libc.Poll(null, 0, Math.Min(LookMs, LeftMs(deadline)));
        }
        if (status < 0) status = ForeignWait;
        return true;
    }

    private static int LeftMs(long deadline) => (int)Math.Clamp(deadline - Environment.TickCount64, 0, int.MaxValue);
}
