using System.Net;
using FastPool.Base;
using FastPool.Core.Sessions;
using FastPool.Core.Sessions.Handover;
using FastPool.Core.Settings;
using FastPool.Native;
using FastPool.Native.Process;
using Microsoft.Extensions.Logging;

namespace FastPool.Net;

/// <summary>The tcp_* settings on a socket. Set on listeners, which hand them down, and on server connections.</summary>
public static class SocketTuning
{
    /// <summary>
    /// dead_peer_timeout, microseconds; 0: it is off, or the ini has settings of its own for silent peers. TCP_USER_TIMEOUT is
    /// not used for it: that also ends a peer that answers and keeps its window shut.
    /// </summary>
    internal static long DeadPeerTimeoutUs(Settings settings) =>
        settings is { TcpKeepalive: true, TcpKeepidle: 0, TcpKeepintvl: 0, TcpKeepcnt: 0, TcpUserTimeout: 0 }
            ? settings.Own.DeadPeerTimeoutUs : 0;

    /// <summary>Seconds, seconds and number; 0: the system's own. Half of the time it is idle, then it is asked.</summary>
    private static (int Idle, int Interval, int Count) Keepalive(Settings settings)
    {
        const int Probes = 3;
        var timeout = (int)(DeadPeerTimeoutUs(settings) / 1_000_000);
        if (timeout <= 0) return (settings.TcpKeepidle, settings.TcpKeepintvl, settings.TcpKeepcnt);
        var interval = Math.Max(1, timeout / (2 * Probes));
        return (timeout - Probes * interval, interval, Probes);
    }

    /// <returns>0 or the negated errno of the first that the system refuses.</returns>
    public static int Apply(int handle, Settings settings)
    {
        var result = Sockets.TrySet(handle, SocketOption.NoDelay, 1);
        if (settings.TcpSocketBuffer > 0)
        {
            result = Worse(result, Sockets.TrySet(handle, SocketOption.SendBuffer, settings.TcpSocketBuffer));
            result = Worse(result, Sockets.TrySet(handle, SocketOption.ReceiveBuffer, settings.TcpSocketBuffer));
        }
        if (settings.TcpKeepalive)
        {
            var (idle, interval, count) = Keepalive(settings);
            result = Worse(result, Sockets.TrySet(handle, SocketOption.KeepAlive, 1));
            if (idle > 0) result = Worse(result, Sockets.TrySet(handle, SocketOption.KeepIdle, idle));
            if (interval > 0) result = Worse(result, Sockets.TrySet(handle, SocketOption.KeepInterval, interval));
            if (count > 0) result = Worse(result, Sockets.TrySet(handle, SocketOption.KeepCount, count));
        }
        if (settings.TcpUserTimeout > 0)
            result = Worse(result, Sockets.TrySet(handle, SocketOption.UserTimeout, settings.TcpUserTimeout));
        return result;
    }

    /// <summary>
    /// Brings a listener to changed settings: sockets that it accepts from now on have them. A setting of 0 goes back to the
    /// value that a new socket has; buffers cannot, once set.
    /// </summary>
    public static void Retune(int listener, Settings settings)
    {
        var fresh = Sockets.TryOpen(Sockets.LocalAddress(listener).IsV6 ? SocketFamily.V6 : SocketFamily.V4);
        if (fresh < 0) return;
        Sockets.TrySet(listener, SocketOption.KeepAlive, settings.TcpKeepalive ? 1 : 0);
        var (idle, interval, count) = Keepalive(settings);
        Set(SocketOption.KeepIdle, idle);
        Set(SocketOption.KeepInterval, interval);
        Set(SocketOption.KeepCount, count);
        Set(SocketOption.UserTimeout, settings.TcpUserTimeout);
        if (settings.TcpSocketBuffer > 0)
        {
            Sockets.TrySet(listener, SocketOption.SendBuffer, settings.TcpSocketBuffer);
            Sockets.TrySet(listener, SocketOption.ReceiveBuffer, settings.TcpSocketBuffer);
        }
        Sockets.TrySet(listener, SocketOption.DeferAccept, settings.TcpDeferAccept ? 1 : 0);
        Sockets.Close(fresh);

        void Set(SocketOption option, int value)
        {
            if (value > 0 || Sockets.TryGet(fresh, option, out value) >= 0) Sockets.TrySet(listener, option, value);
        }
    }

    private static int Worse(int first, int second) => first < 0 ? first : second;
}
