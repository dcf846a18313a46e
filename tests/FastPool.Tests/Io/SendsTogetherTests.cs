using System.Net.Sockets;
using FastPool.Base;
using FastPool.Io;
using FastPool.Native;
using FastPool.Net;

namespace FastPool.Tests.Io;

/// <summary>
/// Sends that wait for others of their turn, on real sockets, with io_uring (where this machine has it) and without.
/// </summary>
public sealed class SendsTogetherTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fps").FullName;
    private readonly List<IDisposable> _owned = [];
    private readonly Observer _observer = new();
    private int _serial;

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 3)]
    [InlineData(true, 200)]
    [InlineData(false, 3)]
    public void Everything_sent_while_one_is_served_arrives_in_its_order(bool usesRing, int sends)
    {
        var engine = NewEngine(usesRing);
        var peers = Enumerable.Range(0, 3).Select(_ => Connect(engine)).ToList();
        var expected = new List<byte>[] { [], [], [] };
        peers[0].Sink.Receives = () =>
        {
            for (var i = 0; i < sends; i++)
            {
                var (to, bytes) = (i * 7 % 3, Pattern(i, 1 + i * 97 % Limits.SendTogetherBytes));
                Assert.True(engine.Send(peers[to].Sink, bytes));
                expected[to].AddRange(bytes);
            }
        };
        peers[0].Far.Send("go"u8);
        engine.Turn(1000, _observer);
        for (var i = 0; i < 3; i++) Assert.Equal(expected[i], Read(peers[i].Far, expected[i].Count));
        Assert.Equal(0, peers.Sum(static peer => peer.Far.Available));
    }

    [Fact]
    public void Large_and_gathered_ones_keep_their_place()
    {
        var engine = NewEngine(usesRing: true);
        var (sink, far) = Connect(engine);
        var (large, small) = (Pattern(1, Limits.SendTogetherBytes + 1), Pattern(2, 10));
        var expected = (byte[])[.. small, .. large, .. small, .. large, .. small, .. small, .. small];
        sink.Receives = () =>
        {
            Assert.True(engine.Send(sink, small));
            Assert.True(engine.Send(sink, large));
            Assert.True(engine.Send(sink, [new Segment(small, 0, 10), new Segment(large, 0, large.Length)]));
            Assert.True(engine.Send(sink, [new Segment(small, 0, 10), new Segment(small, 0, 4)]));
            Assert.True(engine.Send(sink, small.AsSpan(4)));
            Assert.True(engine.Send(sink, small));
        };
        far.Send("go"u8);
        engine.Turn(1000, _observer);
        Assert.Equal(expected, Read(far, expected.Length));
    }

    [Fact]
    public void Bytes_sent_between_turns_leave_before_the_next_wait()
    {
        var engine = NewEngine(usesRing: true);
        var (sink, far) = Connect(engine);
        engine.Turn(0, _observer);
        Assert.True(engine.Send(sink, "late"u8));
        Assert.Equal(0, far.Available);
        engine.Turn(0, _observer);
        Assert.Equal("late"u8.ToArray(), Read(far, 4));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Last_words_arrive_before_the_end(bool isHandedOn)
    {
        var engine = NewEngine(usesRing: true);
        var (sink, far) = Connect(engine);
        engine.Turn(0, _observer);
        Assert.True(engine.Send(sink, "bye"u8));
        if (isHandedOn) Assert.True(engine.Detach(sink) >= 0);
        else engine.Close(sink);
        Assert.Equal("bye"u8.ToArray(), Read(far, 3));
    }

    [Fact]
    public void A_peer_that_does_not_read_is_reported_and_gets_everything_later()
    {
        var engine = NewEngine(usesRing: true);
        var (slow, fast) = (Connect(engine, bytes: 8 * 1024), Connect(engine));
        var expected = new List<byte>();
        fast.Sink.Receives = () =>
        {
            Assert.True(engine.Send(slow.Sink, Pattern(expected.Count, Limits.SendTogetherBytes)));
            expected.AddRange(Pattern(expected.Count, Limits.SendTogetherBytes));
            Assert.True(engine.Send(fast.Sink, "."u8));
        };
        var rounds = 0;
        while (!slow.Sink.IsCongested)
        {
            Assert.True(++rounds < 1000);
            fast.Far.Send("+"u8);
            engine.Turn(1000, _observer);
        }
        Assert.True(slow.Sink.IsCongested);
        Assert.Equal(rounds, Read(fast.Far, rounds).Length); // The other one never noticed.
        var read = new List<byte>();
        while (read.Count < expected.Count)
        {
            if (slow.Far.Available > 0) read.AddRange(Read(slow.Far, Math.Min(1000, slow.Far.Available)));
            else engine.Turn(1000, _observer);
        }
        Assert.Equal(expected, read);
        Assert.Equal(1, slow.Sink.Drains);
        Assert.False(slow.Sink.IsCongested);
    }

    [Fact]
    public void A_peer_that_has_gone_is_ended_and_nobody_else()
    {
        var engine = NewEngine(usesRing: true);
        var (gone, other) = (Connect(engine), Connect(engine));
        other.Sink.Receives = () =>
        {
            Assert.True(engine.Send(gone.Sink, "lost"u8));
            Assert.True(engine.Send(other.Sink, "kept"u8));
            gone.Far.Dispose();
            Assert.Equal(0, gone.Sink.Ends);
        };
        other.Far.Send("go"u8);
        engine.Turn(1000, _observer);
        Assert.Equal(Errno.EPIPE, gone.Sink.EndedWith);
        Assert.Equal((1, 0), (gone.Sink.Ends, other.Sink.Ends));
        Assert.Equal("kept"u8.ToArray(), Read(other.Far, 4));
    }

    [Fact]
    public void A_parked_endpoint_hears_of_its_end_when_it_goes_on()
    {
        var engine = NewEngine(usesRing: true);
        var (sink, far) = Connect(engine);
        engine.Turn(0, _observer);
        far.Dispose();
        Assert.True(engine.Send(sink, "lost"u8));
        Assert.False(engine.SendDeferredTo(sink));
        engine.Park(sink);
        engine.Turn(0, _observer);
        Assert.Equal(0, sink.Ends);
        engine.Unpark(sink);
        engine.Turn(0, _observer);
        Assert.Equal(1, sink.Ends);
    }

    [Fact]
    public void Nobody_waits_for_the_rest_of_somebody_else_s_stream()
    {
        var engine = NewEngine(usesRing: true);
        engine.BytesPerTurn = long.MaxValue;
        var (first, stream) = (Connect(engine), Connect(engine));
        first.Sink.Receives = () => Assert.True(engine.Send(first.Sink, "soon"u8));
        var receives = 0;
        stream.Sink.Receives = () =>
        {
            if (++receives > 1) Assert.Equal(4, first.Far.Available);
        };
        first.Far.Send("go"u8);
        stream.Far.SendBufferSize = 1024 * 1024;
        stream.Far.Send(new byte[3 * Limits.ReceiveBytes]);
        engine.Turn(1000, _observer);
        Assert.Equal(4, first.Far.Available);
        while (receives < 3) engine.Turn(1000, _observer);
    }

    [Fact]
    public void A_ring_tells_of_each_send()
    {
        using var ring = SendRing.TryOpen(8);
        if (ring is null) return; // This machine's kernel does not let us have one; the engine's tests ran without it.
        var engine = NewEngine(usesRing: false);
        var (good, gone) = (Connect(engine), Connect(engine));
        gone.Far.Dispose();
        var bytes = BufferPool.NewPinned(64);
        "abcdef"u8.CopyTo(bytes);
        Span<int> results = stackalloc int[8];
        for (var round = 0; round < 20; round++) // More than the rings are long.
        {
            ring.Add(good.Sink.HandleOf, bytes, 0, 3);
            ring.Add(gone.Sink.HandleOf, bytes, 0, 3);
            ring.Add(good.Sink.HandleOf, bytes, 3, 3);
            Assert.Equal(3, ring.Submit(results));
            Assert.Equal([3, -Errno.EPIPE, 3], results[..3].ToArray());
            Assert.Equal("abcdef"u8.ToArray(), Read(good.Far, 6));
        }
    }

    private static byte[] Pattern(int seed, int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++) bytes[i] = (byte)(seed * 31 + i * 7);
        return bytes;
    }

    private static byte[] Read(Socket from, int count)
    {
        var bytes = new byte[count];
        for (var at = 0; at < count;)
        {
            var received = from.Receive(bytes.AsSpan(at));
            Assert.NotEqual(0, received);
            at += received;
        }
        return bytes;
    }

    private EpollEngine NewEngine(bool usesRing)
    {
        var engine = new EpollEngine(new BufferPool(), static _ => { }, usesRing);
        _owned.Add(engine);
        return engine;
    }

    /// <summary>An endpoint and its other end, with room for so much.</summary>
    private (Sink Sink, Socket Far) Connect(EpollEngine engine, int bytes = 1024 * 1024)
    {
        var address = new UnixDomainSocketEndPoint(Path.Combine(_folder, $"s{_serial++}"));
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(address);
        listener.Listen();
        var far = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        far.Connect(address);
        var accepted = listener.Accept();
        accepted.Blocking = false;
        accepted.SendBufferSize = bytes;
        var sink = new Sink { HandleOf = (int)accepted.Handle };
        Assert.Equal(0, engine.Attach(sink, sink.HandleOf));
        _owned.AddRange([far, accepted]);
        return (sink, far);
    }

    public void Dispose()
    {
        foreach (var owned in _owned) owned.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class Sink : Endpoint
    {
        public int HandleOf { get; init; }
        public Action Receives { get; set; } = static () => { };
        public int Drains { get; private set; }
        public int Ends { get; private set; }
        public int EndedWith { get; private set; }

        public override void OnReceived(byte[] buffer, int start, int count) => Receives();

        public override void OnEnded(int errno)
        {
            if (Ends++ == 0) EndedWith = errno;
        }

        public override void OnBroken() => Ends++;

        public override void OnDrained() => Drains++;
    }

    private sealed class Observer : ITurnObserver
    {
        public void OnThrown(string place, Exception thrown, Endpoint? served) => served?.OnBroken();

        public void OnTurnBegun()
        {
        }

        public void OnDelivered()
        {
        }
    }
}
