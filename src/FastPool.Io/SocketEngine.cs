using System.Runtime.CompilerServices;
using FastPool.Base;
using FastPool.Native;

namespace FastPool.Io;

/// <summary>
/// The engine on sockets. Every stream is registered once, edge-triggered for both directions, and never touched again: with a
/// ring, where the kernel has one that can wait (SocketEngine.Ring.cs), else with epoll. A read that fills less than the buffer
/// has emptied the socket, so the next edge will tell of more. An endpoint that is paused keeps the mark that it is readable.
/// </summary>
public sealed partial class SocketEngine : Engine, IDisposable
{
    private const Readiness StreamInterest = Readiness.In | Readiness.Out | Readiness.PeerClosed | Readiness.EdgeTriggered;
    private const Readiness AnyInput = Readiness.In | Readiness.PeerClosed | Readiness.HangUp | Readiness.Error;
    private const Readiness AnyEnd = Readiness.PeerClosed | Readiness.HangUp | Readiness.Error;
    private const ulong WakeUpData = ulong.MaxValue;
    private const uint ListenerGeneration = uint.MaxValue;
    private const Readiness ListenerInterest = Readiness.In | Readiness.Exclusive;
    private const int ReceiveAt = Limits.HeadroomBytes;
    private const int EndpointsLeast = 64;
    private const int QueueLeast = 16;

    private readonly EpollSet _set = new(Limits.EventsPerTurn);
    private readonly WakeUp _wakeUp = new();
    private readonly byte[] _buffer = BufferPool.NewPinned(Limits.HeadroomBytes + Limits.ReceiveBytes);
    private readonly Dictionary<int, IAcceptor> _acceptors = [];
    private Endpoint?[] _endpoints = new Endpoint?[EndpointsLeast];
    private Endpoint[] _queue = new Endpoint[QueueLeast];
    private int _queueCount;
    private Endpoint[] _queueBefore = new Endpoint[QueueLeast];
    private readonly Action<int> _tune;
    private uint _generation;
    private Ring? _ring;
    private RingUse _ringDue;

    /// <param name="tune">Sets the options of a TCP socket before it connects.</param>
    /// <param name="ringUse">As far as the kernel allows it.</param>
    public SocketEngine(BufferPool buffers, Action<int> tune, RingUse ringUse)
        : base(buffers)
    {
        _tune = tune;
        _ringDue = ringUse;
        _set.TryAdd(_wakeUp.Fd, Readiness.In | Readiness.EdgeTriggered, WakeUpData);
    }

    public override void Wake() => _wakeUp.Signal(); // Edge-triggered: each write is an event, and need not be read.

    public override void Turn(int timeoutMs, ITurnObserver observer)
    {
        if (_bulk.Count > 0 && AwaitsBulk()) timeoutMs = Math.Min(timeoutMs, BulkWaitMs);
        if (_ringDue != RingUse.None) OpenRing();
        if (_waitsByRing)
        {
            TurnByRing(timeoutMs, observer);
            return;
        }
        if (SendAll(observer)) timeoutMs = 0; // Its consequences may be due at once.
        var count = _set.Wait(_queueCount > 0 ? 0 : timeoutMs);
        observer.OnTurnBegun();
        if (_bulk.Count > 0) ReadPausedBulk(observer);
        if (_queueCount > 0) ReadQueue(observer);
        for (var i = 0; i < count; i++)
        {
            var (readiness, data) = _set.Event(i);
            if (data == WakeUpData) continue;
            Serve(readiness, (int)(uint)data, (uint)(data >> 32), observer);
        }
        SendAll(observer);
    }

    private void Serve(Readiness readiness, int handle, uint generation, ITurnObserver observer)
    {
        var gathered = _gatheredCount;
        try
        {
            if (generation != ListenerGeneration) Deliver(readiness, handle, generation);
            else if (_acceptors.TryGetValue(handle, out var acceptor)) Accept(handle, acceptor);
        }
        catch (Exception e)
        {
            observer.OnThrown("a delivery", e, InDelivery);
        }
        if (_gatheredCount > gathered) return; // Its delivery is to come.
        EndDelivery(observer);
        if (BytesPerTurn > Limits.ReceiveBytes) ReadMore(observer);
    }

