using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastPool.Native;

/// <summary>
/// io_uring as a way to make many calls in one, and to wait for many descriptors in the same call. Sends and receives are tried
/// at once and none waits, so that only polls are under way between two calls of <see cref="Enter"/>. Belongs to the thread
/// that opened it.
/// </summary>
public sealed unsafe class Ring : IDisposable
{
    private const int SetupCall = 425;
    private const int EnterCall = 426;

    private const uint SizedCompletions = 1 << 3;
    private const uint SubmitAll = 1 << 7;
    private const uint CooperativeTasks = 1 << 8;
    private const uint SingleIssuer = 1 << 12;
    private const uint DeferredTasks = 1 << 13; // From 6.1 on, which has all that waiting needs.

    private const uint Needed = 1 | 1 << 5; // One mapping for both rings, and polling by itself: from 5.7 on, which knows sends.
    // No completion is lost, a wait has an end, and a success can be silent.
    private const uint NeededToWait = 1 << 1 | 1 << 8 | 1 << 11;
    private const uint KnowsNoDiskWait = 1 << 17; // From 6.15 on.

    private const uint GetEvents = 1;
    private const uint HasArgument = 1 << 3;
    private const uint NoDiskWait = 1 << 7; // Else an idle processor is shown as one that waits for a disk (iowait).

    private const byte Nothing = 0;
    private const byte PollOperation = 6;
    private const byte CancelOperation = 14; // POLL_REMOVE lets a poll live on that has just been woken.
    private const byte CloseOperation = 19;
    private const byte SendOperation = 26;
    private const byte ReceiveOperation = 27;

    private const byte SilentSuccess = 1 << 6;
    private const uint Again = 1; // A poll goes on after its first event.
    private const uint HasMore = 1 << 1;
    private const uint NoSignalNoWait = 0x4040; // MSG_NOSIGNAL | MSG_DONTWAIT
    private const uint NoWait = 0x40;

    private const int EntryBytes = 64;
    private const int CompletionBytes = 16;
    private const int CompletionsMax = 4096; // More than that wait in the kernel.
    private const int TriesMax = 1000;
    private const int ReadWrite = 3;
    private const int SharedPopulated = 0x8001;
    private const nint EntriesOffset = 0x10000000;

    private readonly int _fd;
    private readonly byte* _rings;
    private readonly nuint _ringsBytes;
    private readonly byte* _entries;
    private readonly nuint _entriesBytes;
    private readonly uint _capacity;
    private readonly uint _enterFlags;
    private readonly uint* _submissionTail;
    private readonly uint _submissionMask;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly uint _completionMask;
    private readonly byte* _completions;
    private uint _tail;
    private uint _added;

    private Ring(int fd, byte* rings, nuint ringsBytes, byte* entries, in Parameters parameters)
    {
        _fd = fd;
        _rings = rings;
        _ringsBytes = ringsBytes;
        _entries = entries;
        _capacity = parameters.SubmissionEntries;
        _enterFlags = (parameters.Features & KnowsNoDiskWait) != 0 ? GetEvents | NoDiskWait : GetEvents;
        _entriesBytes = parameters.SubmissionEntries * (nuint)EntryBytes;
        _submissionTail = (uint*)(rings + parameters.SubmissionTail);
        _submissionMask = *(uint*)(rings + parameters.SubmissionMask);
        _completionHead = (uint*)(rings + parameters.CompletionHead);
        _completionTail = (uint*)(rings + parameters.CompletionTail);
        _completionMask = *(uint*)(rings + parameters.CompletionMask);
        _completions = rings + parameters.Completions;
        _tail = *_submissionTail;
        CanWait = (parameters.Flags & DeferredTasks) != 0 && (parameters.Features & NeededToWait) == NeededToWait;
        var order = (uint*)(rings + parameters.SubmissionArray);
        for (uint i = 0; i < parameters.SubmissionEntries; i++) order[i] = i;
    }

    /// <summary>It has polls, and <see cref="Enter"/> may wait. Otherwise the kernel is older than 6.1.</summary>
    public bool CanWait { get; }

