namespace FastPool.Core.Sessions;

/// <summary>
/// The marks that poolers, peers of each other, write into the cancel keys they give out. Bytes 1 and 2 are the peer's id, low
/// byte first; the two low bits of byte 7 say how many more times the key may be passed on. A key is read as one big-endian
/// number. Setting: peer_id.
/// </summary>
public static class PeerKey
{
    private const int LowByteShift = 48;
    private const int HighByteShift = 40;
    private const ulong TimeToLiveMask = 3;

    /// <summary>The key as that peer gives it out.</summary>
    public static ulong Of(int peerId, ulong random)
    {
        var id = ((ulong)(byte)peerId << LowByteShift) | ((ulong)(byte)(peerId >> 8) << HighByteShift);
        return Fresh((random & ~(0xFFFFUL << HighByteShift)) | id);
    }

    /// <summary>The peer that gave out the key.</summary>
    public static int IdOf(ulong key) => (byte)(key >> LowByteShift) | (byte)(key >> HighByteShift) << 8;

    /// <summary>As it was when it was given out, however often it has been passed on.</summary>
    public static ulong Fresh(ulong key) => key | TimeToLiveMask;

    public static bool MayPassOn(ulong key) => (key & TimeToLiveMask) > 0;

    /// <summary>The key that the next peer gets.</summary>
    public static ulong PassedOn(ulong key) => key - 1;
}
