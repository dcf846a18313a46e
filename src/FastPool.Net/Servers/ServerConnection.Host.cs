using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Net;

/// <summary>The words of a server to the host that it is opened at.</summary>
internal sealed partial class ServerConnection
{
    private Host? _host;
    private bool _isIn; // The host counts it as a server.

    /// <summary>The host that it tries, or is connected to, as it is named in the list.</summary>
    internal string HostName { get; private set; } = "";

    /// <summary>The time at which the next host is tried beside it; null: none is set.</summary>
    internal Due<ServerConnection>? Patience { get; set; }

    internal bool HasPlace => _hasPlace;

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

    /// <summary>Its place in the pool is that of another attempt.</summary>
    internal void HandPlaceOn(ServerConnection heir)
    {
        Check.That(_hasPlace && !heir._hasPlace);
        (_hasPlace, heir._hasPlace) = (false, true);
    }

    /// <summary>Its login is over. An attempt that was overtaken has the place if the others are still on their way.</summary>
    /// <returns>False: another has it.</returns>
    private bool TryEnter()
    {
        _host?.LoggedIn(Session.Login!.Role, _loop.NowUs - Session.DialStartUs, _loop.NowUs);
        _isIn = true;
        if (_hasPlace) return true;
        if (Plan?.Holder is not { } holder) return false;
        holder.HandPlaceOn(this);
        return true;
    }

    /// <summary>At its end.</summary>
    private void LeaveHost(string reason, bool isDeliberate)
    {
        Plan?.End(this);
        if (_host is not { } host) return;
        _host = null;
        if (_isIn) host.ServerGone();
        else if (isDeliberate || Session.Login is not { } login) host.GiveUp();
        else if (login.Failure.ForWaiters is not null) host.Refused(login.Failure.Reason, _loop.Context.WallUs, _loop.NowUs);
        else
        {
            host.Failed(reason, _loop.Context.WallUs, _loop.NowUs, _loop.Registry.Settings.ServerLoginRetryUs);
            Plan?.NoteFailure(HostName, reason, _loop.NowUs);
        }
    }
}
