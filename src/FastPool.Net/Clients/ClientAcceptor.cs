using FastPool.Base;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using FastPool.Io;
using FastPool.Native;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool.Net;

/// <summary>
/// A listening socket on one loop. All loops that are in use wait on the same socket, and the kernel wakes one. A loop that has
/// clearly more clients bound to it than another passes the newcomer on; where all have many, another loop comes into use.
/// </summary>
internal sealed class ClientAcceptor(Loop loop, ListeningSocket socket) : IAcceptor
{
    private const int SurplusTolerated = 4;

    private long _pausedUntilUs;
    private long _silentUntilUs;
    private bool _isSuspended;

    internal ListeningSocket Socket => socket;

    public void OnAccepted(int handle, EndAddress remote)
    {
        if (loop.Engine.Descriptors.IsKept(handle) && !MayHaveKept(handle)) return;
        var home = HomeOfNewcomer();
        if (home == loop.Index)
        {
            Welcome(loop, socket, handle, remote);
            return;
        }
        // It counts there at once: many may be passed on before that loop has its turn.
        var bound = loop.Shared.Bound;
        bound.Add(home, 1);
        loop.PostTo(home, new ActionLetter(other =>
        {
            bound.Add(home, -1);
            Welcome(other, socket, handle, remote);
        }));
    }

    private int HomeOfNewcomer()
    {
        var (inUse, own) = (loop.Shared.LoopsInUse.Count, loop.Shared.Bound[loop.Index]);
        var fewest = loop.Shared.Bound.LoopWithFewest(inUse, out var count);
        if (loop.Index >= inUse || own > count + count / 8 + SurplusTolerated) return fewest;
        return own >= BoundClients.Most && loop.Shared.LoopsInUse.TryChange(inUse, inUse + 1) ? inUse : loop.Index;
    }

    /// <summary>
    /// Descriptors run out. A client that wants the console is let in, which only its startup packet tells; half of what is kept
    /// is for that.
    /// </summary>
    private bool MayHaveKept(int handle)
    {
        var reserve = loop.Engine.Descriptors;
        reserve.NoteUse();
        if (loop.NowUs >= _silentUntilUs)
        {
            _silentUntilUs = loop.NowUs + Limits.AcceptPauseUs;
            loop.Context.Log.Failure("", $"accept() failed: {Errno.Text(Errno.EMFILE)} ({reserve})");
        }
        if (!reserve.IsOfTheLast(handle)) return true;
        Sockets.Close(handle);
        return false;
    }

    private static void Welcome(Loop loop, ListeningSocket socket, int handle, EndAddress remote)
    {
        if (loop.Registry.IsShuttingDown && !socket.IsUnix) Sockets.TakeBack(handle);
        var (pid, uid) = socket.IsUnix ? Sockets.PeerCredentials(handle) : (0, -1);
        var local = socket.IsUnix ? EndAddress.OfUnix : socket.IsWildcard ? Sockets.LocalAddress(handle) : socket.Address;
        var session =
            new ClientSession(loop.Context, loop.Shared.NextId(), socket.IsUnix ? EndAddress.OfUnix
            : remote, local, socket.Port, pid)
            {
                MayOnlyUseConsole = loop.Engine.Descriptors.IsKept(handle),
                IsOwnUser = socket.IsUnix && uid == (int)Identity.Uid,
                PeerUserName = socket.IsUnix ? Identity.NameOf(uid) : null,
                AwaitsProxy = IsProxied(loop.Registry.Settings.Own, remote, local),
            };
        var client = new ClientConnection(loop, session);
        if (loop.Engine.Attach(client, handle) != 0)
        {
            loop.Engine.Discard(handle);
            session.Leave(loop);
            return;
        }
        loop.Add(client);
        // It was accepted because it has sent something.
        if (!socket.IsUnix && loop.Registry.Settings.TcpDeferAccept) loop.Engine.ReadNow(client);
    }

    /// <summary>On a Unix socket the system itself tells who comes.</summary>
    private static bool IsProxied(FastPoolSettings own, EndAddress remote, EndAddress local) =>
        !own.ProxyProtocolFrom.IsEmpty && own.ProxyProtocolFrom.Contains(remote.ToIPAddress())
            && own.ProxyProtocolListen.Contains(local.ToIPAddress(), local.Port);

    /// <summary>Mostly a lack of descriptors: connections that are there go on, new ones wait a while.</summary>
    public void OnAcceptFailed(int errno)
    {
        loop.Context.Log.Failure("", "accept() failed: " + Errno.Text(errno));
        loop.Engine.StopListening(socket.Handle);
        _pausedUntilUs = loop.NowUs + Limits.AcceptPauseUs;
    }

    /// <summary>New connections stay in the kernel's backlog.</summary>
    internal void Suspend()
    {
        loop.Engine.StopListening(socket.Handle);
        (_isSuspended, _pausedUntilUs) = (true, 0);
    }

    internal void Resume()
    {
        _isSuspended = false;
        Listen();
    }

    /// <summary>The loop has come into use, or has come to rest.</summary>
    internal void OnUseChanged()
    {
        if (loop.IsInUse)
        {
            Listen();
            return;
        }
        loop.Engine.StopListening(socket.Handle);
        _pausedUntilUs = 0;
        if (!_isSuspended) AcceptAll(); // The kernel may have told this loop of some, and tells no other of them.
    }

    /// <summary>Connections in the backlog of a socket that closes. That of a service manager is for the next process.</summary>
    internal void AcceptRest()
    {
        if (!socket.IsInherited) AcceptAll();
    }

    private void AcceptAll()
    {
        var errno = loop.Engine.AcceptAll(socket.Handle, this, loop.Registry.Settings.ListenBacklog + 1);
        if (errno != 0) OnAcceptFailed(errno);
    }

    /// <summary>Begins to accept, or tries it again after a while.</summary>
    internal void Listen()
    {
        if (_isSuspended || !loop.IsInUse) return;
        var errno = loop.Engine.Listen(socket.Handle, this);
        if (errno == 0) return;
        loop.Context.Log.Failure("", "cannot listen: " + Errno.Text(errno));
        _pausedUntilUs = loop.NowUs + Limits.AcceptPauseUs;
    }

    internal void Tick()
    {
        if (_pausedUntilUs == 0 || loop.NowUs < _pausedUntilUs) return;
        _pausedUntilUs = 0;
        if (loop.IsInUse) Listen();
        else if (!_isSuspended) AcceptAll(); // Those that it could not accept when it came to rest: it alone knows of them.
    }
}

/// <summary>An open listening socket, shared by all loops.</summary>
/// <param name="Address">The address it is bound to; Unix for a Unix socket.</param>
/// <param name="Port">listen_port, which also stands for the port of a Unix socket.</param>
/// <param name="Path">Of a Unix socket, else null.</param>
public sealed record ListeningSocket(int Handle, EndAddress Address, int Port, string? Path)
{
    public bool IsUnix => Address.IsUnix;

    /// <summary>Another process unlinks it.</summary>
    public bool IsInherited { get; init; }

    /// <summary>Bound to all addresses: each connection must be asked for its own.</summary>
    public bool IsWildcard =>
        Address.ToIPAddress() is { } ip && (ip.Equals(System.Net.IPAddress.Any) || ip.Equals(System.Net.IPAddress.IPv6Any));
}