    /// <param name="capacity">Calls of one submission.</param>
    /// <param name="mayWait">False: as on a kernel before 6.1.</param>
    /// <returns>Null where the kernel has no io_uring, or forbids it to this process.</returns>
    public static Ring? TryOpen(int capacity, bool mayWait)
    {
        Parameters parameters = default;
        var fd = -Errno.EINVAL;
        if (mayWait)
        {
            parameters.Flags = SubmitAll | SingleIssuer | DeferredTasks | SizedCompletions;
            parameters.CompletionEntries = CompletionsMax;
            fd = Setup(capacity, &parameters);
        }
        if (fd == -Errno.EINVAL)
        {
            parameters = new Parameters { Flags = SubmitAll | CooperativeTasks | SingleIssuer };
            fd = Setup(capacity, &parameters);
        }
        if (fd == -Errno.EINVAL)
        {
            parameters = default; // Before 6.0 the flags are unknown.
            fd = Setup(capacity, &parameters);
        }
        if (fd < 0) return null;
        var ringsBytes =
            Math.Max(parameters.SubmissionArray + parameters.SubmissionEntries * sizeof(uint), parameters.Completions
            + parameters.CompletionEntries * CompletionBytes);
        var rings = (parameters.Features & Needed) != Needed ? null : Map(fd, ringsBytes, 0);
        var entries = rings is null ? null : Map(fd, parameters.SubmissionEntries * EntryBytes, EntriesOffset);
        if (entries is not null) return new Ring(fd, rings, ringsBytes, entries, parameters);
        if (rings is not null) _ = Libc.MUnmap(rings, ringsBytes);
        _ = Libc.Close(fd);
        return null;
    }

    private static int Setup(int capacity, Parameters* parameters) =>
        Libc.Syscall(SetupCall, capacity, (nint)parameters, 0, 0, 0, 0);

    private static byte* Map(int fd, nuint bytes, nint offset)
    {
        var address = Libc.MMap(null, bytes, ReadWrite, SharedPopulated, fd, offset);
        return address < 0 ? null : (byte*)address;
    }

    // ---- calls to come ------------------------------------------------------------------------------------------------

    /// <summary>Its completion has the bytes that were taken, or a negated errno.</summary>
    /// <param name="bytes">Pinned.</param>
    /// <returns>False: the kernel takes nothing more for now.</returns>
    public bool TrySend(int fd, byte[] bytes, int start, int length, ulong data) =>
        TryTransfer(SendOperation, fd, bytes, start, length, NoSignalNoWait, data);

    /// <summary>Its completion has the bytes that have come, 0 at the end, or a negated errno.</summary>
    /// <param name="bytes">Pinned.</param>
    /// <returns>False: the kernel takes nothing more for now.</returns>
    public bool TryReceive(int fd, byte[] bytes, int start, int length, ulong data) =>
        TryTransfer(ReceiveOperation, fd, bytes, start, length, NoWait, data);

    private bool TryTransfer(byte operation, int fd, byte[] bytes, int start, int length, uint flags, ulong data)
    {
        if (!HasRoom()) return false;
        var entry = Next(operation, fd, data);
        *(ulong*)(entry + 16) = (ulong)((byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(bytes)) + start);
        *(uint*)(entry + 24) = (uint)length;
        *(uint*)(entry + 28) = flags;
        return true;
    }

    /// <summary>
    /// Completes with each edge, as epoll tells of them, until it is ended; the last completion says that it is the last.
    /// </summary>
    /// <param name="isOnce">Completes once, with what is there or comes next.</param>
    public void Poll(int fd, Readiness interest, ulong data, bool isOnce = false)
    {
        var entry = Next(PollOperation, fd, data);
        *(uint*)(entry + 24) = isOnce ? 0 : Again;
        *(uint*)(entry + 28) = BitConverter.IsLittleEndian ? (uint)interest : ((uint)interest << 16) | ((uint)interest >> 16);
    }

    /// <summary>Ends the poll that was begun with these data; its last completion is -ECANCELED.</summary>
    public void EndPoll(ulong data, ulong ownData)
    {
        var entry = Next(CancelOperation, -1, ownData);
        *(entry + 1) = SilentSuccess;
        *(ulong*)(entry + 16) = data;
    }

    public void Close(int fd, ulong ownData) => *(Next(CloseOperation, fd, ownData) + 1) = SilentSuccess;

