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
            result = Worse(result, Sockets.TrySet(handle, SocketOption.KeepAlive, 1));
            if (settings.TcpKeepidle > 0)
                result = Worse(result, Sockets.TrySet(handle, SocketOption.KeepIdle, settings.TcpKeepidle));
            if (settings.TcpKeepintvl > 0)
                result = Worse(result, Sockets.TrySet(handle, SocketOption.KeepInterval, settings.TcpKeepintvl));
            if (settings.TcpKeepcnt > 0)
                result = Worse(result, Sockets.TrySet(handle, SocketOption.KeepCount, settings.TcpKeepcnt));
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
        Set(SocketOption.KeepIdle, settings.TcpKeepidle);
        Set(SocketOption.KeepInterval, settings.TcpKeepintvl);
        Set(SocketOption.KeepCount, settings.TcpKeepcnt);
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
