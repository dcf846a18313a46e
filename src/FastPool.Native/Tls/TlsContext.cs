using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastPool.Base;

namespace FastPool.Native;

/// <summary>
/// Certificates, keys and rules that many connections share (SSL_CTX). Immutable; streams made of it keep it alive on
/// the library's side, so it may be dropped at any time. Any thread.
/// </summary>
public sealed unsafe class TlsContext
{
    private const int ControlMode = 33;
    private const int ControlSessionCache = 44;
    private const int ControlGroups = 92;
    private const int ControlDhAuto = 118;
    private const int ControlMinVersion = 123;
    private const int ControlMaxVersion = 124;
    private const int ModeReleaseBuffers = 0x10;
    private const int SessionCacheOff = 0;
    private const int SessionCacheClientOnlyByCallback = 0x1 | 0x100 | 0x200;
    private const ulong NoCompression = 0x20000;
    private const ulong ServerPreference = 0x400000;
    private const ulong NoRenegotiation = 0x40000000;
    private const ulong NoTicket = 0x4000;
    private const ulong NoTls10 = 0x04000000;
    private const ulong NoTls11 = 0x10000000;
    private const ulong NoTls12 = 0x08000000;
    private const ulong NoTls13 = 0x20000000;
    private const int Pem = 1;
    private const int VerifyPeer = 1;
    private const int VerifyFailWithout = 2;
    private const int DepthMax = 6;

    private readonly ConcurrentDictionary<string, nint>? _sessions;

    /// <exception cref="TlsContextException">The library, a file or a word is not usable.</exception>
    public TlsContext(TlsContextOptions options)
    {
        if (!TlsLibrary.TryLoad()) throw new TlsContextException(TlsContextFault.Library, "libssl.so.3 not found");
        OpenSsl.ERR_clear_error();
        IsServer = options.IsServer;
        HasOwnRecords = options.HasOwnRecords && options.Versions.HasFlag(TlsVersions.Tls13);
        Handle = OpenSsl.SSL_CTX_new(options.IsServer ? OpenSsl.TLS_server_method() : OpenSsl.TLS_client_method());
        if (Handle == 0) throw Fault(TlsContextFault.Library);
        if (options.HasResumption) _sessions = new();
        SetVersions(options.Versions);
        SetHabits(options);
        SetCiphers(options);
        SetVerify(options);
        SetCertificate(options);
        if (IsServer && OpenSsl.SSL_CTX_get0_certificate(Handle) is var own and not 0)
            OwnEndPoint = TlsCertificate.EndPointHash(own);
    }

    ~TlsContext()
    {
        OpenSsl.SSL_CTX_free(Handle);
        if (_sessions is null) return;
        foreach (var session in _sessions.Values) OpenSsl.SSL_SESSION_free(session);
    }

    internal nint Handle { get; }

    public bool IsServer { get; }

    /// <inheritdoc cref="TlsContextOptions.HasOwnRecords"/>
    internal bool HasOwnRecords { get; }

    /// <summary>Servers give tickets, with which the next connection goes on.</summary>
    internal bool TakesTickets => !IsServer && _sessions is not null;

    /// <summary>
    /// The hash of our own certificate that clients bind their SCRAM exchange to (tls-server-end-point); null: it has none.
    /// </summary>
    public byte[]? OwnEndPoint { get; }

    private void SetVersions(TlsVersions versions)
    {
        ReadOnlySpan<(TlsVersions Version, int Number, ulong Without)> all =
        [
            (TlsVersions.Tls10, 0x301, NoTls10), (TlsVersions.Tls11, 0x302, NoTls11), (TlsVersions.Tls12, 0x303, NoTls12),
                (TlsVersions.Tls13, 0x304, NoTls13),
        ];
        var (least, most) = (0, 0);
        ulong without = 0;
        foreach (var (version, number, no) in all)
        {
            if (!versions.HasFlag(version))
            {
                without |= no;
                continue;
            }
            if (least == 0) least = number;
            most = number;
        }
        OpenSsl.SSL_CTX_clear_options(Handle, NoTls10 | NoTls11 | NoTls12 | NoTls13);
        OpenSsl.SSL_CTX_set_options(Handle, without);
        OpenSsl.SSL_CTX_ctrl(Handle, ControlMinVersion, least, null);
        OpenSsl.SSL_CTX_ctrl(Handle, ControlMaxVersion, most, null);
    }

