using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Net;

/// <summary>The words of a server to the host that it is opened at.</summary>
internal sealed partial class ServerConnection
{
    private Host? _host;
    private bool _isIn; // The host counts it as a server.

    /// <summary>The host that it tries, or is connected to, as it is named in the list.</summary>
    internal string HostName { get; private set; } = "";

    /// <summary>The time at which the pool hears that the host is silent; null: none is set.</summary>
    internal Due<ServerConnection>? Patience { get; set; }

    /// <summary>The pool has heard that the host is silent, and counts on this login no more.</summary>
    internal bool IsOvertaken { get; private set; }

    /// <summary>It may still get in.</summary>
    internal bool IsLoggingIn => !IsClosed && Session.Login is not null;

    /// <summary>It tries this host now: first by its name, then at the address that the name stands for.</summary>
    internal void TryAt(string name, Host host)
    {
        if (ReferenceEquals(_host, host)) return;
        _host?.GiveUp();
        (HostName, _host) = (name, host);
        host.Begin(_loop.NowUs);
    }

    /// <summary>No answer has come for long: those that wait should not wait for this login.</summary>
    internal void BeOvertaken()
    {
        IsOvertaken = true;
        Session.Pool.LoginSlow(Session, _loop);
    }

    /// <summary>The pool can open no other one: this login goes to the next host.</summary>
    internal void LeaveSilentHost()
    {
        IsOvertaken = false;
        Plan!.MayComeBack = true;
        Close("host does not answer", mayTerminate: false);
    }

    /// <summary>The pool can open no other one, and no other host is any better.</summary>
    internal void StayAtSilentHost() => IsOvertaken = false;

    /// <summary>It waits for the host's answer, and no attempt there has heard anything for so long.</summary>
    internal bool IsHostSilent(long patienceUs) =>
        Session.Login is not { IsWaiting: true } && (_host?.IsSilentAt(_loop.NowUs, patienceUs) ?? false);

    internal long PatienceUs =>
        _host?.PatienceOf(Plan!.Entry.LoadBalanceHosts == LoadBalanceHosts.Disable) ?? Limits.HostPatienceUs;

    private void NoteAnswer() => _host?.Heard(_loop.NowUs);

    /// <summary>More than the reason for its end will say.</summary>
    internal void NoteProblem(string problem) => _problem = problem;

    /// <summary>Its login is over.</summary>
    private void EnterHost()
    {
        _isIn = true;
        if (_host is not { } host) return;
        if (host.LoggedIn(_loop.NowUs - Session.DialStartUs, _loop.NowUs)) _loop.Registry.Stir();
        Session.StandsInFor = Plan?.StandInFor(HostName, _loop.NowUs);
        NoteRole(host, Session.Login!.Role);
        Session.Place = host;
    }

    /// <summary>The server that asked for its host had no answer.</summary>
    private void Lose(Host host)
    {
        host.Lose("host check failed", _loop.Context.WallUs, _loop.NowUs, _loop.Registry.Settings.ServerLoginRetryUs);
        _loop.Registry.Stir();
    }

    private void NoteRole(Host host, HostRole role)
    {
        if (host.NoteRole(role, _loop.NowUs)) _loop.Registry.Stir(); // Its servers may be of no use, or of use again.
    }

    /// <summary>At its end.</summary>
    private void LeaveHost(string reason, bool isDeliberate)
    {
        if (_host is not { } host) return;
        _host = null;
        if (_isIn)
        {
            host.ServerGone();
            if (Session.IsInHostCheck && reason == OwnQueryFailure) Lose(host);
        }
        else if (isDeliberate || Session.Login is not { } login) host.GiveUp();
        else if (login.Failure.ForWaiters is not null) host.Refused(login.Failure.Reason, _loop.Context.WallUs, _loop.NowUs);
        else if (login.Failure.IsOfRole)
        {
            host.Misfit(reason, _loop.Context.WallUs, _loop.NowUs);
            NoteRole(host, login.Role);
            Plan?.NoteWrongRole();
        }
        else
        {
            host.Failed(_problem ?? reason, _loop.Context.WallUs, _loop.NowUs, _loop.Registry.Settings.ServerLoginRetryUs);
            Plan?.NoteFailure(HostName, _loop.NowUs);
        }
    }
}
