using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FastPool.Compat.Harness;

/// <summary>A client that talks and never reads: small buffers, and a count of what the pooler has taken.</summary>
internal sealed class UnreadingClient : IDisposable
{
    private readonly Socket _socket =
        new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096, NoDelay = true };

    public UnreadingClient(int port) => _socket.Connect(IPAddress.Loopback, port);

    /// <summary>Logs in without a password, and reads the welcome.</summary>
    public void LogIn(string user, string database)
    {
        _socket.Send(Wire.Startup(("user", user), ("database", database)));
        ReadUntilReady();
    }

    public void ReadUntilReady()
    {
        var last = new byte[6];
        var one = new byte[1];
        while (!last.AsSpan(0, 5).SequenceEqual("Z\0\0\0\u0005"u8))
        {
            Assert.Equal(1, _socket.Receive(one));
            last.AsSpan(1).CopyTo(last);
            last[5] = one[0];
        }
    }

    public void Say(byte[] bytes) => _socket.Send(bytes);

    /// <summary>
    /// Says the same again and again, until the pooler takes no more for a while, has closed, or has taken
    /// <paramref name="most"/> bytes.
    /// </summary>
    /// <returns>Bytes that it has taken.</returns>
    public long SayUntilStopped(byte[] bytes, long most)
    {
        _socket.Blocking = false;
        long taken = 0;
        var at = 0;
        while (taken < most)
        {
            if (!_socket.Poll(TimeSpan.FromSeconds(2), SelectMode.SelectWrite)) return taken;
            var sent = _socket.Send(bytes.AsSpan(at), SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.WouldBlock)) return taken;
            if (error == SocketError.WouldBlock) continue;
            taken += sent;
            at = (at + sent) % bytes.Length;
        }
        return taken;
    }

    /// <summary>Leaves by a reset, with whatever it has just said still unread.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Resident memory of a process.</summary>
    public static long ResidentKilobytes(int pid) => long.Parse(
        File.ReadLines($"/proc/{pid}/status").Single(static line => line.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}