    private byte* Next(byte operation, int fd, ulong data)
    {
        if (!HasRoom()) throw new IOException("io_uring_enter takes nothing");
        var entry = _entries + (_tail & _submissionMask) * EntryBytes;
        Unsafe.InitBlockUnaligned(entry, 0, EntryBytes);
        *entry = operation;
        *(int*)(entry + 4) = fd;
        *(ulong*)(entry + 32) = data;
        _tail++;
        _added++;
        return entry;
    }

    private bool HasRoom()
    {
        for (var i = 0; _added == _capacity && i < TriesMax; i++) Enter(0, 0);
        return _added < _capacity;
    }

    // ---- the call -----------------------------------------------------------------------------------------------------

    /// <summary>Something has been asked for that the kernel does not know of yet.</summary>
    public bool HasAdded => _added > 0;

    /// <summary>
    /// Hands over the calls that were added. Those that the kernel does not take stay for the next time: it has no memory, or
    /// too many completions wait to be taken.
    /// </summary>
    /// <param name="awaited">Waits until so many completions are there.</param>
    /// <param name="timeoutMs">The longest wait; negative: for ever.</param>
    public void Enter(int awaited, int timeoutMs)
    {
        Volatile.Write(ref *_submissionTail, _tail);
        int submitted;
        if (awaited > 0 && timeoutMs >= 0)
        {
            var time = stackalloc long[2];
            (time[0], time[1]) = (timeoutMs / 1000, timeoutMs % 1000 * 1_000_000L);
            WaitArgument argument = default;
            argument.Time = (ulong)time;
            submitted = Libc.Syscall(EnterCall, _fd, (nint)_added, awaited, (nint)(_enterFlags | HasArgument), (nint)(&argument),
                sizeof(WaitArgument));
        }
        else
        {
            submitted = Libc.Syscall(EnterCall, _fd, (nint)_added, awaited, (nint)_enterFlags, 0, 0);
        }
        if (submitted > 0) _added -= (uint)submitted;
    }

    /// <summary>Sends and receives that the kernel has not taken are not made any more.</summary>
    /// <returns>How many.</returns>
    public int GiveUpTransfers()
    {
        var count = 0;
        for (uint i = 0; i < _added; i++)
        {
            var entry = _entries + ((_tail - 1 - i) & _submissionMask) * EntryBytes;
            if (*entry is not (SendOperation or ReceiveOperation)) continue;
            Unsafe.InitBlockUnaligned(entry, 0, EntryBytes);
            *entry = Nothing;
            *(entry + 1) = SilentSuccess;
            count++;
        }
        return count;
    }

    /// <param name="isLast">Of a poll: it is over.</param>
    /// <returns>False: there is none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(out ulong data, out int result, out bool isLast)
    {
        var head = *_completionHead;
        if (head == Volatile.Read(ref *_completionTail))
        {
            (data, result, isLast) = (0, 0, false);
            return false;
        }
        var completion = _completions + (head & _completionMask) * CompletionBytes;
        data = *(ulong*)completion;
        result = *(int*)(completion + 8);
        isLast = (*(uint*)(completion + 12) & HasMore) == 0;
        Volatile.Write(ref *_completionHead, head + 1);
        return true;
    }

    public void Dispose()
    {
        Enter(0, 0);
        _ = Libc.MUnmap(_entries, _entriesBytes);
        _ = Libc.MUnmap(_rings, _ringsBytes);
        _ = Libc.Close(_fd);
    }

    /// <summary>struct io_uring_getevents_arg.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 24)]
    private struct WaitArgument
    {
        [FieldOffset(16)] internal ulong Time;
    }

    /// <summary>struct io_uring_params.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    private struct Parameters
    {
        [FieldOffset(0)] internal uint SubmissionEntries;
        [FieldOffset(4)] internal uint CompletionEntries;
        [FieldOffset(8)] internal uint Flags;
        [FieldOffset(20)] internal uint Features;
        [FieldOffset(44)] internal uint SubmissionTail;
        [FieldOffset(48)] internal uint SubmissionMask;
        [FieldOffset(64)] internal uint SubmissionArray;
        [FieldOffset(80)] internal uint CompletionHead;
        [FieldOffset(84)] internal uint CompletionTail;
        [FieldOffset(88)] internal uint CompletionMask;
        [FieldOffset(100)] internal uint Completions;
    }
}
