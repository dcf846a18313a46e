using System.Runtime.CompilerServices;
using FastPool.Base;
using FastPool.Native;

namespace FastPool.Io;

/// <summary>A listening socket's owner on one loop.</summary>
public interface IAcceptor
{
    /// <summary>A new connection, its descriptor now the acceptor's.</summary>
    void OnAccepted(int handle, EndAddress remote);

    /// <summary>accept() failed with the errno; the engine goes on when the listener is attached anew.</summary>
    void OnAcceptFailed(int errno);
}

/// <summary>
/// Moves bytes for one loop and tells endpoints what happened, as completions: how readiness is found out stays in here.
/// Belongs to the loop's thread, but for <see cref="Wake"/>.
/// </summary>
public abstract class Engine(BufferPool buffers)
{
    private readonly List<(Endpoint Endpoint, uint Generation, int Errno)> _untold = [];
    private SendBatch? _batch;
    private int _deliveriesPutOff;
    private TlsCarrier? _tls;

    protected BufferPool Buffers { get; } = buffers;

    /// <summary>The clock as of the start of this turn; kept by the loop.</summary>
    public long NowUs { get; set; }

    /// <summary>Bytes of one endpoint that are dealt with before it is the others' turn, in whole receives.</summary>
    public long BytesPerTurn { get; set; }

    /// <summary>The descriptors that new connections leave alone.</summary>
    public DescriptorReserve Descriptors { get; set; } = new();

    /// <summary>The endpoint whose completion is, or was last, delivered; null: a listener's completion.</summary>
    public Endpoint? InDelivery { get; protected set; }

    /// <summary>How many sends have left in one call with others.</summary>
    public long SentTogether { get; protected set; }

    /// <summary>
    /// Waits at most so long, then delivers what has completed; <paramref name="observer"/> hears of the turn's begin and of each
    /// delivery's end.
    /// </summary>
    public abstract void Turn(int timeoutMs, ITurnObserver observer);

    /// <summary>Ends a wait of the loop's. Any thread.</summary>
    public abstract void Wake();

    /// <returns>0 or an errno: then new connections are not reported.</returns>
    public abstract int Listen(int handle, IAcceptor acceptor);

    public abstract void StopListening(int handle);

    /// <summary>Takes what a listener has by now, though nothing tells of it.</summary>
    /// <param name="most">At most so many.</param>
    /// <returns>0: it has no more for now, or that many were taken. Else the errno of accept(): some may wait still.</returns>
    public abstract int AcceptAll(int handle, IAcceptor acceptor, int most);

    /// <summary>Takes over a connected stream.</summary>
    /// <returns>0 or an errno: then the handle is still the caller's to close.</returns>
    public abstract int Attach(Endpoint endpoint, int handle);

    /// <summary>Its first bytes are known to be here: reads them now, without waiting to be told.</summary>
    public virtual void ReadNow(Endpoint endpoint)
    {
    }

    /// <summary>Gives the stream up, open as it is, for another loop to attach. It owes and holds nothing.</summary>
    /// <returns>The handle.</returns>
    public abstract int Detach(Endpoint endpoint);

    /// <summary>Begins to connect; OnConnected follows unless an errno comes back.</summary>
    public abstract int Connect(Endpoint endpoint, NativeAddress address);

    public abstract void Close(Endpoint endpoint);

    /// <summary>Closes a stream that belongs to no endpoint: it was given up, and could not be attached again.</summary>
    public abstract void Discard(int handle);

    /// <summary>Closes the stream of an endpoint that could not be attached again, and forgets its TLS.</summary>
    public void Discard(Endpoint endpoint, int handle)
    {
        MoveTlsHere(endpoint);
        ForgetTls(endpoint);
        Discard(handle);
    }

    /// <summary>
    /// The last bytes end in the middle of a stream of rows or COPY data. An engine may wait for more at a time.
    /// </summary>
    public virtual void Streams(Endpoint endpoint, int bytes)
    {
    }

    /// <summary>The stream is over: every byte counts again.</summary>
    public void EndStream(Endpoint endpoint)
    {
        if (endpoint.StreamedBytes != 0) EndStreamed(endpoint);
    }