    private void Deliver(Readiness readiness, int handle, uint generation)
    {
        if (Find(handle, generation) is not { } endpoint) return; // Closed earlier in this turn.
        InDelivery = endpoint;
        if (endpoint.Has(EndpointFlags.Connecting | EndpointFlags.Parked))
        {
            if (endpoint.IsParked) Note(endpoint, readiness);
            else FinishConnect(endpoint, readiness);
            return;
        }
        if ((readiness & Readiness.Out) != 0 && endpoint.IsCongested && !Flush(endpoint))
        {
            endpoint.OnEnded(Errno.EPIPE);
            return;
        }
        if ((readiness & AnyInput) == 0 || endpoint.Generation != generation || !endpoint.IsOpen) return;
        endpoint.Flags |= EndpointFlags.Readable;
        if ((readiness & AnyEnd) != 0) endpoint.Flags |= EndpointFlags.PeerClosed;
        if (!endpoint.MayRead)
        {
            if ((readiness & AnyEnd) != 0) endpoint.OnPeerClosedWhilePaused();
        }
        else if (_waitsByRing)
        {
            Gather(endpoint);
        }
        else
        {
            Receive(endpoint);
        }
    }

    private Endpoint? Find(int handle, uint generation) =>
        (uint)handle < (uint)_endpoints.Length && _endpoints[handle] is { } endpoint && endpoint.Generation == generation
            ? endpoint : null;

    /// <summary>A delivery of its own.</summary>
    private void Serve(Endpoint endpoint, ITurnObserver observer)
    {
        InDelivery = endpoint;
        try
        {
            Receive(endpoint);
        }
        catch (Exception e)
        {
            observer.OnThrown("a delivery", e, InDelivery);
        }
        EndDelivery(observer);
    }

    /// <summary>One buffer-full; an endpoint that may have more goes to the end of the line.</summary>
    private void Receive(Endpoint endpoint)
    {
        var received = TakeKept(endpoint, _buffer.AsSpan(ReceiveAt, Limits.ReceiveBytes));
        if (received == 0)
        {
            received = Sockets.TryReceive(endpoint.Handle, _buffer, ReceiveAt, Limits.ReceiveBytes);
            if (received <= 0)
            {
                if (IsNothingYet(received)) endpoint.Flags &= ~EndpointFlags.Readable;
                else endpoint.OnEnded(-received);
                return;
            }
            if (received < Limits.ReceiveBytes) NoteEmptied(endpoint);
            if (received <= GatheredBytes / 2) endpoint.Flags &= ~EndpointFlags.BringsMuch;
        }
        DeliverReceived(endpoint, received);
    }

    private void DeliverReceived(Endpoint endpoint, int received)
    {
        if (endpoint.Has(EndpointFlags.Bulk)) endpoint.LastBulkUs = NowUs;
        Deliver(endpoint, _buffer, ReceiveAt, received);
        if (endpoint.MayRead || endpoint.Has(EndpointFlags.PeerClosed)) Enqueue(endpoint);
    }

    /// <summary>A short read: the next bytes are an edge of their own. When its peer has closed there may be no other.</summary>
    private static void NoteEmptied(Endpoint endpoint)
    {
        if (!endpoint.Has(EndpointFlags.PeerClosed)) endpoint.Flags &= ~EndpointFlags.Readable;
    }

    private static bool IsNothingYet(int received) => received is -Errno.EAGAIN or -Errno.EINTR;

    private void ReadQueue(ITurnObserver observer)
    {
        (_queue, _queueBefore) = (_queueBefore, _queue);
        var count = _queueCount;
        _queueCount = 0;
        for (var i = 0; i < count; i++)
        {
            var endpoint = _queueBefore[i];
            _queueBefore[i] = null!;
            if (endpoint is null) continue; // Gone since.
            endpoint.Flags &= ~EndpointFlags.Queued;
            if (!endpoint.MayRead)
            {
                if (endpoint.IsPaused || endpoint.Has(EndpointFlags.Readable)) TellOfEnd(endpoint, observer);
                continue;
            }
            Serve(endpoint, observer);
            if (BytesPerTurn > Limits.ReceiveBytes) ReadMore(observer);
        }
    }

