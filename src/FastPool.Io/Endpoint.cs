using System.Runtime.CompilerServices;
using FastPool.Base;
using FastPool.Native;

namespace FastPool.Io;

[Flags]
public enum EndpointFlags : ushort
{
    None = 0,
    Open = 1,
    Connecting = 2,
    /// <summary>The kernel has, or may have, more to read.</summary>
    Readable = 4,
    /// <summary>The owner wants nothing more for now.</summary>
    Paused = 8,
    /// <summary>In the engine's list of endpoints that have more to read.</summary>
    Queued = 16,
    /// <summary>The peer will send nothing more: the next short read is not the last word.</summary>
    PeerClosed = 32,
    /// <summary>In the middle of a bulk stream: told of only when there is much to read.</summary>
    Bulk = 64,
    /// <summary>Stands still for a SUSPEND: nothing is read, and its end is not told.</summary>
    Parked = 128,
    /// <summary>Bytes for it are in the engine's batch.</summary>
    Deferred = 256,
    /// <summary>It answers the pooler: that is read, though the peer of <see cref="Endpoint.Other"/> takes nothing.</summary>
    AnswersPooler = 512,
    /// <summary>Its bytes are received together with others', and are about to be delivered.</summary>
    Gathered = 1024,
    /// <summary>It has brought much at a time: it is received by itself.</summary>
    BringsMuch = 2048,
}

/// <summary>
/// One connected stream as the engine sees it; its owner hears completions through the methods below, on the loop's
/// thread. Bytes that the peer has not taken yet wait in <see cref="Unsent"/>. As long as something waits there, the engine does
/// not read what causes more of it: see <see cref="IsHeldUp"/>.
/// </summary>
public abstract class Endpoint
{
    public int Handle = -1;
    internal uint Generation;
    internal EndpointFlags Flags;
    public UnsentBytes Unsent;

    /// <summary>
    /// Received, and not delivered: it was paused, say, or left its loop in that very moment. They come before what the kernel
    /// has.
    /// </summary>
    public HeldBytes Unread;

    /// <summary>Between the socket and the owner; null: plain.</summary>
    public TlsLayer? Tls;

    internal int StreamedBytes;
    internal long LastBulkUs;

    /// <summary>The other end of its link: what comes from here goes there. Null: there is no link.</summary>
    public Endpoint? Other;

    /// <summary>
    /// The pooler itself answers some of its requests. A peer that does not read its answers is not read either.
    /// </summary>
    protected virtual bool IsAnsweredHere => false;

    /// <summary>The peer has not taken everything.</summary>
    public bool IsCongested => !Unsent.IsEmpty;

    /// <summary>With fewer unsent bytes than that, what causes more is not held up.</summary>
    public int Room { get; protected set; }

    /// <summary>
    /// The peer is slow, and the other end of the link has more for it. Asked before each receive; it may get more room by
    /// that.
    /// </summary>
    /// <returns>True: the other end is read on.</returns>
    protected virtual bool TakesMore() => false;

    /// <summary>The peer has taken some of its unsent bytes, or they are dropped: what they do not need is given back.</summary>
    internal protected virtual void OnTaken()
    {
    }

    /// <summary>
    /// Bytes that came from here have caused others that their peer has not taken yet: nothing more is read or handled here
    /// before those are gone, or there is room for more of them.
    /// </summary>
    public bool IsHeldUp
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (Other is { IsCongested: true } slow && (Flags & EndpointFlags.AnswersPooler) == 0 && !slow.TakesMore())
            || (IsCongested && IsAnsweredHere);
    }

    public bool IsOpen => (Flags & EndpointFlags.Open) != 0;

    public bool IsPaused => (Flags & EndpointFlags.Paused) != 0;

    public bool IsParked => (Flags & EndpointFlags.Parked) != 0;

    /// <summary>There is, or may be, something to read and nothing speaks against it.</summary>
    public bool MayRead =>
        (Flags & (EndpointFlags.Readable | EndpointFlags.Open | EndpointFlags.Paused | EndpointFlags.Parked)) == (
            EndpointFlags.Readable | EndpointFlags.Open)
        && !IsHeldUp;

    /// <summary>Nothing speaks against a delivery.</summary>
    public bool MayHear =>
        (Flags & (EndpointFlags.Open | EndpointFlags.Paused | EndpointFlags.Parked)) == EndpointFlags.Open && !IsHeldUp;

    public bool Has(EndpointFlags flag) => (Flags & flag) != 0;

    /// <summary>
    /// Bytes have come. The buffer is the loop's: it is good until this returns, and <see cref="Limits.HeadroomBytes"/> before
    /// <paramref name="start"/> may be written.
    /// </summary>
    public abstract void OnReceived(byte[] buffer, int start, int count);

    /// <summary>The peer has closed (0) or the connection is broken (an errno). The owner closes.</summary>
    public abstract void OnEnded(int errno);

    /// <summary>
    /// Everything sent so far has been taken: bytes that were held for it may be handled. The engine reads on by itself.
    /// </summary>
    public abstract void OnDrained();

    /// <summary>Something of ours was thrown while this connection was served. It closes, and its link with it.</summary>
    public abstract void OnBroken();

    /// <summary>The connect is through (0) or has failed (an errno).</summary>
    public virtual void OnConnected(int errno)
    {
    }

    /// <summary>The TLS handshake is done; bytes that follow are plain to the owner.</summary>
    /// <param name="handshake">The library's knowledge of the peer; good until this returns.</param>
    public virtual void OnSecured(TlsStream handshake)
    {
    }

    /// <summary>TLS has failed, in the handshake or later; the owner closes.</summary>
    /// <param name="problem">As the log has it.</param>
    public virtual void OnTlsFailed(string problem) => OnEnded(Errno.EPROTO);

    /// <summary>The peer has closed while this endpoint is paused: there may be bytes that are not read yet.</summary>
    public virtual void OnPeerClosedWhilePaused()
    {
    }
}
