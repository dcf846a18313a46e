// Opens many clients that log in without a password and then do nothing, so that the pooler's memory per idle client can be
// read. Prints "ready N" when all are in, and holds them until its input ends.
//
//   idleclients <port> <count> <user> <database> [tls]

using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

if (args.Length is not (4 or 5) || (args.Length == 5 && args[4] != "tls"))
{
    Console.Error.WriteLine("usage: idleclients <port> <count> <user> <database> [tls]");
    return 2;
}

var pooler = new IPEndPoint(IPAddress.Loopback, int.Parse(args[0]));
var startup = Startup(args[2], args[3]);
var clients = new List<Stream>();
for (var i = 0; i < int.Parse(args[1]); i++)
{
    var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    client.Connect(pooler);
    Stream stream = new NetworkStream(client, ownsSocket: true);
    if (args.Length == 5)
        stream = Encrypt(stream);
    stream.Write(startup);
    if (!IsLoggedIn(stream))
    {
        Console.Error.WriteLine($"client {i + 1} was not let in");
        return 1;
    }

    clients.Add(stream);
}

Console.WriteLine($"ready {clients.Count}");
Console.In.ReadToEnd();
return 0;

static byte[] Startup(string user, string database)
{
    var parameters = Encoding.UTF8.GetBytes($"user\0{user}\0database\0{database}\0application_name\0idle\0\0");
    var packet = new byte[8 + parameters.Length];
    BinaryPrimitives.WriteInt32BigEndian(packet, packet.Length);
    BinaryPrimitives.WriteInt32BigEndian(packet.AsSpan(4), 0x00030000);
    parameters.CopyTo(packet, 8);
    return packet;
}

// The measured pooler has a certificate of its own making, which no authority knows.
static SslStream Encrypt(Stream stream)
{
    stream.Write([0, 0, 0, 8, 4, 210, 22, 47]);
    if (stream.ReadByte() != 'S')
        throw new InvalidOperationException("the pooler has no TLS");
    var tls = new SslStream(stream, leaveInnerStreamOpen: false, static (_, certificate, _, _) => certificate is not null);
    tls.AuthenticateAsClient("localhost");
    return tls;
}

// Reads messages up to ReadyForQuery; false when the connection ends or an error comes before it.
static bool IsLoggedIn(Stream client)
{
    var buffer = new byte[16384];
    var filled = 0;
    for (; ; )
    {
        var count = client.Read(buffer.AsSpan(filled));
        if (count == 0)
            return false;
        filled += count;
        var at = 0;
        while (filled - at >= 5)
        {
            var length = 1 + BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(at + 1));
            if (filled - at < length)
                break;
            if (buffer[at] is (byte)'Z' or (byte)'E')
                return buffer[at] == (byte)'Z';
            at += length;
        }

        buffer.AsSpan(at, filled - at).CopyTo(buffer);
        filled -= at;
    }
}