    private void SetHabits(TlsContextOptions options)
    {
        OpenSsl.SSL_CTX_ctrl(Handle, ControlMode, ModeReleaseBuffers, null); // An idle connection keeps no record buffers.
        OpenSsl.SSL_CTX_set_options(Handle, NoCompression | NoRenegotiation | (IsServer ? ServerPreference : 0)
            | (options.HasResumption ? 0 : NoTicket));
        OpenSsl.SSL_CTX_set_default_passwd_cb(Handle, &NoPassword);
        if (HasOwnRecords) OpenSsl.SSL_CTX_set_keylog_callback(Handle, &TakeSecret);
        if (IsServer)
        {
            OpenSsl.SSL_CTX_set_alpn_select_cb(Handle, &SelectProtocol, null);
            if (options.HasResumption) return;
            OpenSsl.SSL_CTX_ctrl(Handle, ControlSessionCache, SessionCacheOff, null);
            _ = OpenSsl.SSL_CTX_set_num_tickets(Handle, 0);
        }
        else
        {
            OpenSsl.SSL_CTX_ctrl(Handle, ControlSessionCache, options.HasResumption ? SessionCacheClientOnlyByCallback
                : SessionCacheOff, null);
            if (options.HasResumption) OpenSsl.SSL_CTX_sess_set_new_cb(Handle, &KeepSession);
            if (!options.OffersProtocol) return;
            var offer = "\u000apostgresql"u8; // Its length, then the name.
            fixed (byte* list = offer) _ = OpenSsl.SSL_CTX_set_alpn_protos(Handle, list, (uint)offer.Length);
        }
    }

    private void SetCiphers(TlsContextOptions options)
    {
        var list = options.Ciphers;
        if (!options.HasCurves) list = (list.Length > 0 ? list : "DEFAULT") + ":!kECDHE:!kECDHEPSK";
        if (!options.HasFiniteFields) list = (list.Length > 0 ? list : "DEFAULT") + ":!kDHE:!kDHEPSK";
        fixed (byte* text = CText.Of(list))
        {
            if (list.Length > 0 && OpenSsl.SSL_CTX_set_cipher_list(Handle, text) != 1) throw Fault(TlsContextFault.Ciphers);
        }
        if (options.Tls13Ciphers.Length > 0 && options.Versions.HasFlag(TlsVersions.Tls13))
        {
            fixed (byte* text = CText.Of(options.Tls13Ciphers))
            {
                if (OpenSsl.SSL_CTX_set_ciphersuites(Handle, text) != 1) throw Fault(TlsContextFault.Tls13Ciphers);
            }
        }
        if (options.HasFiniteFields && IsServer) OpenSsl.SSL_CTX_ctrl(Handle, ControlDhAuto, 1, null);
        if (options.Groups.Length == 0) return;
        fixed (byte* text = CText.Of(options.Groups))
        {
            if (OpenSsl.SSL_CTX_ctrl(Handle, ControlGroups, 0, text) != 1) throw Fault(TlsContextFault.Groups);
        }
    }

    private void SetVerify(TlsContextOptions options)
    {
        var mode =
            options.Verify switch { TlsVerify.None => 0, TlsVerify.IfGiven => VerifyPeer, _ => VerifyPeer | VerifyFailWithout };
        OpenSsl.SSL_CTX_set_verify(Handle, mode, 0);
        OpenSsl.SSL_CTX_set_verify_depth(Handle, DepthMax);
        if (mode == 0) return;
        if (options.CaFile.Length == 0)
        {
            _ = OpenSsl.SSL_CTX_set_default_verify_paths(Handle);
            return;
        }
        fixed (byte* file = CText.Of(options.CaFile))
        {
            if (OpenSsl.SSL_CTX_load_verify_locations(Handle, file, null) != 1)
                throw FileFault(TlsContextFault.Ca, options.CaFile);
            if (IsServer && OpenSsl.SSL_load_client_CA_file(file) is var names and not 0)
                OpenSsl.SSL_CTX_set_client_CA_list(Handle, names);
        }
    }

