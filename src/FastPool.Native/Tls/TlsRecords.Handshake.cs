namespace FastPool.Native;

/// <summary>The handshake messages that come, or go, after the handshake: tickets and new keys.</summary>
public sealed unsafe partial class TlsRecords
{
    private const uint NewSessionTicket = 4;
    private const uint KeyUpdate = 24;
    private const int MessageHeadBytes = 4;
    private const uint BodyMask = 0xFFFFFF;

    /// <summary>The longest that the lengths in it allow. Source: RFC 8446, 4.6.1.</summary>
    private const uint TicketBytesMax = 4 + 4 + 1 + 255 + 2 + 65_535 + 2 + 65_534;

    private bool IsUpdateDue =>
        (_marks & (Marks.UpdateDue | Marks.AskDue)) != 0 || _keys->Sending.Sequence >= _suite.RecordsMax();

    /// <summary>Messages may be cut by records, and several may stand in one.</summary>
    /// <param name="record">As it came.</param>
    private RecordFault ReadHandshake(TlsTransfer transfer, ReadOnlySpan<byte> content, ReadOnlySpan<byte> record,
        TlsStream? tickets)
    {
        if (content.IsEmpty) return RecordFault.UnexpectedMessage;
        while (!content.IsEmpty)
        {
            while (_messageHeadCount < MessageHeadBytes && !content.IsEmpty)
            {
                _messageHead = (_messageHead << 8) | content[0];
                _messageHeadCount++;
                content = content[1..];
            }
            if (_messageHeadCount < MessageHeadBytes) break;
            var left = _messageHead & BodyMask;
            switch (_messageHead >> 24)
            {
                case NewSessionTicket when (_marks & Marks.TakesTickets) != 0:
                    if (left > TicketBytesMax) return RecordFault.BadLength;
                    var taken = (int)Math.Min(left, (uint)content.Length);
                    content = content[taken..];
                    _messageHead -= (uint)taken;
                    if (taken == left) EndMessage();
                    break;
                case KeyUpdate:
                    if (left != 1) return RecordFault.BadLength;
                    if (content.IsEmpty) break;
                    if (content.Length > 1) return RecordFault.NotOnRecordBoundary;
                    if (content[0] > 1) return RecordFault.BadKeyUpdate;
                    tickets?.EndTickets();
                    EndMessage();
                    UpdatePeerKey(transfer, isAsked: content[0] == 1);
                    return RecordFault.None;
                default:
                    return RecordFault.UnexpectedMessage;
            }
        }
        return tickets is null || tickets.TryTakeTicket(transfer, record) ? RecordFault.None : RecordFault.BadLength;
    }

    private void EndMessage()
    {
        _messageHead = 0;
        _messageHeadCount = 0;
    }

    /// <summary>
    /// The answer goes out with our next words, not at once: a peer that asks many times while we are silent is answered once.
    /// </summary>
    private void UpdatePeerKey(TlsTransfer transfer, bool isAsked)
    {
        _keys->Receiving.Update(_suite);
        transfer.Ciphers.ForgetKey(this, isSealing: false);
        if (isAsked) _marks |= Marks.UpdateDue;
    }

    /// <summary>Tells the peer, under the old key, and takes the next.</summary>
    private bool TryUpdateOwnKey(TlsTransfer transfer)
    {
        var asks = (byte)((_marks & Marks.AskDue) != 0 ? 1 : 0);
        if (!TrySeal(transfer, HandshakeRecord, [(byte)KeyUpdate, 0, 0, 1, asks])) return false;
        _keys->Sending.Update(_suite);
        transfer.Ciphers.ForgetKey(this, isSealing: true);
        _marks &= ~(Marks.UpdateDue | Marks.AskDue);
        return true;
    }
}
