using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Net;

/// <summary>A client on its way in: the startup packet, TLS, passwords, the welcome.</summary>
internal sealed partial class ClientConnection
{
    /// <summary>TLS began without having been asked for.</summary>
    private bool _isDirectTls;

    private int LogIn(byte[] buffer, int position, int end)
    {
        while (position < end && !IsHeldUp && Session.Login is { Query: null, Check: null, Derivation: null, RefusalUs: 0 } login)
        {
            var unread = buffer.AsSpan(position, end - position);
            if (Session.AwaitsProxy)
            {
                if (Session.TryTakeProxy(unread, out var taken))
                {
                    position += taken;
                    continue;
                }
                if (!Session.Ending.IsSet) return position;
                Disconnect(Session.Ending);
                return end;
            }
            if (unread is [TlsHandshakeRecord, ..] && login.MayBeginWithTls && _loop.Shared.Tls.ForClients is { } context)
            {
                _isDirectTls = true;
                if (_loop.Engine.Secure(this, context)) _loop.Engine.DeliverCipher(this, unread);
                return end;
            }
            var status = MessageHeader.TryRead(unread, Limits.LoginMessageBytes, out var type, out var length);
            if (status == HeaderStatus.Bad)
            {
                if (ProxyHeader.IsBegun(unread) && Session.Origin is null) Session.RefuseProxy();
                else Session.RefuseHeader(unread);
                Disconnect(Session.Ending);
                return end;
            }
            if (status == HeaderStatus.NeedMore || length > unread.Length) return position;

            var packet = unread[..length];
            position += length;
            var step = type == 0
                ? login.OnStartup(MessageHeader.ReadCode(packet), packet[MessageHeader.UntypedSize..], hasMore: position < end)
                : login.OnMessage(type, packet[MessageHeader.Size..]);
            if (!TrySendLogin(login)) return end;
            switch (step)
            {
                case LoginStep.Disconnect:
                    Disconnect(login.Ending);
                    return end;
                case LoginStep.Secure:
                    Secure();
                    return end;
                case LoginStep.Cancel:
                    _loop.BeginCancel(this, login.CancelKey);
                    return end;
                case LoginStep.Ask:
                    AuthQueries.Begin(_loop, login.Query!);
                    return position;
                case LoginStep.Check:
                    BeginCheck(login);
                    return IsOpen ? position : end;
                case LoginStep.Derive:
                    BeginDerivation(login);
                    return position;
                case LoginStep.DisconnectLater:
                    RefuseLater(login);
                    return position;
                case LoginStep.Authenticated:
                    EnterPool();
                    break;
            }
        }
        return position;
    }

    /// <summary>PAM or LDAP may take its time; the loop does not wait.</summary>
    private void BeginCheck(ClientLogin login)
    {
        _loop.Engine.Pause(this);
        var (loop, check) = (_loop, login.Check!);
        if (!CheckerOf(check).TryBegin(check, () => loop.Post(new ActionLetter(_ => OnChecked(check), this)))) OnChecked(check);
    }

    private PasswordChecker CheckerOf(PasswordCheck check) =>
        check.Authority == PasswordAuthority.Pam ? _loop.Shared.PamChecker : _loop.Shared.LdapChecker;

    private void OnChecked(PasswordCheck check)
    {
        if (!IsOpen || !ReferenceEquals(Session.Login?.Check, check)) return; // It has gone meanwhile.
        GoOnAfter(Session.Login.OnChecked());
    }

    /// <summary>Keys cost milliseconds each, and many clients may want some at once; the loop does not wait.</summary>
    private void BeginDerivation(ClientLogin login)
    {
        _loop.Engine.Pause(this);
        var (loop, derivation) = (_loop, login.Derivation!);
        loop.Shared.DeriveKeys(derivation, () => loop.Post(new ActionLetter(_ => OnDerived(derivation), this)));
    }