    private void SetCertificate(TlsContextOptions options)
    {
        if (options.CertFile.Length > 0)
        {
            fixed (byte* file = CText.Of(options.CertFile))
            {
                if (OpenSsl.SSL_CTX_use_certificate_chain_file(Handle, file) != 1)
                    throw FileFault(TlsContextFault.Certificate, options.CertFile);
            }
        }
        if (options.KeyFile.Length == 0) return;
        fixed (byte* file = CText.Of(options.KeyFile))
        {
            if (OpenSsl.SSL_CTX_use_PrivateKey_file(Handle, file, Pem) != 1)
                throw FileFault(TlsContextFault.Key, options.KeyFile);
        }
    }

    private static TlsContextException Fault(TlsContextFault fault) => new(fault, TlsLibrary.TakeError());

    /// <summary>
    /// For a file that cannot be opened, what the system says of it: the library's word is only that it failed.
    /// </summary>
    private static TlsContextException FileFault(TlsContextFault fault, string file)
    {
        var detail = TlsLibrary.TakeReason();
        try
        {
            File.OpenHandle(file).Dispose();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            detail = Errno.Text(Errno.ENOENT);
        }
        catch (UnauthorizedAccessException)
        {
            detail = Errno.Text(Errno.EACCES);
        }
        catch (IOException)
        {
            // The library's word it is.
        }
        return new TlsContextException(fault, detail);
    }

    // ---- sessions to resume -----------------------------------------------------------------------------------------

    /// <summary>Gives the connection the last session with the same server, if there is one.</summary>
    internal void Resume(nint ssl, string server)
    {
        // One use each: no two connections share a ticket.
        if (_sessions is null || !_sessions.TryRemove(server, out var session)) return;
        _ = OpenSsl.SSL_set_session(ssl, session);
        OpenSsl.SSL_SESSION_free(session);
    }

    private void Keep(string server, nint session)
    {
        if (_sessions!.TryRemove(server, out var older)) OpenSsl.SSL_SESSION_free(older);
        if (!_sessions.TryAdd(server, session)) OpenSsl.SSL_SESSION_free(session);
    }

    /// <returns>1: the session's reference is ours.</returns>
    [UnmanagedCallersOnly]
    private static int KeepSession(nint ssl, nint session)
    {
        if (TlsStream.InCall is not { Context._sessions: not null, ServerKey: { } key } stream) return 0;
        stream.Context.Keep(key, session);
        return 1;
    }

    // ---- callbacks --------------------------------------------------------------------------------------------------

    /// <summary>A secret of the handshake under way on this thread. It goes to that connection, and nowhere else.</summary>
    [UnmanagedCallersOnly]
    private static void TakeSecret(nint ssl, byte* line) =>
        TlsStream.InCall?.TakeSecret(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(line));

    /// <summary>A key file with a pass phrase fails instead of asking a terminal.</summary>
    [UnmanagedCallersOnly]
    private static int NoPassword(byte* buffer, int size, int isForWriting, void* argument) => -1;

    /// <summary>Of the protocols that the client offers, PostgreSQL's; none in common ends the handshake.</summary>
    [UnmanagedCallersOnly]
    private static int SelectProtocol(nint ssl, byte** selected, byte* selectedLength, byte* offered, uint length, void* argument)
    {
        const int ok = 0;
        const int fatal = 2;
        var list = new ReadOnlySpan<byte>(offered, (int)length);
        for (var at = 0; at < list.Length; at += list[at] + 1)
        {
            var name = list[(at + 1)..Math.Min(at + 1 + list[at], list.Length)];
            if (!name.SequenceEqual("postgresql"u8)) continue;
            *selected = offered + at + 1;
            *selectedLength = (byte)name.Length;
            return ok;
        }
        return fatal;
    }
}
