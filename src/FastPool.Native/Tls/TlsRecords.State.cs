using System.Buffers.Binary;
using FastPool.Base;

namespace FastPool.Native;

/// <summary>All of a connection's records as bytes, for another process to go on with.</summary>
public sealed unsafe partial class TlsRecords
{
    private const byte Form = 1;
    private const int HeadBytes = 11;
    private const int DirectionBytes = RecordKeys.SecretBytesMax + RecordKeys.KeyBytesMax + RecordKeys.NonceBytes + sizeof(ulong);
    private const int FixedBytes = HeadBytes + 2 * DirectionBytes;

    /// <summary>
    /// The state that <see cref="TryRestore"/> reads. It holds secrets: its owner clears it. Nothing is sealed here any more,
    /// so that no two processes use the same nonce.
    /// </summary>
    public byte[] Give()
    {
        var state = Save();
        _marks |= Marks.Given;
        return state;
    }

    /// <summary>The other process has not sealed anything, and never will.</summary>
    public void TakeBack() => _marks &= ~Marks.Given;

    private byte[] Save()
    {
        Check.That(!IsBroken && _keys is not null);
        var state = new byte[FixedBytes + _partialCount];
        (state[0], state[1], state[2], state[3]) = (Form, (byte)_suite, (byte)_marks, _messageHeadCount);
        BinaryPrimitives.WriteUInt32LittleEndian(state.AsSpan(4), _messageHead);
        BinaryPrimitives.WriteUInt16LittleEndian(state.AsSpan(8), _partialCount);
        state[10] = _emptyRecords;
        Write(_keys->Receiving, state.AsSpan(HeadBytes));
        Write(_keys->Sending, state.AsSpan(HeadBytes + DirectionBytes));
        _partial.AsSpan(0, _partialCount).CopyTo(state.AsSpan(FixedBytes));
        return state;
    }

    /// <summary>Goes on where <see cref="Save"/> was called, on the thread of this transfer.</summary>
    /// <returns>Null when it is nothing that was saved, or the library does not do it.</returns>
    public static TlsRecords? TryRestore(ReadOnlySpan<byte> state, TlsTransfer transfer)
    {
        const Marks known = Marks.TakesTickets | Marks.PeerClosed | Marks.UpdateDue | Marks.AskDue;
        if (state.Length < FixedBytes || state[0] != Form) return null;
        var (suite, marks, headCount) = ((RecordSuite)state[1], (Marks)state[2], state[3]);
        var partial = state[FixedBytes..];
        if (suite is < RecordSuite.Aes128Gcm or > RecordSuite.ChaCha20Poly1305 || (marks & ~known) != 0
            || headCount > MessageHeadBytes || partial.Length > HeaderBytes + BodyBytesMax
            || partial.Length != BinaryPrimitives.ReadUInt16LittleEndian(state[8..])) return null;
        var keys = SecretMemory.Shared.Rent();
        Read(state[HeadBytes..], ref keys->Receiving);
        Read(state[(HeadBytes + DirectionBytes)..], ref keys->Sending);
        var records = new TlsRecords(suite, keys, isServer: true)
        {
            _marks = marks,
            _messageHead = BinaryPrimitives.ReadUInt32LittleEndian(state[4..]),
            _messageHeadCount = headCount,
            _emptyRecords = state[10],
        };
        if (!partial.IsEmpty) records.Keep(transfer, partial);
        if (records._fault == RecordFault.None && transfer.Ciphers.Knows(suite)) return records;
        records.Free(transfer);
        return null;
    }

    private static void Write(in RecordKeys keys, Span<byte> to)
    {
        fixed (byte* secret = keys.Secret, key = keys.Key, iv = keys.Iv)
        {
            new ReadOnlySpan<byte>(secret, RecordKeys.SecretBytesMax).CopyTo(to);
            to = to[RecordKeys.SecretBytesMax..];
            new ReadOnlySpan<byte>(key, RecordKeys.KeyBytesMax).CopyTo(to);
            to = to[RecordKeys.KeyBytesMax..];
            new ReadOnlySpan<byte>(iv, RecordKeys.NonceBytes).CopyTo(to);
            to = to[RecordKeys.NonceBytes..];
        }
        BinaryPrimitives.WriteUInt64LittleEndian(to, keys.Sequence);
    }

    private static void Read(ReadOnlySpan<byte> from, ref RecordKeys keys)
    {
        fixed (byte* secret = keys.Secret, key = keys.Key, iv = keys.Iv)
        {
            from[..RecordKeys.SecretBytesMax].CopyTo(new Span<byte>(secret, RecordKeys.SecretBytesMax));
            from = from[RecordKeys.SecretBytesMax..];
            from[..RecordKeys.KeyBytesMax].CopyTo(new Span<byte>(key, RecordKeys.KeyBytesMax));
            from = from[RecordKeys.KeyBytesMax..];
            from[..RecordKeys.NonceBytes].CopyTo(new Span<byte>(iv, RecordKeys.NonceBytes));
            from = from[RecordKeys.NonceBytes..];
        }
        keys.Sequence = BinaryPrimitives.ReadUInt64LittleEndian(from);
    }
}
