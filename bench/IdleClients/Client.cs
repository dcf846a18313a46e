using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace IdleClients;

/// <summary>One client of the pooler. It holds no buffer while it waits for nothing.</summary>
internal sealed class Client
{
    private readonly Stream _stream;

    private Client(Stream stream) => _stream = stream;

    internal static async Task<Client> LogInAsync(IPEndPoint pooler, string user, string database, bool isEncrypted)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(pooler);
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (isEncrypted) stream = await EncryptAsync(stream);
        var client = new Client(stream);
        await stream.WriteAsync(Startup(user, database));
        await client.AwaitReadyAsync();
        return client;
    }

    /// <summary>A simple query and its answer.</summary>
    internal async Task AskAsync(string query)
    {
        await SayAsync(query);
        await AwaitReadyAsync();
    }

    /// <summary>A simple query whose answer nobody awaits.</summary>
    internal async Task SayAsync(string query) => await _stream.WriteAsync(Message('Q', query + "\0"));

    /// <summary>Parse and Sync, and their answers.</summary>
    internal async Task PrepareAsync(string name, string text)
    {
        await _stream.WriteAsync((byte[])[.. Message('P', $"{name}\0{text}\0\0\0"), .. Message('S', "")]);
        await AwaitReadyAsync();
    }

    internal async Task LeaveAsync()
    {
        await _stream.WriteAsync(Message('X', ""));
        await _stream.DisposeAsync();
    }

    private static byte[] Message(char type, string body)
    {
        var packet = new byte[5 + Encoding.UTF8.GetByteCount(body)];
        packet[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(1), packet.Length - 1);
        Encoding.UTF8.GetBytes(body, packet.AsSpan(5));
        return packet;
    }

    private static byte[] Startup(string user, string database)
    {
        var parameters = Encoding.UTF8.GetBytes($"user\0{user}\0database\0{database}\0application_name\0idle\0\0");
        var packet = new byte[8 + parameters.Length];
        BinaryPrimitives.WriteInt32BigEndian(packet, packet.Length);
        BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(4), 0x00030000);
        parameters.CopyTo(packet, 8);
        return packet;
    }

    // The measured pooler has a certificate of its own making, which no authority knows.
    private static async Task<SslStream> EncryptAsync(Stream stream)
    {
        var answer = new byte[1];
        await stream.WriteAsync((byte[])[0, 0, 0, 8, 4, 210, 22, 47]);
        if (await stream.ReadAsync(answer) != 1 || answer[0] != 'S')
            throw new InvalidOperationException("the pooler has no TLS");
        var tls = new SslStream(stream, leaveInnerStreamOpen: false, static (_, certificate, _, _) => certificate is not null);
        await tls.AuthenticateAsClientAsync("localhost");
        return tls;
    }

    // Reads messages up to ReadyForQuery; an error and an end before it are exceptions.
    private async Task AwaitReadyAsync()
    {
        var buffer = new byte[4096];
        var filled = 0;
        while (true)
        {
            if (filled == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
            var count = await _stream.ReadAsync(buffer.AsMemory(filled));
            if (count == 0) throw new InvalidOperationException("the pooler has closed the connection");
            filled += count;
            var at = 0;
            while (filled - at >= 5)
            {
                var length = 1 + BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(at + 1));
                if (filled - at < length) break;
                if (buffer[at] == (byte)'Z') return;
                if (buffer[at] == (byte)'E')
                    throw new InvalidOperationException(Encoding.UTF8.GetString(buffer, at + 5, length - 5).Replace('\0', ' '));
                at += length;
            }
            buffer.AsSpan(at, filled - at).CopyTo(buffer);
            filled -= at;
        }
    }
}
