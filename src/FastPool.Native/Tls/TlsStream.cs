using FastPool.Base;

namespace FastPool.Native;

/// <summary>The result of a receive.</summary>
public enum TlsOutcome
{
    /// <summary>Go on; there may be plaintext.</summary>
    Open,
    /// <summary>The handshake is done with this; nothing of what is behind it has been read yet.</summary>
    Established,
    /// <summary>The peer says good-bye, perhaps behind a last plaintext.</summary>
    Closed,
    /// <summary>See <see cref="TlsStream.Problem"/>; an alert for the peer may be in the output.</summary>
    Failed,
}

/// <summary>
/// One connection's TLS (SSL): ciphertext in, plaintext out, and the other way round. It holds no more than a record that
/// has come in part. Belongs to the thread of its <see cref="TlsTransfer"/>; freed by who made it.
/// </summary>
public sealed unsafe class TlsStream
{
    private const int ControlPeerKey = 109;
    private const int ControlServerName = 55;
    private const int WantRead = 2;
    private const int ZeroReturn = 6;
    private const int ShutdownBoth = 3;
    private const int ControlSharedGroup = 93;
    private const int ControlNegotiatedGroup = 134;
    private const int NidUnknown = 0x1000000;

    private nint _ssl;
    private TlsTransfer _transfer;

    /// <param name="server">Whom we connect to: the key of sessions to resume; null: nothing to resume.</param>
    /// <param name="serverName">Told to the server in plain (SNI); null: nothing is.</param>
    public TlsStream(TlsContext context, TlsTransfer transfer, string? server = null, string? serverName = null)
    {
        Context = context;
        _transfer = transfer;
        ServerKey = server;
        _ssl = OpenSsl.SSL_new(context.Handle);
        Check.That(_ssl != 0);
        UseTransfer();
        if (context.IsServer)
        {
            OpenSsl.SSL_set_accept_state(_ssl);
            return;
        }
        OpenSsl.SSL_set_connect_state(_ssl);
        if (server is not null) context.Resume(_ssl, server);
        if (serverName is null) return;
        fixed (byte* name = CText.Of(serverName)) OpenSsl.SSL_ctrl(_ssl, ControlServerName, 0, name);
    }

    /// <summary>The stream that is calling the library on this thread. Callbacks need it.</summary>
    [field: ThreadStatic]
    internal static TlsStream? InCall { get; private set; }

    internal TlsContext Context { get; }

    internal string? ServerKey { get; }

    /// <summary>The handshake is done: plaintext may be read and written.</summary>
    public bool IsEstablished { get; private set; }

    /// <summary>Neither side may say anything more.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>The peer has said good-bye.</summary>
    public bool IsPeerClosed { get; private set; }

    /// <summary>Why it failed, as PgBouncer's log has it: <c>handshake failed: error:…</c>.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>Version, cipher and key exchange, as in the tls column; "" before the handshake is done.</summary>
    public string Text { get; private set; } = "";

    /// <summary>An earlier session went on: no certificate was shown again.</summary>
    public bool IsResumed => OpenSsl.SSL_session_reused(_ssl) == 1;

    /// <summary>Both sides have said that they speak PostgreSQL (ALPN).</summary>
    public bool HasProtocol
    {
        get
        {
            byte* name = null;
            uint length = 0;
            OpenSsl.SSL_get0_alpn_selected(_ssl, &name, &length);
            return length > 0; // There is only one that we take.
        }
    }

    private void UseTransfer()
    {
        _ = OpenSsl.BIO_up_ref(_transfer.Bio); // SSL_set_bio takes one reference for both directions.
        OpenSsl.SSL_set_bio(_ssl, _transfer.Bio, _transfer.Bio);
    }

    /// <summary>Goes on, on another thread.</summary>
    public void MoveTo(TlsTransfer transfer)
    {
        _transfer = transfer;
        UseTransfer();
    }

    /// <summary>The client's first flight.</summary>
    /// <returns>False with <see cref="Problem"/>.</returns>
    public bool Start() => Receive(default, default, out _) != TlsOutcome.Failed;

    /// <summary>
    /// Takes all the ciphertext. The bytes to send in return are in the transfer's output afterwards, whatever the outcome.
    /// </summary>
    /// <param name="plain">Room for the plaintext of all of it, and of a record that came in part before.</param>
    /// <param name="count">Bytes of plaintext.</param>
    public TlsOutcome Receive(ReadOnlySpan<byte> cipher, Span<byte> plain, out int count)
    {
        count = 0;
        if (IsBroken) return TlsOutcome.Failed;
        if (ServerKey is not null) InCall = this;
        fixed (byte* input = cipher)
        {
            _transfer.BeginInput(input, cipher.Length);
            var outcome = IsEstablished ? TlsOutcome.Open : Shake();
            if (IsEstablished && outcome != TlsOutcome.Failed)
            {
                var read = Read(plain, ref count);
                if (read != TlsOutcome.Open) outcome = read;
            }
            Check.That(outcome == TlsOutcome.Failed || IsPeerClosed || _transfer.InputCount == 0);
            _transfer.EndInput();
            return outcome;
        }
    }

    private TlsOutcome Shake()
    {
        var result = OpenSsl.SSL_do_handshake(_ssl);
        if (result == 1)
        {
            IsEstablished = true;
            Text = string.Intern(TextNow());
            return TlsOutcome.Established;
        }
        if (OpenSsl.SSL_get_error(_ssl, result) == WantRead) return TlsOutcome.Open;
        return Fail("handshake failed: ");
    }