    private void OnDerived(KeyDerivation derivation)
    {
        if (!IsOpen || !ReferenceEquals(Session.Login?.Derivation, derivation)) return; // It has gone meanwhile.
        var login = Session.Login;
        var step = login.OnDerived();
        if (TrySendLogin(login)) GoOnAfter(step);
    }

    /// <summary>A question that was asked elsewhere is answered.</summary>
    private void GoOnAfter(LoginStep step)
    {
        switch (step)
        {
            case LoginStep.Disconnect:
                Disconnect(Session.Login!.Ending);
                return;
            case LoginStep.DisconnectLater:
                RefuseLater(Session.Login!);
                return;
            case LoginStep.Authenticated:
                EnterPool();
                break;
        }
        if (Session.State != ClientState.Waiting) GoOn();
    }

    /// <summary>When a refusal comes tells nothing of why: see <see cref="ClientLogin.RefusalUs"/>.</summary>
    private void RefuseLater(ClientLogin login)
    {
        _loop.Engine.Pause(this);
        _loop.Refusals.Add(this, login.RefusalUs);
    }

    /// <summary>The client has asked for TLS, and waits for the answer.</summary>
    private void Secure()
    {
        var context = _loop.Shared.Tls.ForClients;
        if (Send(context is null ? "N"u8 : "S"u8) && context is not null) _loop.Engine.Secure(this, context);
    }

    public override void OnSecured(TlsStream handshake)
    {
        if (_isDirectTls && !handshake.HasProtocol) // A browser may have been made to send these bytes.
        {
            Disconnect(Ending.Told("received direct SSL connection request without ALPN protocol negotiation extension"));
            return;
        }
        if (Session.Login is { } login) login.Tls = new TlsPeer(handshake.Text, handshake.PeerNames(), handshake.EndPoint());
    }

    public override void OnTlsFailed(string problem)
    {
        _loop.Context.Log.Caution("", Tls!.IsEstablished ? "tls_sbufio_recv: " + problem : "TLS handshake error: " + problem);
        OnEnded(Errno.EPROTO);
    }

    private bool TrySendLogin(ClientLogin login)
    {
        if (login.Output.Length == 0) return true;
        var isSound = Send(login.Output.WrittenSpan);
        login.Output.Clear();
        return isSound;
    }

    /// <summary>auth_query has told what the server knows of the user: the login goes on.</summary>
    internal void OnQueryAnswered()
    {
        if (!IsOpen || Session.Login is not { } login) return;
        var step = login.OnAnswer();
        if (TrySendLogin(login)) GoOnAfter(step);
    }

    private void EnterPool()
    {
        var registry = _loop.Registry;
        var pool = registry.GetPool(Session.Database!, Session.UserName!);
        Session.EnterPool(pool, _loop);
        _loop.LoggedIn(this);
        if (Session.IsConsole)
        {
            Send(_loop.Console.Welcome(Session));
            return;
        }
        if (pool.Welcome is WelcomeParameters welcome)
        {
            SendWelcome(welcome);
            return;
        }
        Session.WaitStartUs = _loop.NowUs;
        BeginWait();
        pool.AwaitWelcome(Session, _loop);
    }

    /// <summary>The pool's first server has told its parameters.</summary>
    internal void OnWelcome()
    {
        if (Session.State != ClientState.Waiting || !IsOpen) return;
        if (Session.Pool!.Welcome is not WelcomeParameters welcome) // Invalidated in between: wait for the next.
        {
            Session.Pool.AwaitWelcome(Session, _loop);
            return;
        }
        EndWait();
        Session.NoteWait();
        if (SendWelcome(welcome)) GoOn();
    }

    private bool SendWelcome(WelcomeParameters welcome)
    {
        var output = _loop.Context.LoginOutput;
        Session.TakeWelcome(welcome, output);
        var isSound = Send(output.WrittenSpan);
        output.Clear();
        return isSound;
    }
}