    /// <summary>A stream is over of which bytes were counted.</summary>
    protected virtual void EndStreamed(Endpoint endpoint)
    {
    }

    public abstract EndAddress LocalAddress(Endpoint endpoint);

    /// <summary>
    /// The peer has closed, whether or not the endpoint has heard of it: it has just been attached, say, or its turn has not come
    /// yet.
    /// </summary>
    public abstract bool IsPeerGone(Endpoint endpoint);

    /// <summary>Keeps received bytes that cannot be delivered now: they are as if the kernel had them still.</summary>
    public void Keep(Endpoint endpoint, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        endpoint.Unread.Append(bytes, Buffers);
        endpoint.Flags |= EndpointFlags.Readable;
        ReadOn(endpoint);
    }

    /// <summary>Moves bytes that were kept to the buffer of a receive.</summary>
    /// <returns>How many; 0: there are none.</returns>
    protected int TakeKept(Endpoint endpoint, Span<byte> buffer)
    {
        var count = Math.Min(endpoint.Unread.Count, buffer.Length);
        if (count == 0) return 0;
        endpoint.Unread.Span[..count].CopyTo(buffer);
        endpoint.Unread.Consume(count, Buffers);
        return count;
    }

    /// <summary>How the peer is, as far as the kernel tells.</summary>
    public virtual TcpHealth HealthOf(Endpoint endpoint) => default;

    /// <summary>Reads nothing more from the endpoint until told to resume.</summary>
    public virtual void Pause(Endpoint endpoint) => endpoint.Flags |= EndpointFlags.Paused;

    public void Resume(Endpoint endpoint)
    {
        endpoint.Flags &= ~EndpointFlags.Paused;
        ReadOn(endpoint);
    }

    /// <summary>See <see cref="EndpointFlags.AnswersPooler"/>.</summary>
    public void SetAnswersPooler(Endpoint endpoint, bool value)
    {
        if (!value)
        {
            endpoint.Flags &= ~EndpointFlags.AnswersPooler;
            return;
        }
        endpoint.Flags |= EndpointFlags.AnswersPooler;
        ReadOn(endpoint);
    }

    /// <summary>
    /// Lets the endpoint stand still as it is, until unparked. Events of the kernel are only noted meanwhile. Its unsent bytes
    /// still go out, unless <see cref="IsFrozen"/>.
    /// </summary>
    public void Park(Endpoint endpoint) => endpoint.Flags |= EndpointFlags.Parked;

    /// <summary>Goes on with a parked endpoint where it stood.</summary>
    public abstract void Unpark(Endpoint endpoint);

    /// <summary>Parked endpoints send nothing any more either: another process may be about to go on in their place.</summary>
    public bool IsFrozen { get; set; }

    // ---- TLS --------------------------------------------------------------------------------------------------------

    private TlsCarrier Tls => _tls ??= new TlsCarrier(Buffers);

    /// <summary>
    /// From now on all bytes sent and received are encrypted. The client side of a handshake begins at once;
    /// <see cref="Endpoint.OnSecured"/> or <see cref="Endpoint.OnTlsFailed"/> follows.
    /// </summary>
    /// <param name="server">See <see cref="TlsStream"/>.</param>
    /// <param name="serverName">See <see cref="TlsStream"/>.</param>
    /// <returns>False when the connection is broken.</returns>
    public bool Secure(Endpoint endpoint, TlsContext context, string? server = null, string? serverName = null)
    {
        Check.That(endpoint.Tls is null);
        endpoint.Tls = new TlsStream(context, Tls.Transfer, server, serverName);
        return context.IsServer || Tls.Start(this, endpoint);
    }

    /// <summary>Bytes have come: to the owner, through TLS if there is one.</summary>
    protected void Deliver(Endpoint endpoint, byte[] buffer, int start, int count)
    {
        // A long delivery delays what is put off for as long as many short ones.
        if (count >= Limits.ReceiveTogetherBytes && _batch is { Count: > 0 })
            _deliveriesPutOff += count / Limits.ReceiveTogetherBytes;
        if (endpoint.Tls is null) endpoint.OnReceived(buffer, start, count);
        else Tls.Deliver(this, endpoint, buffer.AsSpan(start, count));
    }

