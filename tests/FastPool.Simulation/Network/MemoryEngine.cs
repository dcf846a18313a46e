using FastPool.Base;
using FastPool.Io;
using FastPool.Native;
using FastPool.Net;

namespace FastPool.Simulation.Network;

/// <summary>
/// The engine in memory: what SocketEngine does with the kernel, this does with <see cref="MemorySocket"/>s, and whenever
/// the kernel could do one thing or another the seed decides. It allocates nothing once its arrays have grown.
/// </summary>
internal sealed class MemoryEngine : Engine
{
    private const int ReceiveAt = Limits.HeadroomBytes;
    private const byte Poison = 0xDD;

    private readonly MemoryNetwork _network;
    private readonly Dice _dice;
    private readonly byte[] _buffer = new byte[Limits.HeadroomBytes + Limits.ReceiveBytes];
    private readonly List<Slot> _slots = [];
    private readonly List<(int Handle, IAcceptor Acceptor)> _acceptors = [];
    private readonly Dictionary<Endpoint, Slot> _slotOf = [];
    private readonly Dice _takeovers = new(1);
    private readonly Dice _early = new(2);

    internal MemoryEngine(MemoryNetwork network, Dice dice, BufferPool buffers, bool sendsTogether)
        : base(buffers)
    {
        _network = network;
        _dice = dice;
        if (sendsTogether) BeginTogether();
    }

    private sealed record Slot(Endpoint Endpoint, MemorySocket Socket);

    internal Worlds.Mines? Mines { get; init; }

    /// <summary>The kernel's view of a peer; null: it is not known.</summary>
    internal Func<Endpoint, Native.TcpHealth>? Health { get; set; }

    public override Native.TcpHealth HealthOf(Endpoint endpoint) => Health?.Invoke(endpoint) ?? default;

    /// <summary>Sends to clients so far; the test that kills one at each of them counts with it.</summary>
    internal SendCount? Sends { get; init; }

    /// <summary>Everything is delivered whole, at once and in order: for measurements and for the end of a run.</summary>
    internal bool IsCalm { get; set; }

    /// <summary>Overwrites the buffer after each delivery: who kept a reference to it will be found out.</summary>
    internal bool Poisons { get; set; } = true;

    /// <summary>Wake-ups asked for by other threads' posts.</summary>
    internal int WakeCount { get; private set; }

    /// <summary>Every endpoint that ever was here, for the checker of held buffers; null: not noted.</summary>
    internal HashSet<Endpoint>? Seen { get; init; }

    internal IEnumerable<MemorySocket> Sockets => _slots.Select(slot => slot.Socket);

    public override void Wake() => WakeCount++;

    /// <summary>Lets the time go by for which a turn may wait, in milliseconds; null: no turn waits.</summary>
    internal Action<int>? Sleep { get; set; }

    public override void Turn(int timeoutMs, ITurnObserver observer)
    {
        Sleep?.Invoke(timeoutMs);
        SendAll(observer);
        if (!IsCalm)
        {
            TakeOverTls();
            ReceiveEarly();
        }
        observer.OnTurnBegun();
        AcceptSome(observer);
        var count = _slots.Count;
        var first = IsCalm || count == 0 ? 0 : _dice.Below(count);
        for (var i = 0; i < count; i++)
        {
            var index = (first + i) % count;
            if (index >= _slots.Count) continue; // Some have gone since.
            try
            {
                Deliver(_slots[index]);
            }
            catch (Exception e) when (e is not SimulationException)
            {
                observer.OnThrown("a delivery", e, InDelivery);
            }
            EndDelivery(observer);
        }
        if (IsCalm || _dice.Percent(80)) SendAll(observer);
    }

    /// <summary>Some connection's TLS goes the way from one process to another, be it in the middle of a record.</summary>
    private void TakeOverTls()
    {
        if (_slots.Count == 0 || !_takeovers.OneIn(4)) return;
        var endpoint = _slots[_takeovers.Below(_slots.Count)].Endpoint;
        if (endpoint.Tls is not TlsRecords { IsBroken: false } records) return;
        var state = records.Give();
        ForgetTls(endpoint);
        if (!TryRestoreTls(endpoint, state)) throw new SimulationException("TLS cannot be taken over");
        TlsTakeovers++;
    }

