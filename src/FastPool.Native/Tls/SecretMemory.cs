using System.Security.Cryptography;
using FastPool.Base;

namespace FastPool.Native;

/// <summary>
/// Where the secrets of connections lie: outside of the collected heap, which would leave copies behind, in memory that is
/// never part of a core dump. Memory that is given back is zeroed. Any thread; asked at the begin and end of a connection.
/// </summary>
internal static unsafe class SecretMemory
{
    private const int ChunkBytes = 64 * 1024;
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;
    private const int DontDump = 16;

    private static readonly Lock Gate = new();
    private static Free* _free;

    private struct Free
    {
        internal Free* Next;
    }

    internal static RecordKeyPair* Rent()
    {
        lock (Gate)
        {
            if (_free is null) AddChunk();
            var taken = _free;
            _free = taken->Next;
            taken->Next = null;
            return (RecordKeyPair*)taken;
        }
    }

    internal static void Return(RecordKeyPair* secrets)
    {
        CryptographicOperations.ZeroMemory(new Span<byte>(secrets, RecordKeyPair.Bytes));
        lock (Gate)
        {
            var free = (Free*)secrets;
            free->Next = _free;
            _free = free;
        }
    }

    private static void AddChunk()
    {
        var address = Libc.MMap(null, ChunkBytes, ReadWrite, PrivateAnonymous, -1, 0);
        Check.That(address > 0);
        _ = Libc.MAdvise((void*)address, ChunkBytes, DontDump); // A kernel that cannot goes without.
        for (var at = ChunkBytes / RecordKeyPair.Bytes - 1; at >= 0; at--)
        {
            var free = (Free*)((RecordKeyPair*)address + at);
            free->Next = _free;
            _free = free;
        }
    }
}
