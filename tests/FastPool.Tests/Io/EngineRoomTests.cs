using System.Net.Sockets;
using FastPool.Base;
using FastPool.Io;
using FastPool.Native;

namespace FastPool.Tests.Io;

/// <summary>Room that an engine has for a crowd goes when the crowd has gone.</summary>
public sealed class EngineRoomTests : IDisposable
{
    private const int Crowd = 600;

    private readonly string _folder = Directory.CreateTempSubdirectory("fpr").FullName;
    private readonly TurnObserver _observer = new(isStrict: true);
    private int _serial;

    [Theory]
    [InlineData(RingUse.All)]
    [InlineData(RingUse.None)]
    public void Room_for_a_crowd_is_given_back_and_nothing_is_lost(RingUse use)
    {
        using var engine = new SocketEngine(new BufferPool(), static _ => { }, use);
        engine.Turn(0, _observer);
        var first = engine.Room;
        var sinks = Enumerable.Range(0, Crowd).Select(static _ => new Sink()).ToList();
        var (near, far) = Pair();
        foreach (var sink in sinks) Assert.Equal(0, engine.Attach(sink, DescriptorPassing.TryDuplicate((int)near.Handle)));
        far.Send("x"u8); // All have an edge at once.
        engine.Turn(1000, _observer);
        foreach (var sink in sinks) engine.Keep(sink, "abc"u8);
        var crowded = engine.Room;
        Assert.True(crowded.Endpoints >= Crowd && crowded.Queue >= Crowd);

        engine.GiveBack();
        Assert.True(engine.Room.Endpoints >= Crowd && engine.Room.Queue >= Crowd); // All of that is in use.
        Await(engine, () => sinks.Sum(static sink => sink.Received) > 3 * Crowd);
        Assert.Equal(3 * Crowd + 1, sinks.Sum(static sink => sink.Received));

        var last = sinks.MaxBy(static sink => sink.Handle)!;
        foreach (var sink in sinks.Where(sink => sink != last)) engine.Close(sink);
        Await(engine, () => // Those that had more to read are in the queue until its next round.
        {
            engine.GiveBack();
            return (engine.Room.Queue, engine.Room.Events) == (first.Queue, first.Events);
        });
        Assert.True(engine.Room.Endpoints > last.Handle);
        far.Send("y"u8);
        var had = last.Received;
        Await(engine, () => last.Received > had);

        engine.Close(last);
        engine.GiveBack();
        Assert.Equal(first, engine.Room);
        near.Dispose();
        far.Dispose();
        (near, far) = Pair();
        var late = new Sink();
        Assert.Equal(0, engine.Attach(late, DescriptorPassing.TryDuplicate((int)near.Handle)));
        far.Send("z"u8);
        Await(engine, () => late.Received > 0);
        engine.Close(late);
        near.Dispose();
        far.Dispose();
    }

    /// <summary>The kernel tells of so many events at a time.</summary>
    private void Await(SocketEngine engine, Func<bool> isSo)
    {
        for (var i = 0; !isSo(); i++)
        {
            Assert.True(i < 2000, "it does not come to that");
            engine.Turn(5, _observer);
        }
    }

    private (Socket Near, Socket Far) Pair()
    {
        var address = new UnixDomainSocketEndPoint(Path.Combine(_folder, $"s{++_serial}"));
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(address);
        listener.Listen();
        var far = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        far.Connect(address);
        var near = listener.Accept();
        near.Blocking = false;
        return (near, far);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private sealed class Sink : Endpoint
    {
        public int Received { get; private set; }

        public override void OnReceived(byte[] buffer, int start, int count) => Received += count;

        public override void OnEnded(int errno) => Assert.Fail("it has not ended");

        public override void OnBroken() => Assert.Fail("it is not broken");

        public override void OnDrained()
        {
        }
    }
}
