using FastPool.Base;

namespace FastPool.Native;

/// <summary>
/// TLS 1.3 after the handshake, without the library's connection object: two sets of keys, two counters, and what has come of a
/// record in part. Sources: RFC 8446, 4.6.3 (KeyUpdate), 5 (records), 6 (alerts).
/// </summary>
public sealed unsafe partial class TlsRecords : TlsLayer
{
    internal const int HeaderBytes = 5;
    private const int ContentBytesMax = 16 * 1024;
    private const int InnerBytesMax = ContentBytesMax + 1;
    private const int BodyBytesMax = ContentBytesMax + 256;
    private const int EmptyRecordsMax = 32;
    private const int Overhead = HeaderBytes + 1 + RecordCiphers.TagBytes;

    private const byte AlertRecord = 21;
    private const byte HandshakeRecord = 22;
    private const byte DataRecord = 23;
    private const byte WarningLevel = 1;
    private const byte FatalLevel = 2;
    private const byte CloseNotify = 0;
    private const byte UserCanceled = 90;

    private RecordKeyPair* _keys;
    private byte[]? _partial;
    private uint _messageHead;
    private ushort _partialCount;
    private byte _messageHeadCount;
    private byte _emptyRecords;
    private readonly RecordSuite _suite;
    private Marks _marks;
    private RecordFault _fault;
    private byte _peerAlert;

    [Flags]
    private enum Marks : byte
    {
        None = 0,
        /// <summary>We are the client, to which servers send tickets.</summary>
        TakesTickets = 1,
        PeerClosed = 2,
        Broken = 4,
        /// <summary>The peer wants our next record to have a new key.</summary>
        UpdateDue = 8,
        /// <summary>The peer's key has been used so often that we want another.</summary>
        AskDue = 16,
        /// <summary>Another process may be about to go on with these keys: nothing may be sealed here.</summary>
        Given = 32,
    }

    /// <param name="keys">Of <see cref="SecretMemory"/>, and ours from now on.</param>
    internal TlsRecords(RecordSuite suite, RecordKeyPair* keys, bool isServer)
    {
        _suite = suite;
        _keys = keys;
        if (!isServer) _marks = Marks.TakesTickets;
    }

    /// <summary>Where <see cref="RecordCiphers"/> may have contexts for it.</summary>
    internal byte CipherPlace { get; set; }

    public override string Text => _suite.Text();

    public override bool IsEstablished => true;

    public override bool IsBroken => (_marks & Marks.Broken) != 0;

    public override bool IsPeerClosed => (_marks & Marks.PeerClosed) != 0;

    public override string Problem =>
        _fault == RecordFault.None ? "" : "read failed: " + TlsLibrary.ErrorText(_fault.Reason(_peerAlert));

    // ---- receiving --------------------------------------------------------------------------------------------------

    public override TlsOutcome Receive(TlsTransfer transfer, ReadOnlySpan<byte> cipher, Span<byte> plain, out int count) =>
        Receive(transfer, cipher, plain, out count, null);

    /// <param name="tickets">The library's object, which is still there for the server's tickets; null: it is gone.</param>
    internal TlsOutcome Receive(TlsTransfer transfer, ReadOnlySpan<byte> cipher, Span<byte> plain, out int count,
        TlsStream? tickets)
    {
        count = 0;
        if (IsBroken) return TlsOutcome.Failed;
        while (!cipher.IsEmpty && !IsPeerClosed)
        {
            int taken;
            var record = _partial is null ? Cut(cipher, out taken) : Complete(transfer, cipher, out taken);
            if (_fault != RecordFault.None) return Fail(transfer);
            if (record.IsEmpty && _partial is null) Keep(transfer, cipher[..taken]);
            cipher = cipher[taken..];
            if (record.IsEmpty) continue;
            _fault = Open(transfer, record, plain[count..], out var content, tickets);
            if (_partial is not null) DropPartial(transfer);
            if (_fault != RecordFault.None) return Fail(transfer);
            count += content;
            if (content > 0)
            {
                _emptyRecords = 0;
            }
            else if (++_emptyRecords > EmptyRecordsMax)
            {
                _fault = RecordFault.TooManyEmpty;
                return Fail(transfer);
            }
        }
        return IsPeerClosed ? TlsOutcome.Closed : TlsOutcome.Open;
    }

