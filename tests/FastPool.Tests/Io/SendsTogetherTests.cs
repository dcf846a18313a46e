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
    private readonly TurnObserver _observer = new();
    private int _serial;

    [Theory]
    [InlineData(RingUse.All, 1)]
    [InlineData(RingUse.All, 3)]
    [InlineData(RingUse.All, 200)]
    [InlineData(RingUse.Sends, 1)]
    [InlineData(RingUse.Sends, 3)]
    [InlineData(RingUse.Sends, 200)]
    [InlineData(RingUse.None, 3)]
    public void Everything_sent_while_one_is_served_arrives_in_its_order(RingUse use, int sends)
    {
        var engine = NewEngine(use);
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
        Turn(engine);
        for (var i = 0; i < 3; i++) Assert.Equal(expected[i], Read(peers[i].Far, expected[i].Count));
        Assert.Equal(0, peers.Sum(static peer => peer.Far.Available));
    }

    [Theory]
    [InlineData(RingUse.Sends)]
    [InlineData(RingUse.All)]
    public void Large_and_gathered_ones_keep_their_place(RingUse use)
    {
        var engine = NewEngine(use);
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
        Turn(engine);
        Assert.Equal(expected, Read(far, expected.Length));
    }

    [Theory]
    [InlineData(RingUse.Sends)]
    [InlineData(RingUse.All)]
    public void Bytes_sent_between_turns_leave_before_the_next_wait(RingUse use)
    {
        var engine = NewEngine(use);
        var (sink, far) = Connect(engine);
        engine.Turn(0, _observer);
        Assert.True(engine.Send(sink, "late"u8));
        Assert.Equal(0, far.Available);
        engine.Turn(0, _observer);
        Assert.Equal("late"u8.ToArray(), Read(far, 4));
    }

    [Theory]
    [InlineData(RingUse.Sends, true)]
    [InlineData(RingUse.Sends, false)]
    [InlineData(RingUse.All, true)]
    [InlineData(RingUse.All, false)]
    public void Last_words_arrive_before_the_end(RingUse use, bool isHandedOn)
    {
        var engine = NewEngine(use);
        var (sink, far) = Connect(engine);
        engine.Turn(0, _observer);
        Assert.True(engine.Send(sink, "bye"u8));
        if (isHandedOn) Assert.True(engine.Detach(sink) >= 0);
        else engine.Close(sink);
        Assert.Equal("bye"u8.ToArray(), Read(far, 3));
    }

    [Theory]
    [InlineData(RingUse.Sends)]
    [InlineData(RingUse.All)]
    public void A_peer_that_does_not_read_is_reported_and_gets_everything_later(RingUse use)
    {
        var engine = NewEngine(use);
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
            Turn(engine);
        }
        Assert.True(slow.Sink.IsCongested);
        Assert.Equal(rounds, Read(fast.Far, rounds).Length); // The other one never noticed.
        var read = new List<byte>();
        while (read.Count < expected.Count)
        {
            if (slow.Far.Available > 0) read.AddRange(Read(slow.Far, Math.Min(1000, slow.Far.Available)));
            else Turn(engine);
        }
        Assert.Equal(expected, read);
        Assert.Equal(1, slow.Sink.Drains);
        Assert.False(slow.Sink.IsCongested);
    }

    [Theory]
    [InlineData(RingUse.Sends)]
    [InlineData(RingUse.All)]
    public void A_peer_that_has_gone_is_ended_and_nobody_else(RingUse use)
    {
        var engine = NewEngine(use);
        var (gone, other) = (Connect(engine), Connect(engine));
        other.Sink.Receives = () =>
        {
            Assert.True(engine.Send(gone.Sink, "lost"u8));
            Assert.True(engine.Send(other.Sink, "kept"u8));
            gone.Far.Dispose();
            Assert.Equal(0, gone.Sink.Ends);
        };
        gone.Sink.Ended = () => engine.Close(gone.Sink);
        other.Far.Send("go"u8);
        Turn(engine);
        Assert.Equal(Errno.EPIPE, gone.Sink.EndedWith);
        Assert.Equal((1, 0), (gone.Sink.Ends, other.Sink.Ends));
        Assert.Equal("kept"u8.ToArray(), Read(other.Far, 4));
    }

    [Theory]
    [InlineData(RingUse.Sends)]
    [InlineData(RingUse.All)]
    public void A_parked_endpoint_hears_of_its_end_when_it_goes_on(RingUse use)
    {
        var engine = NewEngine(use);
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

    [Theory]
    [InlineData(RingUse.Sends)]
    [InlineData(RingUse.All)]
    public void Nobody_waits_for_the_rest_of_somebody_else_s_stream(RingUse use)
    {
        var engine = NewEngine(use);
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
        Turn(engine);
        Assert.Equal(4, first.Far.Available);
        while (receives < 3) Turn(engine);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_ring_tells_of_each_send(bool mayWait)
    {
        using var ring = Ring.TryOpen(8, mayWait);
        if (ring is null) return; // This machine's kernel does not let us have one; the engine's tests ran without it.
        var engine = NewEngine(RingUse.None);
        var (good, gone) = (Connect(engine), Connect(engine));
        gone.Far.Dispose();
        var bytes = BufferPool.NewPinned(64);
        "abcdef"u8.CopyTo(bytes);
        var results = new int[3];
        for (var round = 0; round < 20; round++) // More than the rings are long.
        {
            Assert.True(ring.TrySend(good.Sink.HandleOf, bytes, 0, 3, 0));
            Assert.True(ring.TrySend(gone.Sink.HandleOf, bytes, 0, 3, 1));
            Assert.True(ring.TrySend(good.Sink.HandleOf, bytes, 3, 3, 2));
            ring.Enter(3, -1);
            for (var i = 0; i < 3; i++)
            {
                Assert.True(ring.TryTake(out var data, out var result, out _));
                results[data] = result;
            }
            Assert.False(ring.TryTake(out _, out _, out _));
            Assert.Equal([3, -Errno.EPIPE, 3], results);
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

    /// <summary>One that waits, and one that sends what was put off.</summary>
    private void Turn(SocketEngine engine)
    {
        engine.Turn(1000, _observer);
        engine.Turn(0, _observer);
    }

    private SocketEngine NewEngine(RingUse use)
    {
        var engine = new SocketEngine(new BufferPool(), static _ => { }, use);
        _owned.Add(engine);
        return engine;
    }

    /// <summary>An endpoint and its other end, with room for so much.</summary>
    private (Sink Sink, Socket Far) Connect(SocketEngine engine, int bytes = 1024 * 1024)
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
        public Action Ended { get; set; } = static () => { };
        public int Drains { get; private set; }
        public int Ends { get; private set; }
        public int EndedWith { get; private set; }

        public override void OnReceived(byte[] buffer, int start, int count) => Receives();

        public override void OnEnded(int errno)
        {
            if (Ends++ == 0) EndedWith = errno;
            Ended();
        }

        public override void OnBroken() => Ends++;

        public override void OnDrained() => Drains++;
    }
}
