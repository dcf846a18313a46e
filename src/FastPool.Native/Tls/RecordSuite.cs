namespace FastPool.Native;

/// <summary>The cipher suites of TLS 1.3 whose records we carry ourselves. Source: RFC 8446, B.4.</summary>
internal enum RecordSuite : byte
{
    None,
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
}

/// <summary>Lengths, names and ciphers of each.</summary>
internal static class RecordSuites
{
    private const uint FirstId = 0x03001301; // As the library has it: TLS_AES_128_GCM_SHA256, and the others behind it.

    /// <returns>None: it is no suite of ours.</returns>
    internal static RecordSuite Of(uint id) => id - FirstId is var place and < 3 ? (RecordSuite)(place + 1) : RecordSuite.None;

    internal static int KeyBytes(this RecordSuite suite) => suite == RecordSuite.Aes128Gcm ? 16 : 32;

    /// <summary>Length of a secret, which is that of the hash.</summary>
    internal static int SecretBytes(this RecordSuite suite) => suite == RecordSuite.Aes256Gcm ? 48 : 32;

    internal static nint Hash(this RecordSuite suite) =>
        suite == RecordSuite.Aes256Gcm ? OpenSsl.EVP_sha384() : OpenSsl.EVP_sha256();

    internal static nint Cipher(this RecordSuite suite) => suite switch
    {
        RecordSuite.Aes128Gcm => OpenSsl.EVP_aes_128_gcm(),
        RecordSuite.Aes256Gcm => OpenSsl.EVP_aes_256_gcm(),
        _ => OpenSsl.EVP_chacha20_poly1305(),
    };

    /// <summary>As in the tls column.</summary>
    internal static string Text(this RecordSuite suite) => suite switch
    {
        RecordSuite.Aes128Gcm => "TLSv1.3/TLS_AES_128_GCM_SHA256",
        RecordSuite.Aes256Gcm => "TLSv1.3/TLS_AES_256_GCM_SHA384",
        _ => "TLSv1.3/TLS_CHACHA20_POLY1305_SHA256",
    };

    /// <summary>
    /// After so many records a key is changed: AES-GCM may take 2^24.5 full ones, ChaCha20 as many as there are numbers.
    /// Source: RFC 8446, 5.5.
    /// </summary>
    internal static ulong RecordsMax(this RecordSuite suite) => suite == RecordSuite.ChaCha20Poly1305 ? 1UL << 48 : 1UL << 24;
}
