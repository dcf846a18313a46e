using System.Runtime.InteropServices;

namespace FastPool.Native;

/// <summary>The calls for our own records: AEAD ciphers, the hash of the key schedule, and what the handshake tells.</summary>
internal static unsafe partial class OpenSsl
{
    [LibraryImport(Crypto)] internal static partial nint EVP_aes_128_gcm();
    [LibraryImport(Crypto)] internal static partial nint EVP_aes_256_gcm();
    [LibraryImport(Crypto)] internal static partial nint EVP_chacha20_poly1305();
    [LibraryImport(Crypto)] internal static partial nint EVP_sha256();
    [LibraryImport(Crypto)] internal static partial nint EVP_sha384();
    [LibraryImport(Crypto)] internal static partial nint EVP_CIPHER_CTX_new();
    [LibraryImport(Crypto)]
    internal static partial int EVP_CipherInit_ex(nint context, nint cipher, nint engine, byte* key, byte* nonce, int seals);
    [LibraryImport(Crypto)]
    internal static partial int EVP_CipherUpdate(nint context, byte* output, int* written, byte* input, int count);

    // Of a context that is prepared, for few bytes: under a microsecond, without a lock or a call back. Six of them are a record.
    [SuppressGCTransition, LibraryImport(Crypto, EntryPoint = nameof(EVP_CipherInit_ex))]
    internal static partial int BeginRecord(nint context, nint cipher, nint engine, byte* key, byte* nonce, int seals);
    [SuppressGCTransition, LibraryImport(Crypto, EntryPoint = nameof(EVP_CipherUpdate))]
    internal static partial int UpdateShort(nint context, byte* output, int* written, byte* input, int count);
    [SuppressGCTransition, LibraryImport(Crypto)]
    internal static partial int EVP_CipherFinal_ex(nint context, byte* output, int* written);
    [SuppressGCTransition, LibraryImport(Crypto)]
    internal static partial int EVP_CIPHER_CTX_ctrl(nint context, int command, int number, void* bytes);

    [LibraryImport(Crypto)]
    internal static partial byte* HMAC(nint hash, byte* key, int keyBytes, byte* data, nuint dataBytes, byte* mac,
        uint* macBytes);

    [LibraryImport(Ssl)]
    internal static partial void SSL_CTX_set_keylog_callback(nint context, delegate* unmanaged<nint, byte*, void> callback);
    [LibraryImport(Ssl)] internal static partial int SSL_has_pending(nint ssl);
    [LibraryImport(Ssl)] internal static partial uint SSL_CIPHER_get_id(nint cipher);
    [LibraryImport(Ssl)] internal static partial nint SSL_get_session(nint ssl);
    [LibraryImport(Ssl)] internal static partial byte SSL_SESSION_get_max_fragment_length(nint session);
}
