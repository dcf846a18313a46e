using System.Runtime.InteropServices;

namespace FastPool.Native;

/// <summary>
/// The functions of libssl and libcrypto that we call, one line each. Bound at the first call, to OpenSSL 3 or else 1.1: a
/// process that meets no TLS never loads them.
/// </summary>
internal static unsafe partial class OpenSsl
{
    private const string Ssl = SystemLibraries.Ssl;
    private const string Crypto = SystemLibraries.Crypto;

    // ---- library ----------------------------------------------------------------------------------------------------

    [LibraryImport(Ssl)] internal static partial int OPENSSL_init_ssl(ulong options, nint settings);
    [LibraryImport(Crypto)] internal static partial byte* OpenSSL_version(int type);
    [LibraryImport(Crypto)] internal static partial nuint ERR_get_error();
    [LibraryImport(Crypto)] internal static partial void ERR_clear_error();
    [LibraryImport(Crypto)] internal static partial void ERR_error_string_n(nuint error, byte* text, nuint length);
    [LibraryImport(Crypto)] internal static partial byte* ERR_reason_error_string(nuint error);

    // ---- contexts ---------------------------------------------------------------------------------------------------

    [LibraryImport(Ssl)] internal static partial nint TLS_server_method();
    [LibraryImport(Ssl)] internal static partial nint TLS_client_method();
    [LibraryImport(Ssl)] internal static partial nint SSL_CTX_new(nint method);
    [LibraryImport(Ssl)] internal static partial void SSL_CTX_free(nint context);
    [LibraryImport(Ssl)] internal static partial nint SSL_CTX_ctrl(nint context, int command, nint number, void* argument);
    [LibraryImport(Ssl)] internal static partial ulong SSL_CTX_set_options(nint context, ulong options);
    [LibraryImport(Ssl)] internal static partial ulong SSL_CTX_clear_options(nint context, ulong options);
    [LibraryImport(Ssl)] internal static partial int SSL_CTX_set_cipher_list(nint context, byte* list);
    [LibraryImport(Ssl)] internal static partial int SSL_CTX_set_ciphersuites(nint context, byte* list);
    [LibraryImport(Ssl)] internal static partial int SSL_CTX_set_num_tickets(nint context, nuint count);
    [LibraryImport(Ssl)] internal static partial int SSL_CTX_use_certificate_chain_file(nint context, byte* file);
    [LibraryImport(Ssl)] internal static partial int SSL_CTX_use_PrivateKey_file(nint context, byte* file, int type);
    [LibraryImport(Ssl)] internal static partial int SSL_CTX_load_verify_locations(nint context, byte* file, byte* directory);
    [LibraryImport(Ssl)] internal static partial int SSL_CTX_set_default_verify_paths(nint context);
    [LibraryImport(Ssl)] internal static partial nint SSL_load_client_CA_file(byte* file);
    [LibraryImport(Ssl)] internal static partial void SSL_CTX_set_client_CA_list(nint context, nint names);
    [LibraryImport(Ssl)] internal static partial void SSL_CTX_set_verify(nint context, int mode, nint callback);
    [LibraryImport(Ssl)] internal static partial void SSL_CTX_set_verify_depth(nint context, int depth);
    [LibraryImport(Ssl)] internal static partial nint SSL_CTX_get0_certificate(nint context);
    [LibraryImport(Ssl)]
    internal static partial void SSL_CTX_set_default_passwd_cb(nint context, delegate* unmanaged<byte*, int,
        int, void*, int> callback);
    [LibraryImport(Ssl)]
    internal static partial void SSL_CTX_set_alpn_select_cb(nint context, delegate* unmanaged<nint, byte**,
        byte*, byte*, uint, void*, int> callback, void* argument);
    [LibraryImport(Ssl)] internal static partial int SSL_CTX_set_alpn_protos(nint context, byte* list, uint bytes);
    [LibraryImport(Ssl)]
    internal static partial void SSL_CTX_sess_set_new_cb(nint context, delegate* unmanaged<nint, nint,
        int> callback);

    // ---- connections ------------------------------------------------------------------------------------------------

