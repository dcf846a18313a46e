using System.Runtime.InteropServices;
using System.Text;

namespace FastPool.Native;

/// <summary>The TLS library of the system: loaded at the first need, for good. Any thread.</summary>
public static unsafe class TlsLibrary
{
    private const ulong NoCleanUpAtExit = 0x80000;
    private const ulong LoadErrorTexts = 0x200000;
    private const uint SslErrors = 20;
    private const int ErrorTextBytes = 256;

    private static readonly Lock Gate = new();
    private static volatile bool _isLoaded;
    private static nint _certificateOfPeer;
    private static nint _keyBits;
    private static int _errorLibraryShift;

    /// <summary>As <c>OpenSSL 3.0.19 27 Jan 2026</c>; null as long as it is not loaded.</summary>
    public static string? Version => _isLoaded ? Text(OpenSsl.OpenSSL_version(0)) : null;

    /// <returns>False: there is none on this system.</returns>
    public static bool TryLoad()
    {
        if (_isLoaded) return true;
        lock (Gate)
        {
            if (_isLoaded) return true;
            var ssl = SystemLibraries.Load(SystemLibraries.Ssl);
            var crypto = SystemLibraries.Load(SystemLibraries.Crypto);
            if (ssl == 0 || crypto == 0) return false;
            _certificateOfPeer = Export(ssl, "SSL_get1_peer_certificate", "SSL_get_peer_certificate");
            _keyBits = Export(crypto, "EVP_PKEY_get_bits", "EVP_PKEY_bits");
            _errorLibraryShift = NativeLibrary.TryGetExport(crypto, "EVP_CIPHER_fetch", out _) ? 23 : 24; // Of 3, and of 1.1.
            _ = OpenSsl.OPENSSL_init_ssl(NoCleanUpAtExit | LoadErrorTexts, 0); // Loops may be inside while the process exits.
            _isLoaded = true;
            return true;
        }
    }

    private static nint Export(nint library, string name, string olderName) =>
        NativeLibrary.TryGetExport(library, name, out var address)
            || NativeLibrary.TryGetExport(library, olderName, out address) ? address : 0;

    /// <summary>The peer's certificate, to be freed; 0: none.</summary>
    internal static nint CertificateOfPeer(nint ssl) => ((delegate* unmanaged<nint, nint>)_certificateOfPeer)(ssl);

    internal static int KeyBits(nint key) => ((delegate* unmanaged<nint, int>)_keyBits)(key);

    /// <summary>
    /// The first error that the library noted on this thread, as <c>error:0A000086:SSL routines::certificate verify failed</c>;
    /// the rest is forgotten.
    /// </summary>
    internal static string TakeError()
    {
        var error = OpenSsl.ERR_get_error();
        OpenSsl.ERR_clear_error();
        if (error == 0) return "unknown error";
        var text = stackalloc byte[ErrorTextBytes];
        OpenSsl.ERR_error_string_n(error, text, ErrorTextBytes);
        return Text(text);
    }

    /// <summary>The text that the library would have noted for this reason, one of SSL_R_….</summary>
    internal static string ErrorText(int reason)
    {
        var text = stackalloc byte[ErrorTextBytes];
        OpenSsl.ERR_error_string_n((nuint)((SslErrors << _errorLibraryShift) | (uint)reason), text, ErrorTextBytes);
        return Text(text);
    }

    /// <summary>
    /// The reason alone of what the library noted first on this thread, as <c>no start line</c>; the rest is forgotten.
    /// </summary>
    internal static string TakeReason()
    {
        var error = OpenSsl.ERR_get_error();
        OpenSsl.ERR_clear_error();
        return OpenSsl.ERR_reason_error_string(error) is var reason && reason is not null ? Text(reason) : "unknown error";
    }

    internal static string Text(byte* text) =>
        text is null ? "" : Encoding.Latin1.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
}
