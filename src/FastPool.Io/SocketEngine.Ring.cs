using FastPool.Base;
using FastPool.Native;

namespace FastPool.Io;

/// <summary>The use that an engine makes of io_uring.</summary>
public enum RingUse
{
    None,
    /// <summary>Small sends of a turn leave together.</summary>
    Sends,
    /// <summary>Receives are made together as well, and the call that sends the last bytes waits for the next events.</summary>
    All,
}

/// <summary>
/// Turns by the ring. Polls in it tell of edges as epoll does; they are all that is under way between two calls. Receives are
/// tried for up to <see cref="Limits.ReceivesTogether"/> streams in one call, and the sends of those before leave with them; the
/// last sends of a turn leave in the call that waits.
/// </summary>
public sealed partial class SocketEngine
{
    private const uint RingGeneration = uint.MaxValue - 8;
    private const ulong Unasked = (ulong)RingGeneration << 32;
    private const ulong SendData = (ulong)(RingGeneration + 1) << 32;
    private const ulong ReceiveData = (ulong)(RingGeneration + 2) << 32;
    private const int GatheredBytes = Limits.ReceiveTogetherBytes;
    private const int RingCapacity = 256;
    private const int TriesMax = 10;
    private const int CallsMax = 10_000;

    private bool _waitsByRing;
    private int _underWay;
    private Event[] _events = [];
    private Event[] _eventsBefore = [];
    private int _eventCount;
    private byte[] _gatheredBuffer = [];
    private readonly (Endpoint? Endpoint, uint Generation)[] _gathered = new (Endpoint?, uint)[Limits.ReceivesTogether];
    private readonly int[] _received = new int[Limits.ReceivesTogether];
    private int _gatheredCount;
    private int _gatheredDone;
    private readonly HashSet<int> _polled = []; // Listeners with a poll in the kernel.

    /// <summary>An edge that the ring has told of.</summary>
    private readonly record struct Event(ulong Data, int Result, bool IsLast);

    /// <summary>With a ring they leave with the receives of those that are served next.</summary>
    private protected override int SendsPutOffMost => _waitsByRing ? Limits.SendsTogetherMax : base.SendsPutOffMost;

    /// <summary>By the thread that runs the loop, which has to be the one that uses it.</summary>
    private void OpenRing()
    {
        var isAll = _ringDue == RingUse.All;
        _ringDue = RingUse.None;
        _ring = Ring.TryOpen(RingCapacity, isAll);
        if (_ring is null) return;
        BeginTogether();
        if (!_ring.CanWait) return;
        _waitsByRing = true;
        _gatheredBuffer = BufferPool.NewPinned(Limits.ReceivesTogether * GatheredBytes);
        _received.AsSpan().Fill(SendBatch.NotMade);
        (_events, _eventsBefore) = (new Event[Limits.EventsPerTurn], new Event[Limits.EventsPerTurn]);
        _set.Dispose(); // With all that was registered before.
        PollWakeUps();
        foreach (var handle in _acceptors.Keys) PollListener(handle);
        foreach (var endpoint in _endpoints)
        {
            if (endpoint is not null) Watch(endpoint);
        }
    }

    private void PollWakeUps() => _ring!.Poll(_wakeUp.Fd, Readiness.In, WakeUpData);

    /// <summary>The poll completes once: after each connection another is asked for, which completes at once if one more waits.
    /// </summary>
    private void PollListener(int handle)
    {
        if (_polled.Add(handle)) _ring!.Poll(handle, ListenerInterest, Data(handle, ListenerGeneration), isOnce: true);
    }

    /// <summary>
    /// The poll is over when this returns, though one call does a bounded amount of work. Until then it would hold a socket that
    /// is closed next, and a newcomer that it is told of is told to no other loop.
    /// </summary>
    private void EndPollOfListener(int handle)
    {
        if (!_polled.Contains(handle)) return;
        _ring!.EndPoll(Data(handle, ListenerGeneration), Unasked);
        for (var i = 0; i < CallsMax && _polled.Contains(handle); i++) EnterRing(0, 0);
    }

    private void CloseByRing(int handle, uint generation)
    {
        _ring!.EndPoll(Data(handle, generation), Unasked);
        _ring.Close(handle, Unasked);
    }

    /// <summary>A stream that is closed has its descriptor until the kernel hears of it, which is now.</summary>
    /// <returns>False: it knows of all.</returns>
    private bool CloseNow()
    {
        if (!_waitsByRing || !_ring!.HasAdded) return false;
        EnterRing(0, 0);
        return true;
    }

    // ---- the turn -----------------------------------------------------------------------------------------------------

