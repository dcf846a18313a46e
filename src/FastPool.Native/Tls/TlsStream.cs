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
/// One connection's TLS in the library's hands (SSL): the handshake, and what follows it as long as the records are not ours.
/// </summary>
public sealed unsafe class TlsStream : TlsLayer
{
    private const int LibraryBytes = 14_000; // About what the library has taken for one connection.
    private const int ControlPeerKey = 109;
    private const int ControlServerName = 55;
    private const int WantRead = 2;
    private const int ZeroReturn = 6;
    private const int ShutdownBoth = 3;
    private const int ControlSharedGroup = 93;
    private const int ControlNegotiatedGroup = 134;
    private const int NidUnknown = 0x1000000;

    private nint _ssl;
    private string _text = "";
    private string _problem = "";
    private bool _isEstablished;
    private bool _isBroken;
    private bool _isPeerClosed;
    private TlsSecrets _secrets;
    private TlsRecords? _records;
    private bool _awaitsTickets;

    /// <param name="server">The server's name, under which sessions to resume are kept; null: nothing to resume.</param>
    /// <param name="serverName">Told to the server in plain (SNI); null: nothing is.</param>
    public TlsStream(TlsContext context, TlsTransfer transfer, string? server = null, string? serverName = null)
    {
        Context = context;
        ServerKey = server;
        _ssl = OpenSsl.SSL_new(context.Handle);
        Check.That(_ssl != 0);
        Use(transfer);
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

    public override bool IsEstablished => _isEstablished;

    public override bool IsBroken => _records?.IsBroken ?? _isBroken;

    public override bool IsPeerClosed => _records?.IsPeerClosed ?? _isPeerClosed;

    public override string Problem => _records?.Problem ?? _problem;

    public override string Text => _text;

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

    private void Use(TlsTransfer transfer)
    {
        _ = OpenSsl.BIO_up_ref(transfer.Bio); // SSL_set_bio takes one reference for both directions.
        OpenSsl.SSL_set_bio(_ssl, transfer.Bio, transfer.Bio);
    }

    public override void MoveTo(TlsTransfer transfer)
    {
        if (_ssl != 0) Use(transfer);
        _records?.MoveTo(transfer);
    }

    public override void Leave(TlsTransfer transfer) => _records?.Leave(transfer);

    /// <summary>The client's first flight.</summary>
    /// <returns>False with <see cref="Problem"/>.</returns>
    public bool Start(TlsTransfer transfer) => Receive(transfer, default, default, out _) != TlsOutcome.Failed;

    public override TlsOutcome Receive(TlsTransfer transfer, ReadOnlySpan<byte> cipher, Span<byte> plain, out int count)
    {
        count = 0;
        if (_records is not null) return ReceiveOwn(transfer, cipher, plain, out count);
        if (_isBroken) return TlsOutcome.Failed;
        InCall = this;
        fixed (byte* input = cipher)
        {
            transfer.BeginInput(input, cipher.Length);
            var outcome = _isEstablished ? TlsOutcome.Open : Shake(transfer);
            if (_isEstablished && outcome != TlsOutcome.Failed)
            {
                var read = _records is null ? Read(transfer, plain, ref count)
                    : ReceiveOwn(transfer, cipher[^transfer.TakeInput()..], plain, out count);
                if (read != TlsOutcome.Open) outcome = read;
            }
            Check.That(outcome == TlsOutcome.Failed || IsPeerClosed || transfer.InputCount == 0);
            transfer.EndInput();
            return outcome;
        }
    }

    private TlsOutcome Shake(TlsTransfer transfer)
    {
        var said = transfer.Output.Length;
        var result = OpenSsl.SSL_do_handshake(_ssl);
        if (result == 1)
        {
            _isEstablished = true;
            _text = string.Intern(TextNow());
            if (Context.HasOwnRecords) BeginOwn(transfer, said);
            return TlsOutcome.Established;
        }
        if (OpenSsl.SSL_get_error(_ssl, result) == WantRead) return TlsOutcome.Open;
        return Fail("handshake failed: ");
    }

    private TlsOutcome Read(TlsTransfer transfer, Span<byte> plain, ref int count)
    {
        fixed (byte* at = plain)
        {
            while (transfer.InputCount > 0 || OpenSsl.SSL_pending(_ssl) > 0)
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
                    case WantRead when transfer.InputCount == 0: return TlsOutcome.Open;
                    case WantRead: continue;
                    case ZeroReturn:
                        _isPeerClosed = true;
                        return TlsOutcome.Closed;
                    default: return Fail("read failed: ");
                }
            }
        }
        return TlsOutcome.Open;
    }

    public override bool Write(TlsTransfer transfer, ReadOnlySpan<byte> plain)
    {
        Check.That(plain.Length is > 0 and <= TlsTransfer.PlainBytesMax);
        if (_records is not null) return _records.Write(transfer, plain);
        if (_isBroken || !_isEstablished) return false;
        if (ServerKey is not null) InCall = this;
        fixed (byte* bytes = plain)
        {
            if (OpenSsl.SSL_write(_ssl, bytes, plain.Length) == plain.Length) return true;
        }
        Fail("write failed: ");
        return false;
    }

    public override void SayGoodbye(TlsTransfer transfer)
    {
        if (!_isEstablished || IsBroken) return;
        if (_records is not null)
        {
            _records.SayGoodbye(transfer);
            return;
        }
        if (ServerKey is not null) InCall = this;
        if (OpenSsl.SSL_shutdown(_ssl) < 0) OpenSsl.ERR_clear_error();
    }

    public override void Free(TlsTransfer transfer)
    {
        FreeLibrary();
        _secrets.Forget();
        _records?.Free(transfer);
        _isBroken = true;
    }

    private void FreeLibrary()
    {
        if (_ssl == 0) return;
        if (ReferenceEquals(InCall, this)) InCall = null;
        // An end without close_notify would spoil the session for later connections that resume it.
        if (_isEstablished && !_isBroken) OpenSsl.SSL_set_shutdown(_ssl, ShutdownBoth);
        OpenSsl.SSL_free(_ssl);
        GivenUp.AddNative(LibraryBytes);
        _ssl = 0;
    }

    private TlsOutcome Fail(string what)
    {
        _isBroken = true;
        _problem = what + TlsLibrary.TakeError();
        return TlsOutcome.Failed;
    }

    // ---- records of our own -----------------------------------------------------------------------------------------

    /// <inheritdoc cref="TlsContextOptions.HasOwnRecords"/>
    internal void TakeSecret(ReadOnlySpan<byte> line) => _secrets.Take(line, Context.IsServer);

    /// <summary>
    /// The handshake is done, and the library has read no byte behind it: from here on the records are ours, unless one of us
    /// cannot. Of the library only the ear for a server's tickets is left.
    /// </summary>
    /// <param name="said">Of the output, what the last step of the handshake did not write.</param>
    private void BeginOwn(TlsTransfer transfer, int said)
    {
        const uint isFragmentLength = 1;
        var suite = _text.StartsWith("TLSv1.3/", StringComparison.Ordinal)
            ? RecordSuites.Of(OpenSsl.SSL_CIPHER_get_id(OpenSsl.SSL_get_current_cipher(_ssl))) : RecordSuite.None;
        var isFit = suite != RecordSuite.None && OpenSsl.SSL_has_pending(_ssl) == 0 && transfer.Ciphers.Knows(suite)
            && OpenSsl.SSL_SESSION_get_max_fragment_length(OpenSsl.SSL_get_session(_ssl)) < isFragmentLength;
        // A server's last step is to write tickets, which are its first records under these keys; a client has written none.
        var sent = Context.IsServer ? CountRecords(transfer.Output[said..]) : 0;
        _records = isFit ? _secrets.TryBegin(suite, Context.IsServer, sent) : null;
        _secrets.Forget();
        if (_records is null) return;
        _awaitsTickets = Context.TakesTickets && ServerKey is not null;
    }

    private static ulong CountRecords(ReadOnlySpan<byte> output)
    {
        ulong count = 0;
        for (; output is [_, _, _, var high, var low, ..]; count++)
            output = output[Math.Min(TlsRecords.HeaderBytes + ((high << 8) | low), output.Length)..];
        return count;
    }

    private TlsOutcome ReceiveOwn(TlsTransfer transfer, ReadOnlySpan<byte> cipher, Span<byte> plain, out int count) =>
        _records!.Receive(transfer, cipher, plain, out count, _awaitsTickets ? this : null);

    /// <summary>
    /// A record of handshake messages, all before it having been such, and read by the library too: the ticket in it is kept for
    /// the next connection. The library says nothing any more; what it would say is ours to say.
    /// </summary>
    /// <returns>False: it is no ticket.</returns>
    internal bool TryTakeTicket(TlsTransfer transfer, ReadOnlySpan<byte> record)
    {
        if (!_awaitsTickets) return true;
        InCall = this;
        var said = transfer.Output.Length;
        fixed (byte* input = record)
        {
            byte nothing;
            transfer.BeginInput(input, record.Length);
            var result = OpenSsl.SSL_read(_ssl, &nothing, 1);
            var isTaken = result <= 0 && OpenSsl.SSL_get_error(_ssl, result) == WantRead && transfer.InputCount == 0;
            transfer.EndInput();
            transfer.Withdraw(said);
            if (isTaken) return true;
        }
        OpenSsl.ERR_clear_error();
        EndTickets();
        return false;
    }

    /// <summary>Something else has come: the library would not understand the next record.</summary>
    internal void EndTickets() => _awaitsTickets = false;

    public override TlsLayer Settle()
    {
        if (_records is null || _awaitsTickets) return this;
        FreeLibrary();
        return _records;
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
