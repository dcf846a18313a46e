namespace FastPool.Native;

/// <summary>
/// The traffic secrets of one handshake, as the library tells them line by line. Source: the key log format of NSS, which
/// OpenSSL's SSL_CTX_set_keylog_callback uses.
/// </summary>
internal unsafe struct TlsSecrets
{
    private RecordKeyPair* _keys;
    private int _receivingBytes;
    private int _sendingBytes;

    /// <summary>One line: a label, the client's random number, and the secret.</summary>
    internal void Take(ReadOnlySpan<byte> line, bool isServer)
    {
        var isOfClient = line.StartsWith("CLIENT_TRAFFIC_SECRET_0 "u8);
        if (!isOfClient && !line.StartsWith("SERVER_TRAFFIC_SECRET_0 "u8)) return;
        var text = line[(line.LastIndexOf((byte)' ') + 1)..];
        if (text.Length is 0 or > 2 * RecordKeys.SecretBytesMax || text.Length % 2 != 0) return;
        if (_keys is null) _keys = SecretMemory.Shared.Rent();
        ref var keys = ref isOfClient == isServer ? ref _keys->Receiving : ref _keys->Sending;
        var bytes = text.Length / 2;
        for (var i = 0; i < bytes; i++)
        {
            var (high, low) = (Digit(text[2 * i]), Digit(text[2 * i + 1]));
            if (high < 0 || low < 0) return;
            keys.Secret[i] = (byte)((high << 4) | low);
        }
        if (isOfClient == isServer) _receivingBytes = bytes;
        else _sendingBytes = bytes;
    }

    /// <summary>Records under these secrets, if both are known and as long as the suite's are; they are forgotten here.</summary>
    /// <param name="sent">Records that the library has sent under ours.</param>
    /// <returns>Null: there is nothing to be had.</returns>
    internal TlsRecords? TryBegin(RecordSuite suite, bool isServer, ulong sent)
    {
        if (_keys is null || _receivingBytes != suite.SecretBytes() || _sendingBytes != _receivingBytes) return null;
        var keys = _keys;
        _keys = null;
        keys->Receiving.Derive(suite);
        keys->Sending.Derive(suite);
        keys->Sending.Sequence = sent;
        return new TlsRecords(suite, keys, isServer);
    }

    internal void Forget()
    {
        if (_keys is not null) SecretMemory.Shared.Return(_keys);
        _keys = null;
        _receivingBytes = _sendingBytes = 0;
    }

    private static int Digit(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };
}
