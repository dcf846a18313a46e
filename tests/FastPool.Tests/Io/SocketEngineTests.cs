using System.Net.Sockets;
using FastPool.Base;
using FastPool.Io;
using FastPool.Native;
using FastPool.Net;

namespace FastPool.Tests.Io;

/// <summary>How much of one stream a turn of the loop takes, on a real socket.</summary>
public sealed class SocketEngineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fpe").FullName;
    private readonly SocketEngine _engine = new(new BufferPool(), static _ => { }, RingUse.All);
    private readonly Sink _sink = new();

    [Theory]
    [InlineData(0, 1)]
    [InlineData(Limits.ReceiveBytes, 1)]
    [InlineData(Limits.ReceiveBytes + 1, 2)]
    [InlineData(long.MaxValue, 3)]
    public void A_turn_takes_as_much_of_one_stream_as_it_is_allowed_to(long bytesPerTurn, int receives)
    {
        const int Written = 2 * Limits.ReceiveBytes + 1000;
        using var peer = Connect(Written);
        peer.Blocking = false;
        Assert.Equal(Written, peer.Send(new byte[Written]));
        _engine.BytesPerTurn = bytesPerTurn;
        var observer = new TurnObserver();
        _engine.Turn(1000, observer);
        Assert.Equal(Math.Min(Written, receives * Limits.ReceiveBytes), _sink.Received);
        Assert.Equal(receives, observer.Deliveries);
        for (var i = 0; i < 3; i++) _engine.Turn(0, observer);
        Assert.Equal(Written, _sink.Received);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public void An_endpoint_that_pauses_hears_that_its_peer_has_closed_whenever_that_was(bool comesWithBytes, int pauses)
    {
        var observer = new TurnObserver();
        using var peer = Connect(1000);
        _sink.OnBytes = () => _engine.Pause(_sink);
        peer.Send(new byte[10]);
        if (!comesWithBytes) _engine.Turn(1000, observer);
        Assert.Equal(0, _sink.EndsWhilePaused);
        peer.Shutdown(SocketShutdown.Both); // At once, though a process that is being started may have a copy of it.
        for (var i = 0; i < 3; i++) _engine.Turn(0, observer);
        Assert.Equal(10, _sink.Received);
        Assert.Equal(1, _sink.EndsWhilePaused);
        if (pauses == 1) return;
        _engine.Resume(_sink); // It goes on with bytes that it has, and pauses again before it has read the end.
        _engine.Pause(_sink);
        _engine.Turn(0, observer);
        Assert.Equal(2, _sink.EndsWhilePaused);
        Assert.Equal(0, _sink.Ends);
    }

    public void Dispose()
    {
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The sink's other end, with room for so much.</summary>
    private Socket Connect(int bytes)
    {
        var address = new UnixDomainSocketEndPoint(Path.Combine(_folder, "s"));
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(address);
        listener.Listen();
        var peer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { SendBufferSize = bytes * 2 };
        peer.Connect(address);
        var accepted = listener.Accept();
        Assert.Equal(0, _engine.Attach(_sink, (int)accepted.Handle));
        _sink.Owner = accepted;
        return peer;
    }

    [Fact]
    public void A_descriptor_that_the_kernel_refuses_is_reported_and_leaves_nothing_behind()
    {
        const int NoDescriptor = 4_000;
        var sink = new Sink();
        Assert.Equal(Errno.EBADF, _engine.Attach(sink, NoDescriptor));
        Assert.False(sink.IsOpen);
        Assert.Equal(Errno.EBADF, _engine.Listen(NoDescriptor, new NoAcceptor()));
    }

    private sealed class NoAcceptor : IAcceptor
    {
        public void OnAccepted(int handle, EndAddress remote)
        {
        }

        public void OnAcceptFailed(int errno)
        {
        }
    }

    private sealed class Sink : Endpoint
    {
        public int Received { get; private set; }

        /// <summary>Keeps the descriptor open.</summary>
        public Socket? Owner { get; set; }

        public Action? OnBytes { get; set; }

        public int Ends { get; private set; }

        public int EndsWhilePaused { get; private set; }

        public override void OnReceived(byte[] buffer, int start, int count)
        {
            Received += count;
            OnBytes?.Invoke();
        }

        public override void OnEnded(int errno) => Ends++;

        public override void OnPeerClosedWhilePaused() => EndsWhilePaused++;

        public override void OnBroken() => Breaks++;

        public int Breaks { get; private set; }

        public override void OnDrained()
        {
        }
    }
}