    [LibraryImport(Ssl)] internal static partial nint SSL_new(nint context);
    [LibraryImport(Ssl)] internal static partial void SSL_free(nint ssl);
    [LibraryImport(Ssl)] internal static partial void SSL_set_bio(nint ssl, nint read, nint write);
    [LibraryImport(Ssl)] internal static partial void SSL_set_accept_state(nint ssl);
    [LibraryImport(Ssl)] internal static partial void SSL_set_connect_state(nint ssl);
    [LibraryImport(Ssl)] internal static partial int SSL_do_handshake(nint ssl);
    [LibraryImport(Ssl)] internal static partial int SSL_read(nint ssl, byte* buffer, int count);
    [LibraryImport(Ssl)] internal static partial int SSL_write(nint ssl, byte* buffer, int count);
    [LibraryImport(Ssl)] internal static partial int SSL_pending(nint ssl);
    [LibraryImport(Ssl)] internal static partial int SSL_shutdown(nint ssl);
    [LibraryImport(Ssl)] internal static partial void SSL_set_shutdown(nint ssl, int mode);
    [LibraryImport(Ssl)] internal static partial int SSL_get_error(nint ssl, int result);
    [LibraryImport(Ssl)] internal static partial nint SSL_ctrl(nint ssl, int command, nint number, void* argument);
    [LibraryImport(Ssl)] internal static partial byte* SSL_get_version(nint ssl);
    [LibraryImport(Ssl)] internal static partial void SSL_get0_alpn_selected(nint ssl, byte** name, uint* length);
    [LibraryImport(Ssl)] internal static partial nint SSL_get_current_cipher(nint ssl);
    [LibraryImport(Ssl)] internal static partial byte* SSL_CIPHER_get_name(nint cipher);
    [LibraryImport(Ssl)] internal static partial int SSL_set_session(nint ssl, nint session);
    [LibraryImport(Ssl)] internal static partial int SSL_session_reused(nint ssl);
    [LibraryImport(Ssl)] internal static partial void SSL_SESSION_free(nint session);

    // ---- streams of our own -----------------------------------------------------------------------------------------

    [LibraryImport(Crypto)] internal static partial nint BIO_meth_new(int type, byte* name);
    [LibraryImport(Crypto)]
    internal static partial int BIO_meth_set_read(nint method, delegate* unmanaged<nint, byte*, int,
        int> read);
    [LibraryImport(Crypto)]
    internal static partial int BIO_meth_set_write(nint method, delegate* unmanaged<nint, byte*, int,
        int> write);
    [LibraryImport(Crypto)]
    internal static partial int BIO_meth_set_ctrl(nint method, delegate* unmanaged<nint, int, nint, void*,
        nint> control);
    [LibraryImport(Crypto)] internal static partial nint BIO_new(nint method);
    [LibraryImport(Crypto)] internal static partial int BIO_up_ref(nint bio);
    [LibraryImport(Crypto)] internal static partial void BIO_set_init(nint bio, int isReady);
    [LibraryImport(Crypto)] internal static partial void BIO_set_data(nint bio, void* data);
    [LibraryImport(Crypto)] internal static partial void* BIO_get_data(nint bio);
    [LibraryImport(Crypto)] internal static partial void BIO_set_flags(nint bio, int flags);
    [LibraryImport(Crypto)] internal static partial void BIO_clear_flags(nint bio, int flags);

    // ---- certificates -----------------------------------------------------------------------------------------------

    [LibraryImport(Crypto)] internal static partial void X509_free(nint certificate);
    [LibraryImport(Crypto)]
    internal static partial int X509_check_host(nint certificate, byte* name, nuint length, uint flags,
        byte** matched);
    [LibraryImport(Crypto)] internal static partial int X509_check_ip_asc(nint certificate, byte* address, uint flags);
    [LibraryImport(Crypto)] internal static partial nint X509_get_subject_name(nint certificate);
    [LibraryImport(Crypto)] internal static partial int X509_NAME_get_index_by_NID(nint name, int nid, int after);
    [LibraryImport(Crypto)] internal static partial nint X509_NAME_get_entry(nint name, int index);
    [LibraryImport(Crypto)] internal static partial nint X509_NAME_ENTRY_get_data(nint entry);
    [LibraryImport(Crypto)] internal static partial int ASN1_STRING_length(nint text);
    [LibraryImport(Crypto)] internal static partial byte* ASN1_STRING_get0_data(nint text);
    [LibraryImport(Crypto)] internal static partial int ASN1_STRING_to_UTF8(byte** utf8, nint text);
    [LibraryImport(Crypto)] internal static partial void CRYPTO_free(void* memory, byte* file, int line);
    [LibraryImport(Crypto)] internal static partial nint X509_get_ext_d2i(nint certificate, int nid, int* isCritical, int* index);
    [LibraryImport(Crypto)] internal static partial int OPENSSL_sk_num(nint stack);
    [LibraryImport(Crypto)] internal static partial nint OPENSSL_sk_value(nint stack, int index);
    [LibraryImport(Crypto)] internal static partial nint GENERAL_NAME_get0_value(nint name, int* type);
    [LibraryImport(Crypto)] internal static partial void GENERAL_NAMES_free(nint names);
    [LibraryImport(Crypto)]
    internal static partial int X509_get_signature_info(nint certificate, int* digest, int* key,
        int* bits, uint* flags);
    [LibraryImport(Crypto)] internal static partial byte* OBJ_nid2sn(int nid);
    [LibraryImport(Crypto)] internal static partial nint EVP_get_digestbyname(byte* name);
    [LibraryImport(Crypto)] internal static partial int X509_digest(nint certificate, nint digest, byte* hash, uint* length);
    [LibraryImport(Crypto)] internal static partial void EVP_PKEY_free(nint key);
}