    /// <summary>How often that has happened.</summary>
    internal int TlsTakeovers { get; private set; }

    /// <summary>Bytes of some are received before their turn: by then they may have paused, stand still or be gone.</summary>
    private void ReceiveEarly()
    {
        for (var i = 0; i < Math.Min(_slots.Count, Limits.ReceivesTogether); i++)
        {
            if (!_early.OneIn(4)) continue;
            var (endpoint, socket) = _slots[_early.Below(_slots.Count)];
            if (endpoint.Has(EndpointFlags.Connecting) || !endpoint.Unread.IsEmpty) continue;
            if (!endpoint.MayHear || socket.ReadableCount == 0) continue;
            var received = socket.Receive(_buffer.AsSpan(ReceiveAt, 1 + _early.Below(Limits.ReceiveTogetherBytes)));
            if (received > 0) Keep(endpoint, _buffer.AsSpan(ReceiveAt, received));
        }
    }

    private void AcceptSome(ITurnObserver observer)
    {
        for (var i = 0; i < _acceptors.Count && _network.BacklogCount > 0; i++)
        {
            if (!IsCalm && _dice.Percent(50)) continue;
            var socket = _network.Accept()!;
            _acceptors[i].Acceptor.OnAccepted(socket.Handle, socket.Remote);
            EndDelivery(observer);
        }
    }

    private void Deliver(Slot slot)
    {
        var (endpoint, socket) = slot;
        InDelivery = endpoint;
        if (endpoint.Has(EndpointFlags.Connecting))
        {
            if (socket.ConnectResult is not { } errno) return;
            endpoint.Flags &= ~EndpointFlags.Connecting;
            endpoint.OnConnected(errno);
            return;
        }
        if (endpoint.IsParked && (IsFrozen || !endpoint.IsCongested)) return;
        if (endpoint.IsCongested && (socket.Room > 0 || socket.IsPeerGone) && (IsCalm || _dice.Percent(60)) && !Flush(endpoint))
        {
            endpoint.OnEnded(Errno.EPIPE);
            return;
        }
        if (!endpoint.IsOpen || endpoint.IsParked || endpoint.Handle != socket.Handle) return;
        if (!socket.HasInput && endpoint.Unread.IsEmpty) return;
        if (endpoint.IsPaused || endpoint.IsHeldUp)
        {
            if (!socket.IsPeerClosed || socket.IsEndTold) return;
            socket.IsEndTold = true;
            endpoint.OnPeerClosedWhilePaused();
            return;
        }
        if (IsCalm || _dice.Percent(60)) Receive(endpoint, socket);
    }

    private void Receive(Endpoint endpoint, MemorySocket socket)
    {
        Check.That(!endpoint.IsPaused && !endpoint.IsParked && !endpoint.IsHeldUp);
        var received = TakeKept(endpoint, _buffer.AsSpan(ReceiveAt, Limits.ReceiveBytes));
        if (received == 0)
        {
            var most = IsCalm ? Limits.ReceiveBytes : PieceOf(Math.Min(Limits.ReceiveBytes, Math.Max(1, socket.ReadableCount)));
            received = socket.Receive(_buffer.AsSpan(ReceiveAt, most));
        }
        if (received <= 0)
        {
            endpoint.OnEnded(-received);
            return;
        }
        Deliver(endpoint, _buffer, ReceiveAt, received);
        if (Poisons) _buffer.AsSpan(0, ReceiveAt + received).Fill(Poison);
    }

    /// <summary>Mostly everything, often a cut somewhere, sometimes a single byte.</summary>
    private int PieceOf(int count) => _dice.Below(10) switch
    {
        < 4 => count,
        < 7 => 1 + _dice.Below(count),
        < 9 => 1 + _dice.Below(Math.Min(count, 12)),
        _ => 1,
    };

    /// <summary>The kernel's errno for the next attach, listen or accept; 0: it obeys.</summary>
    internal int NextErrno { get; set; }

    private int TakeErrno()
    {
        var errno = NextErrno;
        NextErrno = 0;
        return errno;
    }

    public override int Listen(int handle, IAcceptor acceptor)
    {
        if (TakeErrno() is var errno and not 0) return errno;
        _acceptors.Add((handle, acceptor));
        return 0;
    }

