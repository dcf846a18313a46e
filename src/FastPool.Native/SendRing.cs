using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastPool.Native;

/// <summary>
/// io_uring as a way to make many sends in one system call. Each is tried at once and none waits, so that nothing is under
/// way when <see cref="Submit"/> returns. Belongs to the thread that opened it.
/// </summary>
public sealed unsafe class SendRing : IDisposable
{
    private const int SetupCall = 425;
    private const int EnterCall = 426;
    private const uint SubmitAll = 1 << 7;
    private const uint CooperativeTasks = 1 << 8;
    private const uint SingleIssuer = 1 << 12;
    private const uint Needed = 1 | 1 << 5; // One mapping for both rings, and polling by itself: from 5.7 on, which knows sends.
    private const uint GetEvents = 1;
    private const byte SendOperation = 26;
    private const uint NoSignalNoWait = 0x4040; // MSG_NOSIGNAL | MSG_DONTWAIT
    private const int EntryBytes = 64;
    private const int CompletionBytes = 16;
    private const int ReadWrite = 3;
    private const int SharedPopulated = 0x8001;
    private const nint EntriesOffset = 0x10000000;

    private readonly int _fd;
    private readonly byte* _rings;
    private readonly nuint _ringsBytes;
    private readonly byte* _entries;
    private readonly nuint _entriesBytes;
    private readonly uint* _submissionTail;
    private readonly uint _submissionMask;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly uint _completionMask;
    private readonly byte* _completions;
    private int _added;

    private SendRing(int fd, byte* rings, nuint ringsBytes, byte* entries, in Parameters parameters)
    {
        _fd = fd;
        _rings = rings;
        _ringsBytes = ringsBytes;
        _entries = entries;
        _entriesBytes = parameters.SubmissionEntries * (nuint)EntryBytes;
        _submissionTail = (uint*)(rings + parameters.SubmissionTail);
        _submissionMask = *(uint*)(rings + parameters.SubmissionMask);
        _completionHead = (uint*)(rings + parameters.CompletionHead);
        _completionTail = (uint*)(rings + parameters.CompletionTail);
        _completionMask = *(uint*)(rings + parameters.CompletionMask);
        _completions = rings + parameters.Completions;
        var order = (uint*)(rings + parameters.SubmissionArray);
        for (uint i = 0; i < parameters.SubmissionEntries; i++) order[i] = i;
    }

    /// <param name="capacity">Sends of one submission.</param>
    /// <returns>Null where the kernel has no io_uring, or forbids it to this process.</returns>
    public static SendRing? TryOpen(int capacity)
    {
        Parameters parameters = default;
        parameters.Flags = SubmitAll | CooperativeTasks | SingleIssuer;
        var fd = Libc.Syscall(SetupCall, capacity, (nint)(&parameters), 0, 0, 0, 0);
        if (fd < 0)
        {
            parameters = default; // Before 6.0 the flags are unknown.
            fd = Libc.Syscall(SetupCall, capacity, (nint)(&parameters), 0, 0, 0, 0);
        }
        if (fd < 0) return null;
        var ringsBytes =
            Math.Max(parameters.SubmissionArray + parameters.SubmissionEntries * sizeof(uint), parameters.Completions
            + parameters.CompletionEntries * CompletionBytes);
        var rings = (parameters.Features & Needed) != Needed ? null : Map(fd, ringsBytes, 0);
        var entries = rings is null ? null : Map(fd, parameters.SubmissionEntries * EntryBytes, EntriesOffset);
        if (entries is not null) return new SendRing(fd, rings, ringsBytes, entries, parameters);
        if (rings is not null) _ = Libc.MUnmap(rings, ringsBytes);
        _ = Libc.Close(fd);
        return null;
    }

    private static byte* Map(int fd, nuint bytes, nint offset)
    {
        var address = Libc.MMap(null, bytes, ReadWrite, SharedPopulated, fd, offset);
        return address < 0 ? null : (byte*)address;
    }

    /// <summary>One more send for the next submission.</summary>
    /// <param name="bytes">Pinned.</param>
    public void Add(int fd, byte[] bytes, int start, int length)
    {
        var entry = _entries + ((*_submissionTail + (uint)_added) & _submissionMask) * EntryBytes;
        Unsafe.InitBlockUnaligned(entry, 0, EntryBytes);
        *entry = SendOperation;
        *(int*)(entry + 4) = fd;
        *(ulong*)(entry + 16) = (ulong)((byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(bytes)) + start);
        *(uint*)(entry + 24) = (uint)length;
        *(uint*)(entry + 28) = NoSignalNoWait;
        *(ulong*)(entry + 32) = (ulong)_added;
        _added++;
    }

    /// <summary>Makes all of them.</summary>
    /// <param name="results">Of each, in the order of <see cref="Add"/>: bytes sent, or a negated errno.</param>
    /// <returns>How many were made; the kernel had no memory for the rest.</returns>
    public int Submit(Span<int> results)
    {
        var count = (uint)_added;
        _added = 0;
        var tail = *_submissionTail;
        Volatile.Write(ref *_submissionTail, tail + count);
        var submitted = Libc.Syscall(EnterCall, _fd, (nint)count, 0, 0, 0, 0);
        if (submitted < 0) submitted = 0;
        if (submitted < count) Volatile.Write(ref *_submissionTail, tail + (uint)submitted);
        for (var done = 0; done < submitted;)
        {
            var head = *_completionHead;
            var end = Volatile.Read(ref *_completionTail);
            if (head == end) // None waits, so that all are here; where the kernel has put one off it is here at once.
            {
                _ = Libc.Syscall(EnterCall, _fd, 0, 1, (nint)GetEvents, 0, 0);
                continue;
            }
            for (; head != end; head++, done++)
            {
                var completion = _completions + (head & _completionMask) * CompletionBytes;
                results[(int)*(ulong*)completion] = *(int*)(completion + 8);
            }
            Volatile.Write(ref *_completionHead, head);
        }
        return submitted;
    }

    public void Dispose()
    {
        _ = Libc.MUnmap(_entries, _entriesBytes);
        _ = Libc.MUnmap(_rings, _ringsBytes);
        _ = Libc.Close(_fd);
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
