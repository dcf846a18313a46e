namespace FastPool.Native;

/// <summary>A fault of the peer that ends a connection on own records.</summary>
internal enum RecordFault : byte
{
    None,
    /// <summary>Not sealed with the peer's key for this place in the stream.</summary>
    BadMac,
    /// <summary>Longer than a record may be.</summary>
    TooLong,
    /// <summary>A record in plain view, or of a kind that has no place here.</summary>
    BadRecordType,
    /// <summary>A handshake message that has no place here, or one that something else comes in the middle of.</summary>
    UnexpectedMessage,
    BadAlert,
    /// <summary>A message that is not as long as its kind is.</summary>
    BadLength,
    BadKeyUpdate,
    /// <summary>Something stands behind a KeyUpdate, under the key that it ends.</summary>
    NotOnRecordBoundary,
    /// <summary>Record after record that brings nothing: each costs us more than the peer.</summary>
    TooManyEmpty,
    /// <summary>The library did not do it.</summary>
    Internal,
    /// <summary>The peer gives up.</summary>
    PeerAlert,
}

/// <summary>Alert and text of each. Sources: RFC 8446, 5.1, 5.2, 5.4 and 6; sslerr.h.</summary>
internal static class RecordFaults
{
    private const int AlertReasons = 1000;

    /// <summary>The alert's description.</summary>
    internal static byte Alert(this RecordFault fault) => fault switch
    {
        RecordFault.BadMac => 20, // bad_record_mac
        RecordFault.TooLong => 22, // record_overflow
        RecordFault.BadKeyUpdate => 47, // illegal_parameter
        RecordFault.BadLength => 50, // decode_error
        RecordFault.Internal => 80, // internal_error
        _ => 10, // unexpected_message
    };

    /// <summary>The library's number for the same, so that its words stand in the log.</summary>
    internal static int Reason(this RecordFault fault, byte peerAlert) => fault switch
    {
        RecordFault.BadMac => 281, // decryption failed or bad record mac
        RecordFault.TooLong => 150, // encrypted length too long
        RecordFault.BadRecordType => 443, // bad record type
        RecordFault.UnexpectedMessage => 244, // unexpected message
        RecordFault.BadAlert => 205, // invalid alert
        RecordFault.BadLength => 159, // length mismatch
        RecordFault.BadKeyUpdate => 122, // bad key update
        RecordFault.NotOnRecordBoundary => 182, // not on record boundary
        RecordFault.TooManyEmpty => 132, // too many key updates
        RecordFault.PeerAlert => AlertReasons + peerAlert,
        _ => 147, // decryption failed, of the library's own doing
    };
}
