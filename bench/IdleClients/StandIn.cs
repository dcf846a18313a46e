using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace IdleClients;

/// <summary>
/// Stands in for PostgreSQL where only its presence counts: it lets everybody in, and knows BEGIN from all other queries. A login
/// costs PostgreSQL a process and milliseconds, so with it twenty thousand pools would take an hour to come into being.
/// </summary>
internal static class StandIn
{
    private static readonly byte[] _welcome =
    [
        .. Message('R', "\0\0\0\0"), .. Parameter("server_version", "15.0"), .. Parameter("client_encoding", "UTF8"),
        .. Parameter("server_encoding", "UTF8"), .. Parameter("DateStyle", "ISO, MDY"), .. Parameter("TimeZone", "UTC"),
        .. Parameter("IntervalStyle", "postgres"), .. Parameter("integer_datetimes", "on"),
        .. Parameter("standard_conforming_strings", "on"), .. Parameter("is_superuser", "off"),
        .. Parameter("application_name", ""),
        .. Message('K', "\0\0\0\u0001\0\0\0\u0001"), .. Message('Z', "I"),
    ];

    private static readonly byte[] _done = [.. Message('C', "SET\0"), .. Message('Z', "I")];
    private static readonly byte[] _begun = [.. Message('C', "BEGIN\0"), .. Message('Z', "T")];

    internal static async Task ServeAsync(int port)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(backlog: 4096);
        while (true) _ = ServeAsync(await listener.AcceptAsync());
    }

    private static async Task ServeAsync(Socket server)
    {
        try
        {
            using var stream = new NetworkStream(server, ownsSocket: true);
            var head = new byte[5];
            // A request for encryption has four bytes, the startup message more; neither has a type.
            while ((await ReadBodyAsync(stream, head.AsMemory(0, 4))).Length == 4)
                await stream.WriteAsync("N"u8.ToArray());
            await stream.WriteAsync(_welcome);
            while (true)
            {
                await stream.ReadExactlyAsync(head.AsMemory(0, 1));
                var body = await ReadBodyAsync(stream, head.AsMemory(1, 4));
                if (head[0] == 'X') return;
                if (head[0] == 'Q') await stream.WriteAsync(body.AsSpan().StartsWith("BEGIN"u8) ? _begun : _done);
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // The pooler has hung up.
        }
    }

    /// <summary>Reads a length, and the body behind it.</summary>
    private static async Task<byte[]> ReadBodyAsync(NetworkStream stream, Memory<byte> length)
    {
        await stream.ReadExactlyAsync(length);
        var body = new byte[BinaryPrimitives.ReadInt32BigEndian(length.Span) - 4];
        await stream.ReadExactlyAsync(body);
        return body;
    }

    private static byte[] Parameter(string name, string value) => Message('S', $"{name}\0{value}\0");

    private static byte[] Message(char type, string body)
    {
        var packet = new byte[5 + body.Length];
        packet[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(1), packet.Length - 1);
        Encoding.ASCII.GetBytes(body, packet.AsSpan(5));
        return packet;
    }
}
