using System.Net;
using FastPool.Base;
using FastPool.Native;

namespace FastPool.Simulation.Network;

/// <summary>The fake servers answer the pooler's connects.</summary>
internal interface IDialed
{
    /// <summary>The pooler connects.</summary>
    /// <returns>0, or an errno when it fails on the spot; else the socket's ConnectResult is set sooner or later.</returns>
    int OnDialed(MemorySocket socket);
}

/// <summary>All sockets of a world, by handle: a connection may leave one loop's engine and enter another's.</summary>
internal sealed class MemoryNetwork
{
    private readonly Dictionary<int, MemorySocket> _sockets = [];
    private readonly Queue<MemorySocket> _backlog = new();
    private int _lastHandle = 1_000_000; // Out of the way of true descriptors: one of these must never be closed by mistake.

    internal IDialed? Dialed { get; set; }

    /// <summary>Capacity of the sockets made from now on.</summary>
    internal Func<int> NewCapacity { get; set; } = () => int.MaxValue;

    internal MemorySocket this[int handle] => _sockets[handle];

    internal int BacklogCount => _backlog.Count;

    /// <summary>A client connects to the pooler.</summary>
    internal MemorySocket ConnectClient()
    {
        var handle = ++_lastHandle;
        var remote = NativeAddress.Ip(IPAddress.Loopback, 1024 + handle % 60_000).ToEndAddress();
        var socket = new MemorySocket(handle, remote, NewCapacity()) { ConnectResult = 0 };
        _sockets.Add(handle, socket);
        _backlog.Enqueue(socket);
        return socket;
    }

    internal MemorySocket? Accept() => _backlog.TryDequeue(out var socket) ? socket : null;

    /// <returns>The socket, or the negated errno.</returns>
    internal (MemorySocket? Socket, int Errno) Dial(NativeAddress address)
    {
        var socket = new MemorySocket(++_lastHandle, address.ToEndAddress(), NewCapacity());
        var errno = Dialed!.OnDialed(socket);
        if (errno != 0) return (null, errno);
        _sockets.Add(socket.Handle, socket);
        return (socket, 0);
    }

    internal void Forget(MemorySocket socket) => _sockets.Remove(socket.Handle);
}