    private TlsOutcome Read(Span<byte> plain, ref int count)
    {
        fixed (byte* at = plain)
        {
            while (_transfer.InputCount > 0 || OpenSsl.SSL_pending(_ssl) > 0)
            {
                Check.That(count < plain.Length);
                var result = OpenSsl.SSL_read(_ssl, at + count, plain.Length - count);
                if (result > 0)
                {
                    count += result;
                    continue;
                }
                switch (OpenSsl.SSL_get_error(_ssl, result))
                {
                    case WantRead when _transfer.InputCount == 0: return TlsOutcome.Open;
                    case WantRead: continue;
                    case ZeroReturn:
                        IsPeerClosed = true;
                        return TlsOutcome.Closed;
                    default: return Fail("read failed: ");
                }
            }
        }
        return TlsOutcome.Open;
    }

    /// <summary>Encrypts, at most <see cref="TlsTransfer.PlainBytesMax"/> at once, into the transfer's output.</summary>
    /// <returns>False when that cannot be; <see cref="Problem"/> says why.</returns>
    public bool Write(ReadOnlySpan<byte> plain)
    {
        Check.That(plain.Length is > 0 and <= TlsTransfer.PlainBytesMax);
        if (IsBroken || !IsEstablished) return false;
        if (ServerKey is not null) InCall = this;
        fixed (byte* bytes = plain)
        {
            if (OpenSsl.SSL_write(_ssl, bytes, plain.Length) == plain.Length) return true;
        }
        Fail("write failed: ");
        return false;
    }

    /// <summary>Says good-bye, into the transfer's output.</summary>
    public void SayGoodbye()
    {
        if (!IsEstablished || IsBroken) return;
        if (ServerKey is not null) InCall = this;
        if (OpenSsl.SSL_shutdown(_ssl) < 0) OpenSsl.ERR_clear_error();
    }

    public void Free()
    {
        if (_ssl == 0) return;
        if (ReferenceEquals(InCall, this)) InCall = null;
        // An end without good-bye would spoil the session for those who resume it.
        if (IsEstablished && !IsBroken) OpenSsl.SSL_set_shutdown(_ssl, ShutdownBoth);
        OpenSsl.SSL_free(_ssl);
        _ssl = 0;
        IsBroken = true;
    }

    private TlsOutcome Fail(string what)
    {
        IsBroken = true;
        Problem = what + TlsLibrary.TakeError();
        return TlsOutcome.Failed;
    }

    // ---- about the peer ---------------------------------------------------------------------------------------------

    /// <summary>
    /// The names in the peer's certificate, which has been verified if the context asks for that; null: it has shown none.
    /// </summary>
    public IReadOnlyList<string>? PeerNames()
    {
        var certificate = TlsLibrary.CertificateOfPeer(_ssl);
        if (certificate == 0) return null;
        var names = TlsCertificate.NamesOf(certificate);
        OpenSsl.X509_free(certificate);
        return names;
    }

    /// <summary>Whether the peer's certificate was made out to this host name or address.</summary>
    public bool IsPeer(string host)
    {
        var certificate = TlsLibrary.CertificateOfPeer(_ssl);
        if (certificate == 0) return false;
        var isFor = TlsCertificate.IsFor(certificate, host);
        OpenSsl.X509_free(certificate);
        return isFor;
    }

    /// <summary>The hash of the server's certificate, ours or the peer's, for tls-server-end-point; null: it has none.</summary>
    public byte[]? EndPoint()
    {
        if (Context.IsServer) return Context.OwnEndPoint;
        var certificate = TlsLibrary.CertificateOfPeer(_ssl);
        if (certificate == 0) return null;
        var hash = TlsCertificate.EndPointHash(certificate);
        OpenSsl.X509_free(certificate);
        return hash;
    }

    private string TextNow()
    {
        var version = TlsLibrary.Text(OpenSsl.SSL_get_version(_ssl));
        var cipher = TlsLibrary.Text(OpenSsl.SSL_CIPHER_get_name(OpenSsl.SSL_get_current_cipher(_ssl)));
        var exchange = version == "TLSv1.3" ? ""
            : cipher.StartsWith("ECDHE-", StringComparison.Ordinal) ? Curve()
            : cipher.StartsWith("DHE-", StringComparison.Ordinal) ? FiniteField()
            : "";
        return $"{version}/{cipher}{exchange}";
    }

    /// <summary>OpenSSL 1.1 knows only what both sides have in common, and only on the server's side.</summary>
    private string Curve()
    {
        var nid = OpenSsl.SSL_ctrl(_ssl, ControlNegotiatedGroup, 0, null);
        if (nid <= 0) nid = OpenSsl.SSL_ctrl(_ssl, ControlSharedGroup, 0, null);
        return nid is > 0 and < NidUnknown ? "/ECDH=" + TlsLibrary.Text(OpenSsl.OBJ_nid2sn((int)nid)) : "";
    }

    private string FiniteField()
    {
        nint key = 0;
        if (OpenSsl.SSL_ctrl(_ssl, ControlPeerKey, 0, &key) != 1 || key == 0) return "";
        var bits = TlsLibrary.KeyBits(key);
        OpenSsl.EVP_PKEY_free(key);
        return $"/DH={bits}";
    }
}