    /// <summary>Ciphertext that was received in plain view: the first flight of a client that did not ask.</summary>
    public void DeliverCipher(Endpoint endpoint, ReadOnlySpan<byte> cipher) => Tls.Deliver(this, endpoint, cipher);

    /// <summary>An endpoint has come from another loop.</summary>
    protected void MoveTlsHere(Endpoint endpoint)
    {
        if (endpoint.Tls is not null) Tls.MoveHere(endpoint.Tls);
    }

    /// <summary>Goes on with TLS that another process has given up.</summary>
    /// <param name="state">Of <see cref="TlsRecords.Give"/>.</param>
    /// <returns>False: it cannot be.</returns>
    public bool TryRestoreTls(Endpoint endpoint, ReadOnlySpan<byte> state)
    {
        if (!TlsLibrary.TryLoad() || Tls.TryRestore(state) is not { } records) return false;
        endpoint.Tls = records;
        return true;
    }

    /// <summary>Another process has its keys: here they are forgotten, without a word to the peer.</summary>
    public void ForgetTls(Endpoint endpoint)
    {
        if (endpoint.Tls is not null) Tls.Forget(endpoint);
    }

    /// <summary>Connections of this engine that are on own records, and in the library's hands.</summary>
    public (int Own, int Library) TlsCounts => (_tls?.OwnCount ?? 0, _tls?.LibraryCount ?? 0);

    /// <summary>An endpoint leaves for another loop.</summary>
    protected void MoveTlsAway(Endpoint endpoint)
    {
        if (endpoint.Tls is not null) Tls.MoveAway(endpoint.Tls);
    }

    /// <summary>Before the handle is closed.</summary>
    protected void EndTls(Endpoint endpoint)
    {
        if (endpoint.Tls is not null) Tls.End(this, endpoint);
    }

    // ---- sending ----------------------------------------------------------------------------------------------------

    /// <summary>
    /// Sends all of it: what the kernel does not take at once is kept, and the endpoint is congested until it is gone.
    /// </summary>
    /// <returns>False when the connection is broken; the owner closes it.</returns>
    public bool Send(Endpoint endpoint, ReadOnlySpan<byte> data)
    {
        CheckBound(endpoint);
        return endpoint.Tls is null ? SendRaw(endpoint, data) : Tls.Send(this, endpoint, data);
    }

    internal bool SendRaw(Endpoint endpoint, ReadOnlySpan<byte> data)
    {
        if (_batch is not null && TryDefer(endpoint, data)) return true;
        if (endpoint.Unsent.IsEmpty)
        {
            var sent = TrySend(endpoint, data);
            if (sent == data.Length) return true;
            if (sent < 0) return false;
            data = data[sent..];
        }
        endpoint.Unsent.Append(data, Buffers);
        return true;
    }

    /// <summary>
    /// The sources of an endpoint's bytes are not read while it is congested (<see cref="Endpoint.IsHeldUp"/>). A send to one
    /// that has very much unsent has passed that by: it is a mistake of ours, and costs the connection being served.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CheckBound(Endpoint endpoint) => Check.That(!endpoint.Unsent.HasPieces || IsInBound(endpoint));

    private static bool IsInBound(Endpoint endpoint) => endpoint.Unsent.Count <= (long)Limits.UnsentBytesMax + endpoint.Room;

    /// <summary>As <see cref="Send(Endpoint, ReadOnlySpan{byte})"/>, several pieces in one call.</summary>
    public bool Send(Endpoint endpoint, ReadOnlySpan<Segment> segments)
    {
        CheckBound(endpoint);
        if (endpoint.Tls is not null) return Tls.Send(this, endpoint, segments);
        if (_batch is not null && TryDefer(endpoint, segments)) return true;
        var sent = 0;
        if (endpoint.Unsent.IsEmpty)
        {
            sent = TrySend(endpoint, segments);
            if (sent < 0) return false;
        }
        foreach (var segment in segments)
        {
            var skipped = Math.Min(sent, segment.Length);
            sent -= skipped;
            endpoint.Unsent.Append(segment.Buffer.AsSpan(segment.Start + skipped, segment.Length - skipped), Buffers);
        }
        return true;
    }