    /// <returns>A whole record; empty: it is cut, and all of it must be kept.</returns>
    private ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> cipher, out int taken)
    {
        taken = cipher.Length;
        if (cipher.Length < HeaderBytes) return default;
        var length = LengthOf(cipher);
        if (length > cipher.Length) return default;
        taken = length;
        return cipher[..length];
    }

    /// <summary>Goes on with a record that had come in part, as far as these bytes go.</summary>
    private ReadOnlySpan<byte> Complete(TlsTransfer transfer, ReadOnlySpan<byte> cipher, out int taken)
    {
        taken = 0;
        if (_partialCount < HeaderBytes)
        {
            taken = Math.Min(HeaderBytes - _partialCount, cipher.Length);
            cipher[..taken].CopyTo(_partial.AsSpan(_partialCount));
            _partialCount += (ushort)taken;
            if (_partialCount < HeaderBytes) return default;
        }
        var length = LengthOf(_partial);
        if (_fault != RecordFault.None) return default;
        if (length > _partial!.Length)
        {
            var larger = transfer.Buffers.Rent(length);
            _partial.AsSpan(0, _partialCount).CopyTo(larger);
            transfer.Buffers.Return(_partial);
            _partial = larger;
        }
        var rest = Math.Min(length - _partialCount, cipher.Length - taken);
        cipher.Slice(taken, rest).CopyTo(_partial.AsSpan(_partialCount));
        _partialCount += (ushort)rest;
        taken += rest;
        return _partialCount == length ? _partial.AsSpan(0, length) : default;
    }

    /// <summary>The length of the record with its header. One that may not be is a fault before it is here.</summary>
    private int LengthOf(ReadOnlySpan<byte> header)
    {
        var body = (header[3] << 8) | header[4];
        _fault = header[0] != DataRecord ? RecordFault.BadRecordType
            : body > BodyBytesMax ? RecordFault.TooLong
            : body < RecordCiphers.TagBytes ? RecordFault.BadMac
            : RecordFault.None;
        return HeaderBytes + body;
    }

    private void Keep(TlsTransfer transfer, ReadOnlySpan<byte> start)
    {
        var length = start.Length < HeaderBytes ? HeaderBytes : LengthOf(start);
        _partial = transfer.Buffers.Rent(length);
        start.CopyTo(_partial);
        _partialCount = (ushort)start.Length;
    }

    private void DropPartial(TlsTransfer transfer)
    {
        if (_partial is null) return;
        transfer.Buffers.Return(_partial);
        _partial = null;
        _partialCount = 0;
    }

    /// <param name="content">Bytes of application data at the begin of <paramref name="plain"/>.</param>
    private RecordFault Open(TlsTransfer transfer, ReadOnlySpan<byte> record, Span<byte> plain, out int content,
        TlsStream? tickets)
    {
        content = 0;
        var inner = plain[..(record.Length - HeaderBytes - RecordCiphers.TagBytes)];
        fixed (byte* header = record)
        {
            if (_keys->Receiving.Sequence == ulong.MaxValue
                || !transfer.Ciphers.TryOpen(this, _suite, &_keys->Receiving, header, record[HeaderBytes..], inner))
                return RecordFault.BadMac;
        }
        if (_keys->Receiving.Sequence == _suite.RecordsMax()) _marks |= Marks.AskDue;
        if (inner.Length > InnerBytesMax) return Wiped(inner, RecordFault.TooLong);
        var last = inner.LastIndexOfAnyExcept((byte)0); // The type; what is behind it is padding.
        if (last < 0) return RecordFault.BadRecordType;
        var type = inner[last];
        inner = inner[..last];
        if (type != HandshakeRecord) tickets?.EndTickets();
        if (type == DataRecord && _messageHeadCount == 0)
        {
            content = inner.Length;
            return RecordFault.None;
        }
        var fault = type switch
        {
            AlertRecord when _messageHeadCount == 0 => ReadAlert(inner),
            HandshakeRecord => ReadHandshake(transfer, inner, record, tickets),
            DataRecord or AlertRecord => RecordFault.UnexpectedMessage,
            _ => RecordFault.BadRecordType,
        };
        return Wiped(inner, fault);
    }

    /// <summary>Bytes that are no application data stay in no buffer.</summary>
    private static RecordFault Wiped(Span<byte> inner, RecordFault fault)
    {
        inner.Clear();
        return fault;
    }

    /// <summary>Its level says nothing: only close_notify and user_canceled are no failure. Source: RFC 8446, 6.</summary>
    private RecordFault ReadAlert(ReadOnlySpan<byte> alert)
    {
        if (alert.Length != 2) return RecordFault.BadAlert;
        switch (alert[1])
        {
            case CloseNotify:
                _marks |= Marks.PeerClosed;
                return RecordFault.None;
            case UserCanceled:
                return RecordFault.None;
            default:
                _peerAlert = alert[1];
                return RecordFault.PeerAlert;
        }
    }

    private TlsOutcome Fail(TlsTransfer transfer)
    {
        DropPartial(transfer);
        // A peer that gives up hears nothing more.
        if (_fault != RecordFault.PeerAlert) TrySeal(transfer, AlertRecord, [FatalLevel, _fault.Alert()]);
        _marks |= Marks.Broken;
        return TlsOutcome.Failed;
    }

    // ---- sending ----------------------------------------------------------------------------------------------------

    public override bool Write(TlsTransfer transfer, ReadOnlySpan<byte> plain)
    {
        Check.That(plain.Length is > 0 and <= TlsTransfer.PlainBytesMax);
        if (IsBroken) return false;
        while (!plain.IsEmpty)
        {
            if ((IsUpdateDue && !TryUpdateOwnKey(transfer))
                || !TrySeal(transfer, DataRecord, plain[..Math.Min(plain.Length, ContentBytesMax)]))
            {
                _fault = RecordFault.Internal;
                _marks |= Marks.Broken;
                return false;
            }
            plain = plain[Math.Min(plain.Length, ContentBytesMax)..];
        }
        _emptyRecords = 0; // A peer may only listen for hours, and renew its keys meanwhile.
        return true;
    }

    /// <summary>One record into the transfer's output.</summary>
    private bool TrySeal(TlsTransfer transfer, byte type, ReadOnlySpan<byte> content)
    {
        if ((_marks & Marks.Given) != 0) return false;
        var room = transfer.Reserve(content.Length + Overhead);
        if (room is null) return false;
        var body = content.Length + Overhead - HeaderBytes;
        (room[0], room[1], room[2], room[3], room[4]) = (DataRecord, 3, 3, (byte)(body >> 8), (byte)body);
        if (!transfer.Ciphers.TrySeal(this, _suite, &_keys->Sending, room, content, type, room + HeaderBytes)) return false;
        transfer.Commit(content.Length + Overhead);
        return true;
    }

    public override void SayGoodbye(TlsTransfer transfer)
    {
        if (!IsBroken) TrySeal(transfer, AlertRecord, [WarningLevel, CloseNotify]);
    }

    // ---- moving and ending ------------------------------------------------------------------------------------------

    public override void MoveTo(TlsTransfer transfer)
    {
    }

    public override void Leave(TlsTransfer transfer) => transfer.Ciphers.Release(this);

    public override void Free(TlsTransfer transfer)
    {
        if (_keys is null) return;
        transfer.Ciphers.Release(this);
        DropPartial(transfer);
        SecretMemory.Shared.Return(_keys);
        _keys = null;
        _marks |= Marks.Broken;
    }
}