    /// <summary>
    /// The endpoint that was served last goes on if it has more and its turn allows it. Only the queue tells: by now it may
    /// belong to another loop.
    /// </summary>
    private void ReadMore(ITurnObserver observer)
    {
        for (long taken = Limits.ReceiveBytes; taken < BytesPerTurn && _queueCount > 0 && _queue[_queueCount - 1] is { } endpoint;
            taken += Limits.ReceiveBytes)
        {
            if (endpoint != InDelivery || !endpoint.MayRead) return;
            _queue[--_queueCount] = null!;
            endpoint.Flags &= ~EndpointFlags.Queued;
            SendDeferred(); // No other connection waits for the rest of a stream.
            Serve(endpoint, observer);
        }
    }

    private void Enqueue(Endpoint endpoint)
    {
        if (endpoint.Has(EndpointFlags.Queued)) return;
        endpoint.Flags |= EndpointFlags.Queued;
        if (_queueCount == _queue.Length)
        {
            Array.Resize(ref _queue, _queueCount * 2);
            Array.Resize(ref _queueBefore, _queueCount * 2);
        }
        _queue[_queueCount++] = endpoint;
    }

    protected override void ReadOn(Endpoint endpoint)
    {
        if (endpoint.MayRead) Enqueue(endpoint);
    }

    public override void Pause(Endpoint endpoint)
    {
        base.Pause(endpoint);
        // The end has come along with the bytes, or while it was of no account: the kernel does not tell of it again.
        if (endpoint.Has(EndpointFlags.PeerClosed)) Enqueue(endpoint);
    }

    /// <summary>It pauses, or is held up, and its peer has closed: no read will find that before it goes on.</summary>
    private void TellOfEnd(Endpoint endpoint, ITurnObserver observer)
    {
        if (!endpoint.IsOpen || endpoint.IsParked || !endpoint.Has(EndpointFlags.PeerClosed)) return;
        InDelivery = endpoint;
        try
        {
            endpoint.OnPeerClosedWhilePaused();
        }
        catch (Exception e)
        {
            observer.OnThrown("a closed peer", e, InDelivery);
        }
        EndDelivery(observer);
    }

    // ---- parked endpoints -------------------------------------------------------------------------------------------

    private void Note(Endpoint endpoint, Readiness readiness)
    {
        if ((readiness & AnyInput) != 0) endpoint.Flags |= EndpointFlags.Readable;
        if ((readiness & AnyEnd) != 0) endpoint.Flags |= EndpointFlags.PeerClosed;
        if ((readiness & Readiness.Out) != 0 && endpoint.IsCongested && !IsFrozen && !Flush(endpoint))
            endpoint.OnEnded(Errno.EPIPE);
    }

    public override void Unpark(Endpoint endpoint)
    {
        if (!endpoint.IsParked) return;
        endpoint.Flags &= ~EndpointFlags.Parked;
        if (!Flush(endpoint)) // The socket may have become writable meanwhile, and will not tell again.
        {
            endpoint.OnEnded(Errno.EPIPE);
            return;
        }
        if (endpoint.MayRead) Enqueue(endpoint);
        else if (endpoint.Has(EndpointFlags.PeerClosed)) endpoint.OnPeerClosedWhilePaused();
    }

    public override int Listen(int handle, IAcceptor acceptor)
    {
        if (_acceptors.ContainsKey(handle)) return 0;
        var errno = 0;
        if (_waitsByRing) PollListener(handle);
        else errno = -_set.TryAdd(handle, ListenerInterest, Data(handle, ListenerGeneration));
        if (errno == 0) _acceptors[handle] = acceptor;
        return errno;
    }

    public override void StopListening(int handle)
    {
        if (!_acceptors.Remove(handle)) return;
        if (_waitsByRing) EndPollOfListener(handle);
        else _set.Remove(handle);
    }

    private void Accept(int handle, IAcceptor acceptor)
    {
        InDelivery = null;
        var accepted = TryAccept(handle, out var remote);
        if (accepted >= 0) acceptor.OnAccepted(accepted, remote);
        else if (accepted != -Errno.EAGAIN && !IsNoFault(accepted)) acceptor.OnAcceptFailed(-accepted);
    }

