using System.Net;
using System.Net.Sockets;
using FastPool.Base;
using FastPool.Io;
using FastPool.Native;

namespace FastPool.Tests.Io;

/// <summary>
/// Streams that have something to read at the same time, on real sockets. With io_uring (where this machine has it) they are
/// received in one call. While the first is served, the others' bytes are here already.
/// </summary>
public sealed class ReceivesTogetherTests : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly TurnObserver _observer = new();

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void Each_gets_its_own_bytes_in_their_order_however_many_there_are(RingUse use)
    {
        var engine = NewEngine(use);
        var peers = Enumerable.Range(0, 60).Select(_ => Connect(engine)).ToList();
        var expected = peers.Select(static _ => new List<byte>()).ToList();
        for (var round = 0; round < 6; round++)
        {
            for (var i = 0; i < peers.Count; i++)
            {
                if ((i + round) % 3 == 0) continue;
                var bytes = Pattern(i * 31 + round, 1 + i * round * 97 % (3 * Limits.ReceiveTogetherBytes));
                expected[i].AddRange(bytes);
                peers[i].Far.Send(bytes);
            }
            Await(engine, () => peers.Zip(expected).All(static pair => pair.First.Sink.Bytes.Count >= pair.Second.Count));
        }
        for (var i = 0; i < peers.Count; i++) Assert.Equal(expected[i], peers[i].Sink.Bytes);
    }

    [Theory]
    [InlineData(Limits.ReceiveTogetherBytes - 1)]
    [InlineData(Limits.ReceiveTogetherBytes)]
    [InlineData(Limits.ReceiveTogetherBytes + 1)]
    public void More_than_fits_is_delivered_at_once(int bytes)
    {
        var engine = NewEngine(RingUse.All);
        var peers = Enumerable.Range(0, 3).Select(_ => Connect(engine)).ToList();
        engine.Turn(0, _observer);
        for (var i = 0; i < 3; i++) peers[i].Far.Send(Pattern(i, bytes));
        engine.Turn(1000, _observer);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Pattern(i, bytes), peers[i].Sink.Bytes);
            Assert.Equal(1, peers[i].Sink.Deliveries);
        }
    }

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void One_that_is_closed_by_another_s_delivery_hears_nothing_more(RingUse use)
    {
        var (engine, first, second) = TwoWithBytes(use, static (engine, other) => engine.Close(other));
        engine.Turn(1000, _observer);
        engine.Turn(0, _observer);
        Assert.Single(new[] { first, second }, static peer => peer.Sink.Bytes.Count == 3);
        Assert.Single(new[] { first, second }, static peer => peer.Sink.Bytes.Count == 0);
        var closed = first.Sink.Bytes.Count == 0 ? first : second;
        Assert.Equal(0, EndOf(closed.Far));
    }

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void One_that_pauses_gets_its_bytes_when_it_goes_on(RingUse use)
    {
        var (engine, first, second) = TwoWithBytes(use, static (engine, other) => engine.Pause(other));
        engine.Turn(1000, _observer);
        var paused = first.Sink.Bytes.Count == 0 ? first : second;
        paused.Far.Send("def"u8);
        paused.Far.Shutdown(SocketShutdown.Send);
        for (var i = 0; i < 3; i++) engine.Turn(0, _observer);
        Assert.Empty(paused.Sink.Bytes);
        Assert.Equal((0, true), (paused.Sink.Ends, paused.Sink.EndsWhilePaused > 0));
        engine.Resume(paused.Sink);
        Await(engine, () => paused.Sink.Ends > 0);
        Assert.Equal("abcdef"u8.ToArray(), paused.Sink.Bytes);
    }

    [Theory]
    [InlineData(RingUse.All, "")]
    [InlineData(RingUse.All, "abc")]
    [InlineData(RingUse.None, "")]
    [InlineData(RingUse.None, "abc")]
    public void One_that_another_s_delivery_holds_up_hears_that_its_peer_has_closed(RingUse use, string lastWords)
    {
        var (engine, slow) = EngineWithSlowPeer(use);
        var peers = new[] { Connect(engine), Connect(engine) };
        engine.Turn(0, _observer);
        foreach (var (one, other) in new[] { (peers[0], peers[1]), (peers[1], peers[0]) })
        {
            one.Sink.Receives = one.Sink.Ended = () =>
            {
                if (other.Sink.Bytes.Count + other.Sink.Ends == 0) other.Sink.Other = slow.Sink;
            };
            if (lastWords.Length > 0) one.Far.Send(System.Text.Encoding.ASCII.GetBytes(lastWords));
            one.Far.Shutdown(SocketShutdown.Send);
        }
        for (var i = 0; i < 3; i++) engine.Turn(0, _observer);
        var held = Assert.Single(peers, static peer => peer.Sink.Other is not null);
        IsToldAndGoesOn(engine, slow, held, lastWords);
    }

    [Theory]
    [InlineData(RingUse.All, 1)]
    [InlineData(RingUse.All, 2)]
    [InlineData(RingUse.None, 1)]
    [InlineData(RingUse.None, 2)]
    public void One_that_holds_itself_up_hears_that_its_peer_has_closed(RingUse use, int atOnce)
    {
        var (engine, slow) = EngineWithSlowPeer(use);
        var peers = Enumerable.Range(0, atOnce).Select(_ => Connect(engine)).ToList();
        engine.Turn(0, _observer);
        foreach (var peer in peers)
        {
            peer.Sink.Receives = () => peer.Sink.Other = slow.Sink;
            peer.Far.Send("abc"u8);
            peer.Far.Shutdown(SocketShutdown.Send);
        }
        for (var i = 0; i < 3; i++) engine.Turn(0, _observer);
        Assert.All(peers, static peer => Assert.Equal(3, peer.Sink.Bytes.Count));
        foreach (var peer in peers) peer.Sink.Receives = static () => { };
        IsToldAndGoesOn(engine, slow, peers[0], "abc");
    }

    private (SocketEngine Engine, Peer Slow) EngineWithSlowPeer(RingUse use)
    {
        var engine = NewEngine(use);
        var slow = Connect(engine);
        engine.Turn(0, _observer);
        while (!slow.Sink.IsCongested) Assert.True(engine.Send(slow.Sink, new byte[64 * 1024]));
        return (engine, slow);
    }

    /// <summary>It has heard of the end once, and reads on when the other has taken everything.</summary>
    private void IsToldAndGoesOn(SocketEngine engine, Peer slow, Peer held, string bytes)
    {
        Assert.Equal((1, 0), (held.Sink.EndsWhilePaused, held.Sink.Ends));
        slow.Sink.Drained = () => held.Sink.Other = null;
        slow.Far.Blocking = false;
        var buffer = new byte[1024 * 1024];
        Await(engine, () =>
        {
            if (slow.Far.Available > 0) slow.Far.Receive(buffer);
            engine.LookAgain(held.Sink);
            return held.Sink.Ends > 0;
        });
        Assert.Equal(System.Text.Encoding.ASCII.GetBytes(bytes), held.Sink.Bytes);
    }

    [Theory]
    [InlineData(RingUse.All, RingUse.All)]
    [InlineData(RingUse.All, RingUse.None)]
    [InlineData(RingUse.None, RingUse.All)]
    public void One_that_leaves_for_another_loop_takes_its_bytes_along(RingUse use, RingUse otherUse)
    {
        var handle = -1;
        var (engine, first, second) = TwoWithBytes(use, (engine, other) => handle = engine.Detach(other));
        engine.Turn(1000, _observer);
        Assert.True(handle >= 0);
        var left = first.Sink.Bytes.Count == 0 ? first : second;
        left.Far.Send("def"u8);
        var next = NewEngine(otherUse);
        next.Turn(0, _observer);
        Assert.Equal(0, next.Attach(left.Sink, handle));
        Await(next, () => left.Sink.Bytes.Count >= 6);
        Assert.Equal("abcdef"u8.ToArray(), left.Sink.Bytes);
        left.Far.Send("ghi"u8);
        for (var i = 0; i < 3; i++) engine.Turn(0, _observer); // The old one hears of it, and knows it no more.
        Await(next, () => left.Sink.Bytes.Count >= 9);
        next.Close(left.Sink);
        next.Turn(0, _observer);
        Assert.Equal(0, EndOf(left.Far));
    }

    [Fact]
    public void One_that_leaves_before_its_group_is_received_is_left_alone()
    {
        var (engine, next) = (NewEngine(RingUse.All), NewEngine(RingUse.None));
        for (var i = 0; i < 5; i++) Connect(next); // So that it is not the same number to both.
        var (first, second) = (Connect(engine), Connect(engine));
        using var listener = NewListener();
        var wasGathered = false;
        var acceptor = new Acceptor
        {
            Comes = () =>
            {
                wasGathered = first.Sink.Has(EndpointFlags.Gathered);
                Assert.Equal(0, next.Attach(first.Sink, engine.Detach(first.Sink)));
            },
        };
        Assert.Equal(0, engine.Listen((int)listener.Handle, acceptor));
        engine.Turn(0, _observer);
        first.Far.Send("abc"u8);
        Dial(listener);
        second.Far.Send("def"u8);
        Await(engine, () => second.Sink.Bytes.Count >= 3);
        Assert.True(wasGathered);
        Await(next, () => first.Sink.Bytes.Count >= 3);
        Assert.Equal("abc"u8.ToArray(), first.Sink.Bytes);
        engine.StopListening((int)listener.Handle);
        foreach (var accepted in acceptor.Accepted) engine.Discard(accepted);
    }

    [Fact]
    public void A_small_reply_does_not_wait_for_many_long_deliveries()
    {
        var engine = NewEngine(RingUse.All);
        var small = Connect(engine);
        small.Sink.Receives = () => engine.Send(small.Sink, "reply"u8);
        var others = Enumerable.Range(0, 20).Select(_ => Connect(engine)).ToList();
        var hasLeft = new List<bool>();
        foreach (var peer in others) peer.Sink.Receives = () => hasLeft.Add(small.Far.Available > 0);
        engine.Turn(0, _observer);
        small.Far.Send("query"u8);
        foreach (var peer in others) peer.Far.Send(new byte[10 * Limits.ReceiveTogetherBytes]);
        Await(engine, () => hasLeft.Count >= 20);
        Assert.True(hasLeft[10]); // Most of them are served in one turn, the small one first.
    }

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void One_that_stands_still_has_its_bytes_for_the_next_process(RingUse use)
    {
        var (engine, first, second) = TwoWithBytes(use, static (engine, other) => engine.Park(other));
        engine.Turn(1000, _observer);
        var parked = first.Sink.Bytes.Count == 0 ? first : second;
        Assert.Equal(use == RingUse.All ? 3 : 0, parked.Sink.Unread.Count); // As it is handed over.
        engine.Unpark(parked.Sink);
        Await(engine, () => parked.Sink.Bytes.Count >= 3);
        Assert.Equal("abc"u8.ToArray(), parked.Sink.Bytes);
    }

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void Bytes_that_another_process_has_received_come_first_whether_or_not_more_follow(RingUse use)
    {
        var engine = NewEngine(use);
        var (whole, paused) = (Connect(engine), Connect(engine));
        foreach (var peer in new[] { whole, paused }) engine.Keep(peer.Sink, "abc"u8);
        engine.Pause(paused.Sink);
        whole.Far.Send("def"u8);
        Await(engine, () => whole.Sink.Bytes.Count >= 6);
        Assert.Equal("abcdef"u8.ToArray(), whole.Sink.Bytes);
        Assert.Empty(paused.Sink.Bytes);
        engine.Resume(paused.Sink);
        Await(engine, () => paused.Sink.Bytes.Count >= 3);
        Assert.Equal("abc"u8.ToArray(), paused.Sink.Bytes);
    }

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void One_whose_delivery_throws_is_the_only_one_that_suffers(RingUse use)
    {
        var (engine, first, second) = TwoWithBytes(use, static (_, _) => throw new InvalidOperationException("a mistake"));
        engine.Turn(1000, _observer);
        Await(engine, () => first.Sink.Bytes.Count + second.Sink.Bytes.Count >= 6);
        Assert.Equal(1, first.Sink.Breaks + second.Sink.Breaks);
    }

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void All_are_told_when_their_peers_close_at_once(RingUse use)
    {
        var engine = NewEngine(use);
        var peers = Enumerable.Range(0, 20).Select(_ => Connect(engine)).ToList();
        engine.Turn(0, _observer);
        foreach (var peer in peers)
        {
            peer.Sink.Ended = () => engine.Close(peer.Sink);
            peer.Far.Send("abc"u8);
            peer.Far.Shutdown(SocketShutdown.Send);
        }
        Await(engine, () => peers.All(static peer => peer.Sink.Ends > 0));
        engine.Turn(0, _observer);
        foreach (var peer in peers)
        {
            Assert.Equal((3, 1), (peer.Sink.Bytes.Count, peer.Sink.Ends));
            Assert.Equal(0, EndOf(peer.Far));
        }
    }

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void A_listener_tells_of_each_connection_until_it_stops_and_again_later(RingUse use)
    {
        var engine = NewEngine(use);
        using var listener = NewListener();
        var acceptor = new Acceptor();
        var handle = (int)listener.Handle;
        Assert.Equal(0, engine.Listen(handle, acceptor));
        for (var i = 0; i < 5; i++) Dial(listener);
        Await(engine, () => acceptor.Accepted.Count == 5);
        engine.StopListening(handle);
        Dial(listener);
        for (var i = 0; i < 3; i++) engine.Turn(0, _observer);
        Assert.Equal(5, acceptor.Accepted.Count);
        Assert.Equal(0, engine.Listen(handle, acceptor));
        engine.StopListening(handle);
        Assert.Equal(0, engine.Listen(handle, acceptor));
        Await(engine, () => acceptor.Accepted.Count == 6);
        Dial(listener);
        Await(engine, () => acceptor.Accepted.Count == 7);
        Assert.Equal(0, acceptor.Failures);
        engine.StopListening(handle);
        foreach (var accepted in acceptor.Accepted) engine.Discard(accepted);
    }

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void A_listener_that_stops_takes_no_newcomer_from_the_others_however_much_it_has_to_do(RingUse use)
    {
        var (busy, other) = (NewEngine(use), NewEngine(use));
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        listener.Blocking = false;
        var (ofBusy, ofOther) = (new Acceptor(), new Acceptor());
        var handle = (int)listener.Handle;
        var peers = Enumerable.Range(0, 100).Select(_ => Connect(busy)).ToList();
        Assert.Equal(0, busy.Listen(handle, ofBusy));
        Assert.Equal(0, other.Listen(handle, ofOther));
        for (var i = 0; i < 3; i++) busy.Turn(0, _observer);
        other.Turn(0, _observer);
        foreach (var peer in peers) peer.Far.Send("x"u8);
        busy.StopListening(handle);
        Dial(listener);
        Await(other, () => ofOther.Accepted.Count == 1);
        Assert.Empty(ofBusy.Accepted);
        other.StopListening(handle);
        other.Discard(ofOther.Accepted[0]);
    }

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void A_wait_ends_with_its_time_and_when_another_thread_says_so(RingUse use)
    {
        var engine = NewEngine(use);
        engine.Turn(0, _observer);
        engine.Turn(1, _observer);
        for (var i = 0; i < 3; i++)
        {
            var thread = new Thread(engine.Wake);
            thread.Start();
            engine.Turn(60_000, _observer);
            thread.Join();
        }
    }

    /// <summary>Monitors would show idle processors as busy with a disk. Kernels before 6.15 know no better.</summary>
    [Fact]
    public void A_thread_that_waits_is_not_counted_as_waiting_for_a_disk()
    {
        if (Environment.OSVersion.Version < new Version(6, 15)) return;
        const int Count = 32;
        var wakeUps = Enumerable.Range(0, Count).Select(static _ => new WakeUp()).ToList();
        var threads = wakeUps.Select(static wakeUp => new Thread(() =>
        {
            using var ring = Ring.TryOpen(8, mayWait: true);
            if (ring is not { CanWait: true }) return;
            ring.Poll(wakeUp.Fd, Readiness.In, 1);
            ring.Enter(1, -1);
        })
        { Name = "ring waits" }).ToList();
        foreach (var thread in threads) thread.Start();
        try
        {
            Assert.True(SpinWait.SpinUntil(static () => InTheRing() == Count, 30_000));
            Assert.True(SpinWait.SpinUntil(static () => WaitingForDisks() < Count, 10_000));
        }
        finally
        {
            foreach (var wakeUp in wakeUps) wakeUp.Signal();
            foreach (var thread in threads) thread.Join();
            foreach (var wakeUp in wakeUps) wakeUp.Dispose();
        }
    }

    private static int InTheRing() => Directory.GetDirectories("/proc/self/task").Count(static task =>
        TextOf(task + "/comm").StartsWith("ring waits", StringComparison.Ordinal)
            && TextOf(task + "/syscall").StartsWith("426 ", StringComparison.Ordinal)); // io_uring_enter

    private static string TextOf(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return ""; // That thread has ended.
        }
    }

    private static int WaitingForDisks() => int.Parse(File.ReadLines("/proc/stat")
        .Single(static line => line.StartsWith("procs_blocked ", StringComparison.Ordinal))["procs_blocked ".Length..],
        System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public void A_poll_tells_of_each_edge_and_of_its_end()
    {
        using var ring = Ring.TryOpen(8, mayWait: true);
        if (ring is not { CanWait: true }) return;
        var (near, far) = Pair();
        ring.Poll((int)near.Handle, Readiness.In | Readiness.PeerClosed, 7);
        ring.Enter(0, 0);
        Assert.False(ring.TryTake(out _, out _, out _));
        for (var i = 0; i < 3; i++)
        {
            far.Send("x"u8);
            ring.Enter(1, 1000);
            Assert.True(ring.TryTake(out var data, out var result, out var isLast));
            Assert.Equal((7, true, false), ((int)data, ((Readiness)result & Readiness.In) != 0, isLast));
            Assert.False(ring.TryTake(out _, out _, out _));
        }
        ring.EndPoll(7, 8);
        ring.Enter(1, 1000);
        Assert.True(ring.TryTake(out var ended, out var canceled, out var isOver));
        Assert.Equal((7UL, -Errno.ECANCELED, true), (ended, canceled, isOver));
        ring.Enter(1, 1); // Nothing comes: the wait ends.
        Assert.False(ring.TryTake(out _, out _, out _));
    }

    /// <summary>Both have three bytes to read; the one that is served first does something to the other.</summary>
    private (SocketEngine Engine, Peer First, Peer Second) TwoWithBytes(RingUse use, Action<SocketEngine, Sink> act)
    {
        var engine = NewEngine(use);
        var (first, second) = (Connect(engine), Connect(engine));
        engine.Turn(0, _observer);
        var isDone = false;
        foreach (var (one, other) in new[] { (first, second), (second, first) })
        {
            one.Sink.Receives = () =>
            {
                if (isDone) return;
                isDone = true;
                act(engine, other.Sink);
            };
        }
        first.Far.Send("abc"u8);
        second.Far.Send("abc"u8);
        return (engine, first, second);
    }

    private void Await(SocketEngine engine, Func<bool> isSo)
    {
        for (var i = 0; !isSo(); i++)
        {
            Assert.True(i < 2000, "it does not come to that");
            engine.Turn(5, _observer);
        }
    }

    private static int EndOf(Socket far)
    {
        try
        {
            return far.Receive(new byte[1]);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return 0; // It was closed with bytes that nobody had read.
        }
    }

    private static Socket NewListener()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        listener.Blocking = false;
        return listener;
    }

    private void Dial(Socket listener)
    {
        var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        far.Connect(listener.LocalEndPoint!);
        _owned.Add(far);
    }

    private SocketEngine NewEngine(RingUse use)
    {
        var engine = new SocketEngine(new BufferPool(), static _ => { }, use);
        _owned.Add(engine);
        return engine;
    }

    private (Socket Near, Socket Far) Pair()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 };
        far.Connect(listener.LocalEndPoint!);
        var near = listener.Accept();
        near.Blocking = false;
        _owned.AddRange([far, near]);
        return (near, far);
    }

    private Peer Connect(SocketEngine engine)
    {
        var (near, far) = Pair();
        var sink = new Sink();
        var handle = DescriptorPassing.TryDuplicate((int)near.Handle); // The engine's own: it closes it.
        near.Dispose();
        Assert.Equal(0, engine.Attach(sink, handle));
        return new Peer(sink, far);
    }

    private static byte[] Pattern(int seed, int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++) bytes[i] = (byte)(seed * 31 + i * 7);
        return bytes;
    }

    public void Dispose()
    {
        foreach (var owned in _owned) owned.Dispose();
    }

    private sealed record Peer(Sink Sink, Socket Far);

    private sealed class Acceptor : IAcceptor
    {
        public List<int> Accepted { get; } = [];
        public int Failures { get; private set; }
        public Action Comes { get; init; } = static () => { };

        public void OnAccepted(int handle, EndAddress remote)
        {
            Accepted.Add(handle);
            Comes();
        }

        public void OnAcceptFailed(int errno) => Failures++;
    }

    private sealed class Sink : Endpoint
    {
        public List<byte> Bytes { get; } = [];
        public int Deliveries { get; private set; }
        public Action Receives { get; set; } = static () => { };
        public Action Ended { get; set; } = static () => { };
        public int Ends { get; private set; }
        public int EndsWhilePaused { get; private set; }
        public int Breaks { get; private set; }

        public override void OnReceived(byte[] buffer, int start, int count)
        {
            Bytes.AddRange(buffer.AsSpan(start, count));
            Deliveries++;
            Receives();
        }

        public override void OnEnded(int errno)
        {
            Ends++;
            Ended();
        }

        public override void OnPeerClosedWhilePaused() => EndsWhilePaused++;

        public override void OnBroken() => Breaks++;

        public Action Drained { get; set; } = static () => { };

        public override void OnDrained() => Drained();
    }
}