    /// <returns>Bytes taken, 0 when full, negative when broken.</returns>
    protected abstract int TrySend(Endpoint endpoint, ReadOnlySpan<byte> data);

    protected abstract int TrySend(Endpoint endpoint, ReadOnlySpan<Segment> segments);

    // ---- sends of a turn together -----------------------------------------------------------------------------------

    /// <summary>
    /// From now on small sends wait for others of their turn, and leave by <see cref="TrySendTogether"/>. Each system call
    /// that wakes a peer is a chance for the kernel to take the core away from the loop; together they are one.
    /// </summary>
    protected void BeginTogether() => _batch = new SendBatch();

    /// <summary>Makes the sends of the batch in one call, and fills in the results. Those it does not make are made one by one.
    /// </summary>
    private protected virtual void TrySendTogether(SendBatch batch)
    {
    }

    /// <summary>Sends that were put off; null: none ever are.</summary>
    private protected SendBatch? Batch => _batch;

    /// <summary>
    /// Sends the bytes that were put off. The state of a stream must not be looked at, or given away, before that.
    /// </summary>
    /// <returns>False: it is broken, and its owner has yet to hear of it.</returns>
    public bool SendDeferredTo(Endpoint endpoint)
    {
        if (endpoint.Has(EndpointFlags.Deferred)) Submit();
        foreach (var (other, _, _) in _untold)
        {
            if (ReferenceEquals(other, endpoint)) return false;
        }
        return true;
    }

    /// <summary>Everything that was put off leaves now, before streams stand still or one of them ends.</summary>
    public void SendDeferred()
    {
        if (_batch is { Count: > 0 }) Submit();
    }

    private bool TryDefer(Endpoint endpoint, ReadOnlySpan<byte> data)
    {
        if (!MayDefer(endpoint, data.Length)) return false;
        if (_batch!.TryAdd(endpoint, data)) return true;
        Submit();
        return endpoint.Unsent.IsEmpty && _batch.TryAdd(endpoint, data);
    }

    private bool TryDefer(Endpoint endpoint, ReadOnlySpan<Segment> segments)
    {
        var length = 0;
        foreach (var segment in segments) length += segment.Length;
        if (!MayDefer(endpoint, length)) return false;
        if (_batch!.TryAdd(endpoint, segments, length)) return true;
        Submit();
        return endpoint.Unsent.IsEmpty && _batch.TryAdd(endpoint, segments, length);
    }

    private bool MayDefer(Endpoint endpoint, int length)
    {
        if (length <= Limits.SendTogetherBytes && endpoint.Unsent.IsEmpty) return true;
        SendDeferredTo(endpoint); // Bytes that were put off go first.
        return false;
    }

    private void Submit()
    {
        TrySendTogether(_batch!);
        FinishBatch();
    }

