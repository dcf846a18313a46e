using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>A server on its way in: TLS and login.</summary>
internal sealed partial class ServerConnection
{
    // ---- TLS ------------------------------------------------------------------------------------------------------

    /// <summary>By the database and the user of the pool, as they are at this moment.</summary>
    private void BeginSession()
    {
        var settings = _loop.Registry.Settings;
        _tls = settings.ServerTls(Plan!.Entry, settings.Users.GetValueOrDefault(Session.Pool.ServerUserName));
        if (Session.Remote.IsUnix || _tls.Sslmode == SslMode.Disable) BeginLogin();
        else if (_tls.IsDirect) BeginTls();
        else AskForTls();
    }

    private void AskForTls()
    {
        _awaitsTlsAnswer = true;
        if (!_loop.Engine.Send(this, PreparedMessages.SSLRequest)) Close("server conn crashed?", mayTerminate: false);
    }

    /// <returns>True: all that has come is dealt with.</returns>
    private bool OnTlsAnswer(ReadOnlySpan<byte> received)
    {
        if (received is not [var answer, .. var more]) return false;
        _awaitsTlsAnswer = false;
        if (answer is not ((byte)'S' or (byte)'N')) Close("bad sslreq answer", mayTerminate: false);
        else if (!more.IsEmpty) Close("received unencrypted data after SSL response", mayTerminate: false);
        else if (answer == 'S') BeginTls();
        else if (_tls!.Sslmode >= SslMode.Require) Close("server refused SSL", mayTerminate: false);
        else BeginLogin();
        return true;
    }

    private void BeginTls()
    {
        var tls = _tls!;
        try
        {
            var host = HostName;
            // A server, or a proxy before it, may choose its certificate by the name.
            var isNamed = !System.Net.IPAddress.TryParse(host, out _);
            var context = _loop.Shared.Tls.ForServers(tls, _loop.Registry.Settings.Own.HasOwnTlsRecords);
            if (!_loop.Engine.Secure(this, context, $"{host} {Session.Remote}", isNamed ? host : null))
                Close("server conn crashed?", mayTerminate: false);
        }
        catch (TlsContextException e)
        {
            _loop.Context.Log.Caution("", "TLS connect error: " + TlsOptions.Detail(e, tls.CertFile, tls.KeyFile));
            Close("sslreq processing failed", mayTerminate: false);
        }
    }

    public override void OnSecured(TlsStream handshake)
    {
        if (_tls!.IsDirect && !handshake.HasProtocol) // It may be a server of another kind.
        {
            OnTlsFailed("direct SSL connection was established without ALPN protocol negotiation extension");
            return;
        }
        if (_tls.Sslmode == SslMode.VerifyFull && !handshake.IsPeer(HostName))
        {
            OnTlsFailed($"name `{HostName}' not present in server certificate");
            return;
        }
        if (_loop.Registry.Settings.LogConnections) _loop.Context.Log.SslEstablished(Session.LogPrefix, handshake.Text);
        Session.Login!.Tls = new TlsPeer(handshake.Text, null, handshake.EndPoint());
        BeginLogin();
    }

    public override void OnTlsFailed(string problem)
    {
        _problem = "TLS: " + problem;
        _loop.Context.Log.Caution("", Session.Login is { Tls: null } ? "TLS handshake error: " + problem
            : "tls_sbufio_recv: " + problem);
        Close("server conn crashed?", mayTerminate: false);
    }

    // ---- login ----------------------------------------------------------------------------------------------------

    private int LogIn(byte[] buffer, int position, int end)
    {
        while (position < end && Session.Login is { IsWaiting: false } login && IsOpen)
        {
            var unread = buffer.AsSpan(position, end - position);
            var status =
                MessageHeader.TryRead(unread, Math.Min(Session.Pool.Limits.MaxPacketSize, login.MessageBytesMax), out var type,
                out var length);
            if (status == HeaderStatus.Bad
                || (status == HeaderStatus.Complete && (type == 0 || !MessageLengths.FitsServer(type, length))))
            {
                Close("bad pkt header", mayTerminate: true);
                return end;
            }
            if (status == HeaderStatus.NeedMore || length > unread.Length) return position;
            position += length;
            switch (login.OnMessage(type, unread[MessageHeader.Size..length]))
            {
                case Verdict.Disconnect:
                    Close(login.Failure.Reason, mayTerminate: true);
                    return end;
                case Verdict.ParametersSet:
                    FinishLogin();
                    break;
                default:
                    if (login.Derivation is { } derivation) BeginDerivation(derivation);
                    else if (login.Password is { IsOver: false } password) BeginPassword(password);
                    SendLogin();
                    break;
            }
        }
        return position;
    }

    /// <summary>The server has chosen how long that takes; the loop does not wait.</summary>
    private void BeginDerivation(KeyDerivation derivation)
    {
        _loop.Engine.Pause(this);
        var loop = _loop;
        loop.Shared.DeriveKeys(derivation, () => loop.Post(new ActionLetter(_ => OnDerived(derivation), this)));
    }

    private void OnDerived(KeyDerivation derivation)
    {
        // It may have been closed meanwhile.
        if (IsOpen && ReferenceEquals(Session.Login?.Derivation, derivation)) GoOnWith(Session.Login.OnDerived());
    }

    /// <summary>A file or a command has it; the loop does not wait.</summary>
    private void BeginPassword(PasswordRequest request)
    {
        _loop.Engine.Pause(this);
        var source = request.Source;
        _problem = $"no password: {source.Key} of {source.Owner} has not answered"; // The end of the login may come first.
        var loop = _loop;
        loop.Shared.Passwords.Begin(request, () => loop.Post(new ActionLetter(_ => OnPassword(request), this)));
    }

    private void OnPassword(PasswordRequest request)
    {
        if (!IsOpen || !ReferenceEquals(Session.Login?.Password, request)) return; // It was closed meanwhile.
        _problem = request.Problem is null ? null : "no password: " + request.Problem;
        if (request.Problem is not null) _loop.Context.Log.Caution(Session.LogPrefix, request.Problem);
        var verdict = Session.Login.OnPassword();
        if (verdict != Verdict.Disconnect && Session.Login.Derivation is { } derivation) BeginDerivation(derivation);
        GoOnWith(verdict);
    }

    /// <summary>The login was waiting for that.</summary>
    private void GoOnWith(Verdict verdict)
    {
        if (verdict == Verdict.Disconnect)
        {
            Close(Session.Login!.Failure.Reason, mayTerminate: true);
            return;
        }
        SendLogin();
        if (!IsOpen || Session.Login is { IsWaiting: true }) return;
        _loop.Engine.Resume(this);
        if (!HoldsNothing) TakeHeld();
    }

    private void SendLogin()
    {
        var output = Session.Login!.Output;
        if (output.Length == 0) return;
        var isSound = _loop.Engine.Send(this, output.WrittenSpan);
        output.Clear();
        if (!isSound) Close("server conn crashed?", mayTerminate: false);
    }

    private void FinishLogin()
    {
        if (Session.IsCloseNeeded) // It has parameters of the old server, with which no client may be welcomed.
        {
            // RECONNECT in the middle of a login is no failure of the server.
            Close("connect string changed", mayTerminate: true, isDeliberate: true);
            return;
        }
        EnterHost();
        Session.EndLogin();
        Plan = null;
        _loop.EndPatience(this);
        Session.Pool.LoginDone(Session, _loop);
    }
}
