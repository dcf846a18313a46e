using FastPool.Base;
using FastPool.Native;

namespace FastPool.Simulation.Network;

/// <summary>
/// A connection between the pooler and a fake peer: two streams and how each side has ended. The pooler's side is moved by
/// a <see cref="MemoryEngine"/>, the peer's side by the methods whose names begin with Peer.
/// </summary>
internal sealed class MemorySocket
{
    private readonly ByteQueue _toPooler = new();
    private readonly ByteQueue _toPeer = new();
    private PeerTls? _tls;

    internal MemorySocket(int handle, EndAddress remote, int capacity)
    {
        Handle = handle;
        Remote = remote;
        Capacity = capacity;
    }

    internal int Handle { get; }

    /// <summary>The other end, as the pooler sees it.</summary>
    internal EndAddress Remote { get; }

    /// <summary>Bytes that fit into the pooler's sending direction before a send is refused.</summary>
    internal int Capacity { get; set; }

    /// <summary>The result of the connect, once known: 0 or an errno.</summary>
    internal int? ConnectResult { get; set; }

    internal bool IsPeerClosed { get; private set; }
    internal bool IsReset { get; private set; }
    internal bool IsPoolerClosed { get; private set; }

    /// <summary>The pooler has been told that a paused endpoint's peer is gone: an edge comes once.</summary>
    internal bool IsEndTold { get; set; }

    // ---- the pooler's side ----------------------------------------------------------------------------------------

    internal int ReadableCount => _toPooler.Count;

    internal bool HasInput => _toPooler.Count > 0 || IsPeerClosed || IsReset;

    internal int Room => Math.Max(0, Capacity - _toPeer.Count);

    internal int Receive(Span<byte> destination)
    {
        if (IsReset) return -Errno.ECONNRESET;
        var count = Math.Min(destination.Length, _toPooler.Count);
        _toPooler.Span[..count].CopyTo(destination);
        _toPooler.Take(count);
        return count;
    }

    /// <returns>Bytes taken, or a negated errno.</returns>
    internal int Send(ReadOnlySpan<byte> data, int most)
    {
        if (IsReset) return -Errno.ECONNRESET;
        if (IsPeerGone) return -Errno.EPIPE;
        var count = Math.Min(data.Length, Math.Min(Room, most));
        _toPeer.Add(data[..count]);
        return count;
    }

    internal void ClosePooler() => IsPoolerClosed = true;

    // ---- the peer's side ------------------------------------------------------------------------------------------

    /// <summary>The peer has closed both directions: what is sent to it meets nobody.</summary>
    internal bool IsPeerGone { get; private set; }

    internal ReadOnlySpan<byte> PeerInput
    {
        get
        {
            if (_tls is null) return _toPeer.Span;
            if (!IsPeerGone && !IsReset) _tls.Receive(_toPeer, _toPooler);
            return _tls.Heard.Span;
        }
    }

    /// <summary>From now on the peer's words go through TLS.</summary>
    internal void BeginPeerTls(TlsContext context)
    {
        _tls = new PeerTls(context);
        _tls.Start(_toPooler);
    }

    /// <summary>Everything has been read and the pooler will send nothing more.</summary>
    internal bool PeerSeesEnd => IsReset || (IsPoolerClosed && PeerInput.IsEmpty);

    internal void PeerTake(int count) => (_tls?.Heard ?? _toPeer).Take(count);

    internal void PeerWrite(ReadOnlySpan<byte> bytes)
    {
        if (IsPoolerClosed || IsPeerClosed || IsReset) return;
        if (_tls is null) _toPooler.Add(bytes);
        else _tls.Say(bytes, _toPooler);
    }

    internal void PeerHalfClose() => IsPeerClosed = true;

    internal void PeerClose()
    {
        IsPeerClosed = true;
        IsPeerGone = true;
        _toPeer.Clear();
    }

    internal void PeerReset()
    {
        IsReset = true;
        IsPeerClosed = true;
        IsPeerGone = true;
        _toPooler.Clear();
        _toPeer.Clear();
    }
}