    /// <summary>The newcomer has gone already, or a signal came: the next one may be there.</summary>
    private static bool IsNoFault(int accepted) => accepted is -Errno.ECONNABORTED or -Errno.EINTR;

    public override int AcceptAll(int handle, IAcceptor acceptor, int most)
    {
        for (var i = 0; i < most; i++)
        {
            var accepted = TryAccept(handle, out var remote);
            if (accepted >= 0) acceptor.OnAccepted(accepted, remote);
            else if (!IsNoFault(accepted)) return accepted == -Errno.EAGAIN ? 0 : -accepted;
        }
        return 0;
    }

    private int TryAccept(int listener, out EndAddress remote)
    {
        var accepted = Sockets.TryAccept(listener, out remote);
        if (!IsScarce(accepted) || !CloseNow()) return accepted;
        return accepted < 0 ? Sockets.TryAccept(listener, out remote) : Lowest(accepted);
    }

    /// <summary>Descriptors have run out, or this is one of those that are kept.</summary>
    private bool IsScarce(int handle) => handle is -Errno.EMFILE or -Errno.ENFILE || Descriptors.IsKept(handle);

    /// <summary>The same socket under a lower number, if there is one.</summary>
    private static int Lowest(int handle)
    {
        var lower = DescriptorPassing.TryDuplicate(handle);
        if (lower < 0) return handle;
        Sockets.Close(Math.Max(handle, lower));
        return Math.Min(handle, lower);
    }

    public override int Attach(Endpoint endpoint, int handle)
    {
        Check.That(endpoint.Handle < 0);
        Register(endpoint, handle);
        endpoint.Flags |= EndpointFlags.Open;
        var errno = Watch(endpoint);
        if (errno != 0)
        {
            Unregister(endpoint);
            return errno;
        }
        MoveTlsHere(endpoint);
        if (endpoint.Unread.IsEmpty) return 0;
        endpoint.Flags |= EndpointFlags.Readable;
        ReadOn(endpoint);
        return 0;
    }

    /// <summary>From now on its edges are told.</summary>
    /// <returns>0 or an errno.</returns>
    private int Watch(Endpoint endpoint)
    {
        var data = Data(endpoint.Handle, endpoint.Generation);
        if (!_waitsByRing) return -_set.TryAdd(endpoint.Handle, StreamInterest, data);
        _ring!.Poll(endpoint.Handle, StreamInterest, data);
        return 0;
    }

    public override void Discard(int handle) => Sockets.Close(handle);

    public override void ReadNow(Endpoint endpoint)
    {
        InDelivery = endpoint;
        Receive(endpoint);
    }

    public override int Detach(Endpoint endpoint)
    {
        SendDeferredTo(endpoint);
        Check.That(endpoint.IsOpen && !endpoint.IsCongested);
        if (endpoint.Has(EndpointFlags.Gathered)) KeepGathered(endpoint);
        MoveTlsAway(endpoint);
        var handle = endpoint.Handle;
        if (_waitsByRing) _ring!.EndPoll(Data(handle, endpoint.Generation), Unasked);
        else _set.Remove(handle);
        Unregister(endpoint);
        return handle;
    }

    public override int Connect(Endpoint endpoint, NativeAddress address)
    {
        var handle = Sockets.TryOpen(address.Family);
        if (IsScarce(handle) && CloseNow())
        {
            if (handle >= 0) Sockets.Close(handle);
            handle = Sockets.TryOpen(address.Family);
        }
        if (handle < 0) return -handle;
        if (Descriptors.IsKept(handle))
        {
            Sockets.Close(handle);
            return Errno.EMFILE;
        }
        if (address.Family != SocketFamily.Unix) _tune(handle);
        var result = Sockets.TryConnect(handle, address);
        if (result < 0 && result != -Errno.EINPROGRESS)
        {
            Sockets.Close(handle);
            return -result;
        }
        Register(endpoint, handle);
        endpoint.Flags |= EndpointFlags.Open | EndpointFlags.Connecting;
        return Watch(endpoint);
    }