    /// <summary>The results are there, or are not to be had: what was not made is made, and the batch is empty.</summary>
    private protected void FinishBatch()
    {
        var batch = _batch!;
        _deliveriesPutOff = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            var (endpoint, start, length) = batch[i];
            var result = batch.Results[i];
            batch.Results[i] = SendBatch.NotMade;
            if (result == length) continue;
            var errno = Finish(endpoint, batch.Bytes.AsSpan(start, length), result);
            if (errno != 0) EndLater(endpoint, errno);
        }
        batch.Clear();
    }

    /// <summary>Keeps the bytes that the peer has not taken. An exception here ends this connection alone.</summary>
    /// <returns>0, or the errno that it is broken by.</returns>
    private int Finish(Endpoint endpoint, ReadOnlySpan<byte> bytes, int result)
    {
        try
        {
            var sent = result == SendBatch.NotMade ? TrySend(endpoint, bytes) : result;
            if (sent < 0) return -sent;
            endpoint.Unsent.Append(bytes[sent..], Buffers);
            return 0;
        }
        catch (Exception)
        {
            return Errno.EPIPE;
        }
    }

    /// <summary>A delivery is over, and with it the time in which no owner may be called.</summary>
    protected void EndDelivery(ITurnObserver observer)
    {
        observer.OnDelivered();
        if (_batch is { Count: > 0 }
            && (++_deliveriesPutOff >= Limits.DeliveriesPutOffMax || _batch.Count >= SendsPutOffMost)) SendAll(observer);
    }

    /// <summary>As soon as so many sends wait for each other they leave.</summary>
    private protected virtual int SendsPutOffMost => Limits.SendsTogether;

    /// <summary>Sends what was put off, and tells those whose connection is broken.</summary>
    /// <returns>False: there was none.</returns>
    protected bool SendAll(ITurnObserver observer)
    {
        SendDeferred();
        if (_untold.Count == 0) return false;
        do
        {
            for (var i = 0; i < _untold.Count; i++) Tell(_untold[i], observer);
            _untold.Clear();
            SendDeferred();
        } while (_untold.Count > 0);
        return true;
    }

    /// <summary>It is broken: its owner hears of it when no delivery is under way.</summary>
    private protected void EndLater(Endpoint endpoint, int errno) => _untold.Add((endpoint, endpoint.Generation, errno));

    /// <summary>Some connection is broken, and its owner has not been told.</summary>
    private protected bool HasUntold => _untold.Count > 0;

    private void Tell((Endpoint Endpoint, uint Generation, int Errno) trouble, ITurnObserver observer)
    {
        var (endpoint, generation, errno) = trouble;
        if (!endpoint.IsOpen || endpoint.Generation != generation) return;
        if (endpoint.IsParked)
        {
            // It hears of its end when it goes on, by reading.
            endpoint.Flags |= EndpointFlags.Readable | EndpointFlags.PeerClosed;
            return;
        }
        InDelivery = endpoint;
        try
        {
            endpoint.OnEnded(errno);
        }
        catch (Exception e)
        {
            observer.OnThrown("the end of a connection", e, endpoint);
        }
        observer.OnDelivered();
    }

    /// <summary>Sends what is kept.</summary>
    /// <returns>False when broken.</returns>
    protected bool Flush(Endpoint endpoint)
    {
        if (endpoint.Unsent.IsEmpty) return true;
        var isFull = false;
        while (!isFull && !endpoint.Unsent.IsEmpty)
        {
            var front = endpoint.Unsent.Front;
            var sent = TrySend(endpoint, front);
            if (sent < 0) return false;
            isFull = sent < front.Length;
            endpoint.Unsent.Consume(sent, Buffers);
        }
        if (endpoint.Room > 0) endpoint.OnTaken();
        var other = endpoint.Other;
        if (endpoint.Unsent.IsEmpty)
        {
            endpoint.OnDrained();
            ReadOn(endpoint);
        }
        if (other is not null) ReadOn(other); // All is taken, or there is room for more.
        return true;
    }

    /// <summary>Bytes that the peer has not taken, or its owner has not heard of, are lost: the connection ends.</summary>
    protected void DropBytes(Endpoint endpoint)
    {
        endpoint.Unsent.Clear(Buffers);
        endpoint.Unread.Clear(Buffers);
        if (endpoint.Room > 0) endpoint.OnTaken();
    }

    /// <summary>At rest: room that a crowd has needed is given back.</summary>
    public virtual void GiveBack() => _untold.TrimExcess();

    /// <summary>It may not be held up any more, by something that no completion tells.</summary>
    public void LookAgain(Endpoint endpoint) => ReadOn(endpoint);

    /// <summary>
    /// Perhaps nothing keeps this endpoint from being read any more: if there is something to read, it is read soon.
    /// </summary>
    protected abstract void ReadOn(Endpoint endpoint);
}

/// <summary>The loop, listening to its engine.</summary>
public interface ITurnObserver
{
    /// <summary>The wait is over, deliveries follow: time to look at the clock.</summary>
    void OnTurnBegun();

    /// <summary>One delivery is done.</summary>
    void OnDelivered();

    /// <summary>Something was thrown in the middle of a delivery: it stays with the connection that was being served.</summary>
    /// <param name="place">Where, for the log.</param>
    /// <param name="served">Null: none yet.</param>
    void OnThrown(string place, Exception thrown, Endpoint? served);
}
