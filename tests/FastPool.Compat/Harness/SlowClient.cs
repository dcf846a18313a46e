using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace FastPool.Compat.Harness;

/// <summary>A client that asks, and reads the answer later: with small buffers, so that the pooler is left with it.</summary>
internal sealed class SlowClient : IDisposable
{
    private readonly Socket _socket =
        new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096, NoDelay = true };

    private Stream _stream;

    private SlowClient(int port)
    {
        _socket.Connect(IPAddress.Loopback, port);
        _socket.ReceiveTimeout = 30_000;
        _stream = new NetworkStream(_socket);
    }

    public byte[] CancelKey { get; private set; } = [];

    public static SlowClient LogIn(int port, bool hasTls = false, string user = "user_trust")
    {
        var client = new SlowClient(port);
        if (hasTls) client.BeginTls();
        client._stream.Write(Wire.Startup(("user", user), ("database", Postgres.Database)));
        client.ReadReply();
        return client;
    }

    private void BeginTls()
    {
        _stream.Write(Wire.Untyped(80877103));
        Assert.Equal('S', _stream.ReadByte());
        var tls = new SslStream(_stream, false, static (_, certificate, _, _) => certificate?.Subject == "CN=pooler");
        tls.AuthenticateAsClient("localhost");
        _stream = tls;
    }

    public void Say(byte[] bytes) => _stream.Write(bytes);

    /// <summary>Reads up to ReadyForQuery.</summary>
    /// <returns>Number of rows or pieces of COPY data, the status, and a hash of all the bytes.</returns>
    public (int Rows, char Status, string Hash) ReadReply()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var rows = 0;
        while (true)
        {
            var (type, body) = ReadMessage();
            hash.AppendData([(byte)type]);
            hash.AppendData(body);
            if (type is 'D' or 'd') rows++;
            else if (type == 'K') CancelKey = body;
            else if (type == 'Z') return (rows, (char)body[0], Convert.ToHexString(hash.GetHashAndReset()));
        }
    }

    public (char Type, byte[] Body) ReadMessage()
    {
        var head = new byte[5];
        _stream.ReadExactly(head);
        var body = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(1)) - 4];
        _stream.ReadExactly(body);
        return ((char)head[0], body);
    }

    /// <summary>Leaves by a reset, without reading on.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Close();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }
}