    private void TurnByRing(int timeoutMs, ITurnObserver observer)
    {
        var mayWait = !(HasUntold && SendAll(observer)) && _queueCount == 0 && _eventCount == 0 && timeoutMs != 0;
        AddSends();
        EnterRing(mayWait ? _underWay + 1 : 0, timeoutMs);
        EndTransfers();
        observer.OnTurnBegun();
        if (HasUntold) SendAll(observer);
        if (_bulk.Count > 0) ReadPausedBulk(observer);
        if (_queueCount > 0) ReadQueue(observer);
        (_events, _eventsBefore) = (_eventsBefore, _events);
        var count = _eventCount;
        _eventCount = 0;
        for (var i = 0; i < count; i++)
        {
            var (data, result, isLast) = _eventsBefore[i];
            if (data == WakeUpData)
            {
                if (isLast) PollWakeUps();
                continue;
            }
            Take((int)(uint)data, (uint)(data >> 32), result, isLast, observer);
            if (_gatheredCount == Limits.ReceivesTogether) ReceiveGathered(observer);
        }
        if (_gatheredCount > 0) ReceiveGathered(observer);
    }

    /// <summary>An edge, or the end of a poll.</summary>
    private void Take(int handle, uint generation, int result, bool isLast, ITurnObserver observer)
    {
        if (generation == ListenerGeneration)
        {
            if (result < 0 && result != -Errno.ECANCELED && _acceptors.TryGetValue(handle, out var acceptor))
                acceptor.OnAcceptFailed(-result); // It pauses.
            else if (result >= 0) Serve(Readiness.In, handle, generation, observer);
            if (_acceptors.ContainsKey(handle)) PollListener(handle);
            return;
        }
        if (Find(handle, generation) is not { } endpoint) return;
        if (result < 0)
        {
            EndLater(endpoint, -result); // The kernel has no memory for the poll: nothing more would be heard of it.
            return;
        }
        if (isLast) Watch(endpoint);
        Serve((Readiness)result, handle, generation, observer);
    }

    /// <summary>It is received with others, unless it is among them already.</summary>
    private void Gather(Endpoint endpoint)
    {
        if (endpoint.Has(EndpointFlags.Gathered)) return;
        endpoint.Flags |= EndpointFlags.Gathered;
        _gathered[_gatheredCount++] = (endpoint, endpoint.Generation);
    }

    private void ReceiveGathered(ITurnObserver observer)
    {
        if (_gatheredCount > 1 || Batch!.Count > 0) ReceiveTogether();
        try
        {
            while (_gatheredDone < _gatheredCount) DeliverGathered(_gatheredDone++, observer);
        }
        finally
        {
            while (_gatheredDone < _gatheredCount) KeepGathered(_gatheredDone++); // Something was thrown between two deliveries.
            _gatheredCount = _gatheredDone = 0;
        }
    }

    private void DeliverGathered(int index, ITurnObserver observer)
    {
        var (endpoint, generation) = _gathered[index];
        _gathered[index] = default;
        var received = _received[index];
        _received[index] = SendBatch.NotMade;
        if (endpoint is null || endpoint.Generation != generation) return; // It has left, or is closed since.
        endpoint.Flags &= ~EndpointFlags.Gathered;
        InDelivery = endpoint;
        try
        {
            if (received != SendBatch.NotMade) Receive(endpoint, index, received);
            else if (endpoint.MayRead) Receive(endpoint);
            else if (endpoint.Has(EndpointFlags.PeerClosed)) Enqueue(endpoint); // It is held up since it was gathered.
        }
        catch (Exception e)
        {
            observer.OnThrown("a delivery", e, InDelivery);
        }
        EndDelivery(observer);
        if (BytesPerTurn > Limits.ReceiveBytes) ReadMore(observer);
    }

    private void ReceiveTogether()
    {
        AddSends();
        for (var i = 0; i < _gatheredCount; i++)
        {
            var (endpoint, generation) = _gathered[i];
            _received[i] = SendBatch.NotMade;
            if (endpoint is null || endpoint.Generation != generation) continue; // By now its bytes may be another loop's.
            if (endpoint.Has(EndpointFlags.BringsMuch) || !endpoint.Unread.IsEmpty) continue;
            if (_ring!.TryReceive(endpoint.Handle, _gatheredBuffer, i * GatheredBytes, GatheredBytes, ReceiveData | (uint)i))
                _underWay++;
        }
        if (_underWay == 0) return;
        EnterRing(0, 0);
        EndTransfers();
    }

