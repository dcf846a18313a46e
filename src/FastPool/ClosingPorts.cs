using FastPool.Base;
using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Native;
using FastPool.Net;

namespace FastPool;

/// <summary>
/// The end of the TCP ports at a shutdown. Those that the kernel has connected already are accepted before a port closes, for
/// closing it would reset them. Where other processes listen on the same port (so_reuseport), none is lost. The kernel is told
/// to bring no more newcomers here: they knock again and find the next process. Handshakes under way get the time to come to
/// their end. Control thread.
/// </summary>
internal sealed class ClosingPorts(LoopGroup loops, ControlThread control, PoolRegistry registry)
{
    private int _open;
    private bool _isBegun;

    /// <summary>Nobody comes any more.</summary>
    internal bool AreClosed => _open == 0;

    internal void Begin(IReadOnlyList<ListeningSocket> sockets, ShutdownMode mode)
    {
        var isShared = registry.Settings.SoReuseport;
        registry.AdmitsLatecomers = isShared && mode == ShutdownMode.WaitForClients;
        if (_isBegun) return;
        _isBegun = true;
        var own = sockets.Where(static socket => !socket.IsUnix).ToList();
        _open = own.Count;
        if (!isShared)
        {
            Close();
            return;
        }
        // A service manager's socket is the next process's as well.
        foreach (var socket in own.Where(static socket => !socket.IsInherited)) Sockets.TryTurnAway(socket.Handle);
        ControlTimer? timer = null;
        timer = control.Every(Limits.HandshakeUs, () =>
        {
            timer!.Stop();
            Close();
        });
    }

    private void Close() => loops.StopListening(static socket => !socket.IsUnix, acceptsRest: true, socket =>
    {
        Sockets.Close(socket.Handle);
        control.Post(() => _open--);
    });
}