    public override void StopListening(int handle) => _acceptors.RemoveAll(pair => pair.Handle == handle);

    public override int AcceptAll(int handle, IAcceptor acceptor, int most)
    {
        if (TakeErrno() is var errno and not 0) return errno;
        for (var i = 0; i < most && _network.Accept() is { } socket; i++) acceptor.OnAccepted(socket.Handle, socket.Remote);
        return 0;
    }

    public override int Attach(Endpoint endpoint, int handle)
    {
        Check.That(endpoint.Handle < 0);
        if (TakeErrno() is var errno and not 0) return errno;
        Register(endpoint, _network[handle]);
        endpoint.Flags |= EndpointFlags.Open;
        MoveTlsHere(endpoint);
        return 0;
    }

    public override int Detach(Endpoint endpoint)
    {
        SendDeferredTo(endpoint);
        Check.That(endpoint.IsOpen && !endpoint.IsCongested);
        MoveTlsAway(endpoint);
        var handle = endpoint.Handle;
        Unregister(endpoint);
        return handle;
    }

    public override int Connect(Endpoint endpoint, NativeAddress address)
    {
        var (socket, errno) = _network.Dial(address);
        if (socket is null) return errno;
        Register(endpoint, socket);
        endpoint.Flags |= EndpointFlags.Open | EndpointFlags.Connecting;
        return 0;
    }

    public override void Close(Endpoint endpoint)
    {
        if (endpoint.Handle < 0) return;
        EndTls(endpoint);
        SendDeferred();
        var socket = _network[endpoint.Handle];
        Unregister(endpoint);
        DropBytes(endpoint);
        socket.ClosePooler();
        _network.Forget(socket);
    }

    public override void Discard(int handle)
    {
        var socket = _network[handle];
        socket.ClosePooler();
        _network.Forget(socket);
    }

    protected override void ReadOn(Endpoint endpoint)
    {
    }

    public override void Unpark(Endpoint endpoint) => endpoint.Flags &= ~EndpointFlags.Parked;

    public override EndAddress LocalAddress(Endpoint endpoint) => _network[endpoint.Handle].Remote;

    public override bool IsPeerGone(Endpoint endpoint) => _network[endpoint.Handle].IsPeerClosed;

    protected override int TrySend(Endpoint endpoint, ReadOnlySpan<byte> data)
    {
        Check.That(!endpoint.Has(EndpointFlags.Connecting));
        if (endpoint.Tls is null) Mines?.Step(); // A record that is lost on the way would break the peer's side too.
        if (endpoint is ClientConnection && Sends is not null && Sends.IsLast()) _network[endpoint.Handle].PeerReset();
        var most = IsCalm || _dice.Percent(70) ? data.Length : _dice.Percent(30) ? 0 : PieceOf(data.Length);
        return _network[endpoint.Handle].Send(data, most);
    }

    protected override int TrySend(Endpoint endpoint, ReadOnlySpan<Segment> segments)
    {
        var total = 0;
        foreach (var segment in segments)
        {
            var sent = TrySend(endpoint, segment.Buffer.AsSpan(segment.Start, segment.Length));
            if (sent < 0) return sent;
            total += sent;
            if (sent < segment.Length) break;
        }
        return total;
    }

    private void Register(Endpoint endpoint, MemorySocket socket)
    {
        endpoint.Handle = socket.Handle;
        socket.IsEndTold = false;
        var slot = new Slot(endpoint, socket);
        _slots.Add(slot);
        _slotOf.Add(endpoint, slot);
        Seen?.Add(endpoint);
    }

    private void Unregister(Endpoint endpoint)
    {
        endpoint.Handle = -1;
        endpoint.Flags = EndpointFlags.None;
        _slotOf.Remove(endpoint, out var slot);
        _slots.Remove(slot!);
    }
}

/// <summary>Counts sends to clients, over all loops of a world.</summary>
internal sealed class SendCount
{
    internal int Count { get; private set; }

    /// <summary>The client dies in the middle of this one; 0: of none.</summary>
    internal int KillAt { get; init; }

    internal bool IsLast() => ++Count == KillAt;
}