    /// <summary>Delivers the bytes in its part of the common buffer, and more if that is full.</summary>
    private void Receive(Endpoint endpoint, int index, int received)
    {
        if (IsNothingYet(received))
        {
            endpoint.Flags &= ~EndpointFlags.Readable;
            return;
        }
        if (received <= 0)
        {
            if (endpoint.MayHear) endpoint.OnEnded(-received);
            else NoteEnd(endpoint);
            return;
        }
        var isFull = received == GatheredBytes;
        if (isFull) endpoint.Flags |= EndpointFlags.BringsMuch;
        else NoteEmptied(endpoint);
        var bytes = _gatheredBuffer.AsSpan(index * GatheredBytes, received);
        if (!endpoint.MayHear)
        {
            Keep(endpoint, bytes);
            if (endpoint.Has(EndpointFlags.PeerClosed)) Enqueue(endpoint);
            return;
        }
        bytes.CopyTo(_buffer.AsSpan(ReceiveAt));
        if (isFull)
        {
            var more = Sockets.TryReceive(endpoint.Handle, _buffer, ReceiveAt + received, Limits.ReceiveBytes - received);
            if (more > 0) received += more;
            if (more > 0 ? received < Limits.ReceiveBytes : IsNothingYet(more)) NoteEmptied(endpoint);
            else if (more <= 0) endpoint.Flags |= EndpointFlags.PeerClosed;
        }
        DeliverReceived(endpoint, received);
    }

    /// <summary>It was received that the peer has closed, when that may not be told: the next read finds it again.</summary>
    private void NoteEnd(Endpoint endpoint)
    {
        endpoint.Flags |= EndpointFlags.Readable | EndpointFlags.PeerClosed;
        Enqueue(endpoint);
    }

    /// <summary>It leaves, or stands still, before its bytes are delivered: they go with it.</summary>
    private void KeepGathered(Endpoint endpoint)
    {
        for (var i = _gatheredDone; i < _gatheredCount; i++)
        {
            if (!ReferenceEquals(_gathered[i].Endpoint, endpoint)) continue;
            KeepGathered(i);
            return;
        }
    }

    private void KeepGathered(int index)
    {
        var (endpoint, generation) = _gathered[index];
        _gathered[index] = default;
        if (endpoint is null || endpoint.Generation != generation) return;
        endpoint.Flags &= ~EndpointFlags.Gathered;
        Keep(endpoint, _gatheredBuffer.AsSpan(index * GatheredBytes, Math.Max(0, _received[index])));
        _received[index] = SendBatch.NotMade;
        ReadOn(endpoint);
    }

    // ---- calls --------------------------------------------------------------------------------------------------------

    /// <summary>One alone costs less by a plain send, unless it leaves in the call of something else.</summary>
    private protected override void TrySendTogether(SendBatch batch)
    {
        if (_ring is null || batch.Count == 1) return;
        AddSends();
        EnterRing(0, 0);
        AwaitTransfers();
    }

    private void AddSends()
    {
        var batch = Batch!;
        for (var i = 0; i < batch.Count; i++)
        {
            var (endpoint, start, length) = batch[i];
            if (!_ring!.TrySend(endpoint.Handle, batch.Bytes, start, length, SendData | (uint)i)) continue;
            SentTogether++;
            _underWay++;
        }
    }

    /// <summary>The results of all sends and receives are there, or they are not made.</summary>
    private void EndTransfers()
    {
        AwaitTransfers();
        if (Batch!.Count > 0) FinishBatch();
    }

    /// <summary>
    /// None waits for its peer, so that all results are here at once, as a rule: the kernel may put one off, or take not all.
    /// </summary>
    private void AwaitTransfers()
    {
        for (var i = 0; _underWay > 0; i++)
        {
            if (i == TriesMax) _underWay -= _ring!.GiveUpTransfers();
            EnterRing(_ring!.HasAdded ? 0 : 1, -1);
        }
    }

    /// <summary>Enters the kernel, and takes what has completed.</summary>
    private void EnterRing(int awaited, int timeoutMs)
    {
        var ring = _ring!;
        ring.Enter(awaited, timeoutMs);
        while (ring.TryTake(out var data, out var result, out var isLast))
        {
            switch (data & ~(ulong)uint.MaxValue)
            {
                case SendData:
                    Batch!.Results[(uint)data] = Taken(result);
                    _underWay--;
                    break;
                case ReceiveData:
                    _received[(uint)data] = result;
                    _underWay--;
                    break;
                case Unasked:
                    break;
                default:
                    if ((uint)(data >> 32) == ListenerGeneration) _polled.Remove((int)(uint)data);
                    if (_eventCount == _events.Length) Array.Resize(ref _events, _eventCount * 2);
                    _events[_eventCount++] = new Event(data, result, isLast);
                    break;
            }
        }
    }
}
