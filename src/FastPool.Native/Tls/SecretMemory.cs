using System.Security.Cryptography;
using FastPool.Base;

namespace FastPool.Native;

/// <summary>
/// Where the secrets of connections lie: outside of the collected heap, which would leave copies behind, in memory that is
/// never part of a core dump. Memory that is given back is zeroed. A chunk in which nothing is left goes back to the system,
/// unless it is the only one with room. Any thread; asked at the begin and end of a connection.
/// </summary>
internal sealed unsafe class SecretMemory
{
    private const int ChunkBytes = 64 * 1024; // Begins at a multiple of its size, so that an address tells its chunk.
    private const int HeadBytes = 64;
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;
    private const int DontDump = 16;

    /// <summary>The process's.</summary>
    internal static SecretMemory Shared { get; } = new();

    private readonly Lock _gate = new();
    private Chunk* _withRoom;

    private struct Free
    {
        internal Free* Next;
    }

    /// <summary>At the beginning of its memory. In the list as long as it has room.</summary>
    private struct Chunk
    {
        internal Chunk* Next;
        internal Chunk* Previous;
        internal Free* First;
        internal int Taken;
    }

    /// <summary>So many are in one chunk.</summary>
    internal static int PerChunk => (ChunkBytes - HeadBytes) / RecordKeyPair.Bytes;

    /// <summary>Chunks that the system has given and not had back.</summary>
    internal int ChunkCount { get; private set; }

    internal RecordKeyPair* Rent()
    {
        lock (_gate)
        {
            if (_withRoom is null) AddChunk();
            var chunk = _withRoom;
            var taken = chunk->First;
            chunk->First = taken->Next;
            chunk->Taken++;
            if (chunk->First is null) Unlink(chunk);
            taken->Next = null;
            return (RecordKeyPair*)taken;
        }
    }

    internal void Return(RecordKeyPair* secrets)
    {
        CryptographicOperations.ZeroMemory(new Span<byte>(secrets, RecordKeyPair.Bytes));
        lock (_gate)
        {
            var chunk = (Chunk*)((nuint)secrets & ~(nuint)(ChunkBytes - 1));
            if (chunk->First is null) Link(chunk);
            var free = (Free*)secrets;
            free->Next = chunk->First;
            chunk->First = free;
            chunk->Taken--;
            if (chunk->Taken == 0 && (chunk->Next is not null || chunk->Previous is not null)) RemoveChunk(chunk);
        }
    }

    private void Link(Chunk* chunk)
    {
        chunk->Next = _withRoom;
        if (_withRoom is not null) _withRoom->Previous = chunk;
        _withRoom = chunk;
    }

    private void Unlink(Chunk* chunk)
    {
        if (chunk->Previous is null) _withRoom = chunk->Next;
        else chunk->Previous->Next = chunk->Next;
        if (chunk->Next is not null) chunk->Next->Previous = chunk->Previous;
        chunk->Next = chunk->Previous = null;
    }

    private void AddChunk()
    {
        var chunk = (Chunk*)MapAligned();
        _ = Libc.MAdvise(chunk, ChunkBytes, DontDump); // A kernel that cannot goes without.
        for (var at = PerChunk - 1; at >= 0; at--)
        {
            var free = (Free*)((byte*)chunk + HeadBytes + (at * RecordKeyPair.Bytes));
            free->Next = chunk->First;
            chunk->First = free;
        }
        Link(chunk);
        ChunkCount++;
    }

    /// <summary>All of it is zero but the list of free places.</summary>
    private void RemoveChunk(Chunk* chunk)
    {
        Unlink(chunk);
        _ = Libc.MUnmap(chunk, ChunkBytes);
        ChunkCount--;
    }

    /// <summary>Twice as much has a chunk in it, wherever it begins; the rest goes back at once.</summary>
    private static void* MapAligned()
    {
        var address = Libc.MMap(null, 2 * ChunkBytes, ReadWrite, PrivateAnonymous, -1, 0);
        Check.That(address > 0);
        var start = (address + ChunkBytes - 1) & ~(nint)(ChunkBytes - 1);
        var before = (nuint)(start - address);
        if (before > 0) _ = Libc.MUnmap((void*)address, before);
        if (before < ChunkBytes) _ = Libc.MUnmap((void*)(start + ChunkBytes), ChunkBytes - before);
        return (void*)start;
    }
}
