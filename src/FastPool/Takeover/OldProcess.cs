using FastPool.Blocking;
using FastPool.Life;
using FastPool.Native;
using FastPool.Protocol;

namespace FastPool.Takeover;

/// <summary>The connection to the process that is to be taken over from, as its own user. All calls wait.</summary>
internal sealed class OldProcess : IDisposable
{
    private const int ReceiveBytes = 256 * 1024;

    private readonly int _socket;
    private readonly MessageInbox _inbox = new(ReceiveBytes, "invalid data from old process");

    internal OldProcess(int socket) => _socket = socket;

    /// <summary>Descriptors that have come and were not taken yet, in their order.</summary>
    internal List<int> Descriptors { get; } = [];

    internal void Send<T>(scoped in T message)
        where T : IMessage<T>, allows ref struct
    {
        var buffer = new MessageBuffer();
        buffer.Write(message);
        Send(buffer.WrittenSpan);
    }

    /// <summary>
    /// StartupMessage 3.0 of user and database pgbouncer, and not a byte more: that is what the other side expects.
    /// </summary>
    internal void SendStartup()
    {
        var message =
            new StartupMessage
            {
                ProtocolVersion = (int)RequestCode.Protocol3,
                Parameters = "database\0pgbouncer\0user\0pgbouncer\0\0"u8
            };
        var packet = new byte[message.Size];
        message.Write(packet);
        Send(packet);
    }

    internal void SendQuery(ReadOnlySpan<byte> text) => Send(new Query { Text = text });

    private void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var sent = DescriptorPassing.TrySend(_socket, bytes, []);
            if (sent <= 0) throw new FatalError("unexpected EOF");
            bytes = bytes[sent..];
        }
    }

    /// <summary>The next message; its body is good until the next call.</summary>
    /// <exception cref="FatalError">The connection has ended, or this is no message.</exception>
    internal byte Receive(out ReadOnlySpan<byte> body)
    {
        byte type;
        while (!_inbox.TryTake(out type, out body))
        {
            var received = DescriptorPassing.TryReceive(_socket, _inbox.Room, Descriptors);
            if (received == 0) throw new FatalError(_inbox.HasPartial ? "unexpected partial packet" : "unexpected EOF");
            if (received < 0) throw new FatalError("unexpected EOF");
            _inbox.Add(received);
        }
        return type;
    }

    /// <summary>Waits until the process has closed its end.</summary>
    /// <returns>0, or the errno.</returns>
    internal int WaitForEnd()
    {
        var rest = new byte[MessageHeader.Size];
        int received;
        do
        {
            received = DescriptorPassing.TryReceive(_socket, rest, Descriptors);
        }
        while (received > 0);
        return received == -Errno.ECONNRESET ? 0 : -received;
    }

    public void Dispose()
    {
        _inbox.Wipe(); // It has told secrets.
        Sockets.Close(_socket);
    }
}