    private void FinishConnect(Endpoint endpoint, Readiness readiness)
    {
        if ((readiness & (Readiness.Out | AnyEnd)) == 0) return;
        endpoint.Flags &= ~EndpointFlags.Connecting;
        var error = Sockets.TakeError(endpoint.Handle);
        if ((readiness & AnyInput) != 0) endpoint.Flags |= EndpointFlags.Readable;
        if ((readiness & AnyEnd) != 0) endpoint.Flags |= EndpointFlags.PeerClosed;
        endpoint.OnConnected(error);
        if (endpoint.MayRead) Enqueue(endpoint); // No other edge will tell of it.
    }

    public override void Close(Endpoint endpoint)
    {
        if (endpoint.Handle < 0) return;
        EndTls(endpoint);
        SendDeferred(); // Others' bytes, too, are sent before it.
        var handle = endpoint.Handle;
        if (_waitsByRing) CloseByRing(handle, endpoint.Generation);
        Unregister(endpoint);
        DropBytes(endpoint);
        if (!_waitsByRing) Sockets.Close(handle);
    }

    public override EndAddress LocalAddress(Endpoint endpoint) => Sockets.LocalAddress(endpoint.Handle);

    public override TcpHealth HealthOf(Endpoint endpoint) => Sockets.Health(endpoint.Handle);

    public override bool IsPeerGone(Endpoint endpoint) => DescriptorPassing.IsPeerGone(endpoint.Handle);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected override int TrySend(Endpoint endpoint, ReadOnlySpan<byte> data) => Taken(Sockets.TrySend(endpoint.Handle, data));

    protected override int TrySend(Endpoint endpoint, ReadOnlySpan<Segment> segments) =>
        Taken(Sockets.TrySend(endpoint.Handle, segments));

    private static int Taken(int result) => result is -Errno.EAGAIN or -Errno.EINTR ? 0 : result;

    private void Register(Endpoint endpoint, int handle)
    {
        if (handle >= _endpoints.Length) Array.Resize(ref _endpoints, Math.Max(handle + 1, _endpoints.Length * 2));
        _generation = (_generation + 1) % RingGeneration;
        endpoint.Generation = _generation;
        endpoint.Handle = handle;
        _endpoints[handle] = endpoint;
    }

    private void Unregister(Endpoint endpoint)
    {
        _endpoints[endpoint.Handle] = null;
        endpoint.Handle = -1;
        endpoint.Generation = ListenerGeneration;
        if (endpoint.Has(EndpointFlags.Queued)) LeaveQueue(endpoint);
        if (endpoint.Has(EndpointFlags.Bulk)) _bulk.Remove(endpoint);
        endpoint.StreamedBytes = 0;
        endpoint.Flags = EndpointFlags.None;
    }

    private void LeaveQueue(Endpoint endpoint)
    {
        var index = Array.IndexOf(_queue, endpoint, 0, _queueCount);
        if (index >= 0) _queue[index] = null!;
        index = Array.IndexOf(_queueBefore, endpoint);
        if (index >= 0) _queueBefore[index] = null!;
    }

    public override void GiveBack()
    {
        base.GiveBack();
        var used = _endpoints.Length;
        while (used > 0 && _endpoints[used - 1] is null) used--;
        SpareRoom.GiveBack(ref _endpoints, used, EndpointsLeast);
        SpareRoom.GiveBack(ref _queue, _queueCount, QueueLeast);
        SpareRoom.GiveBack(ref _queueBefore, _queueCount, QueueLeast); // As long as the other.
        SpareRoom.GiveBack(ref _events, _eventCount, Limits.EventsPerTurn);
        SpareRoom.GiveBack(ref _eventsBefore, 0, Limits.EventsPerTurn);
        _bulk.TrimExcess();
    }

    /// <summary>So many connections, and so much that is to be read, fit without other arrays.</summary>
    internal (int Endpoints, int Queue, int Events) Room =>
        (_endpoints.Length, _queue.Length, Math.Max(_events.Length, _eventsBefore.Length));

    public void Dispose()
    {
        _ring?.Dispose();
        if (!_waitsByRing) _set.Dispose();
        _wakeUp.Dispose();
    }

    private static ulong Data(int handle, uint generation) => ((ulong)generation << 32) | (uint)handle;
}
