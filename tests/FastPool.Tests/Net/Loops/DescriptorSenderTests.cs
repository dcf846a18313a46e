using System.Net.Sockets;
using FastPool.Core.Sessions;
using FastPool.Native;
using FastPool.Native.Process;
using FastPool.Net;

namespace FastPool.Tests.Net;

/// <summary>Descriptors on their way to another process.</summary>
public sealed class DescriptorSenderTests : IDisposable
{
    private const int MessagesMost = 2_000;

    private readonly CountingDescriptors _kernel = new();
    private readonly Socket _sender;
    private readonly Socket _reader;

    public DescriptorSenderTests()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var address = new UnixDomainSocketEndPoint("\0fastpool-" + Guid.NewGuid().ToString("N"));
        listener.Bind(address);
        listener.Listen();
        _sender = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _sender.Connect(address);
        _reader = listener.Accept();
        Sockets.MakeNonBlocking((int)_sender.Handle);
    }

    public void Dispose()
    {
        _sender.Dispose();
        _reader.Dispose();
    }

    /// <summary>The kernel's, counted.</summary>
    private sealed class CountingDescriptors : IDescriptorSource
    {
        private readonly KernelDescriptors _kernel = new();
        private int _open;

        public int OpenCount => Volatile.Read(ref _open);

        public int TryDuplicate(int descriptor)
        {
            Interlocked.Increment(ref _open);
            return _kernel.TryDuplicate(descriptor);
        }

        public void Close(int descriptor)
        {
            _kernel.Close(descriptor);
            Interlocked.Decrement(ref _open);
        }

        public string ErrorText(int errno) => _kernel.ErrorText(errno);
    }

    private Task<int> Begin(int messages, DescriptorCopies copies, int copy)
    {
        var done = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new DescriptorMessage(new byte[1024], [copy]);
        DescriptorSender.Begin((int)_sender.Handle, [.. Enumerable.Repeat(message, messages)], copies, done.SetResult);
        return done.Task;
    }

    private static ulong NodeOf(int descriptor)
    {
        Assert.Equal(0, Descriptor.Identify(descriptor, out _, out var node));
        return node;
    }

    [Fact]
    public async Task The_right_socket_arrives_even_if_its_number_is_anothers_by_then()
    {
        var copies = new DescriptorCopies(_kernel);
        var meant = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        var node = NodeOf((int)meant.Handle);
        var copy = copies.Add((int)meant.Handle);
        meant.Dispose();
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Assert.Equal(0, await Begin(1, copies, copy));
        Assert.Equal(0, _kernel.OpenCount);
        var received = new List<int>();
        Assert.True(DescriptorPassing.TryReceive((int)_reader.Handle, new byte[2048], received) > 0);
        Assert.Equal(node, NodeOf(Assert.Single(received)));
        Sockets.Close(received[0]);
    }

    [Fact]
    public async Task Nothing_stays_open_when_the_reader_has_gone()
    {
        var copies = new DescriptorCopies(_kernel);
        var copy = copies.Add((int)_reader.Handle);
        _reader.Shutdown(SocketShutdown.Both);
        Assert.Equal(Errno.EPIPE, await Begin(MessagesMost, copies, copy));
        Assert.Equal(0, _kernel.OpenCount);
    }

    [Fact]
    public async Task A_closed_connection_is_not_waited_for()
    {
        var copies = new DescriptorCopies(_kernel);
        // More than the socket holds, for who does not read.
        var sending = Begin(MessagesMost, copies, copies.Add((int)_reader.Handle));
        Sockets.Shutdown((int)_sender.Handle);
        Assert.Equal(Errno.EPIPE, await sending);
        Assert.Equal(0, _kernel.OpenCount);
    }

    [Fact]
    public async Task Nothing_stays_open_when_there_is_nobody_to_send_to()
    {
        var copies = new DescriptorCopies(_kernel);
        var copy = copies.Add((int)_reader.Handle);
        _sender.Dispose();
        var done = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        DescriptorSender.Begin(-1, [new DescriptorMessage([1], [copy])], copies, done.SetResult);
        Assert.Equal(9, await done.Task); // EBADF
        Assert.Equal(0, _kernel.OpenCount);
    }
}
