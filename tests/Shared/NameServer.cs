using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastPool.Testing;

/// <summary>A name server on a loopback port, UDP and TCP: knows what a test tells it, which may change at any time.</summary>
internal sealed class NameServer : IDisposable
{
    private const int HeaderBytes = 12;
    private const ushort TypeA = 1, TypeSoa = 6, TypeAaaa = 28;
    private const byte NxDomain = 3;

    private readonly UdpClient _udp;
    private readonly TcpListener _tcp;
    private readonly ConcurrentQueue<string> _questions = new();

    /// <param name="address">Null: 127.0.0.1.</param>
    /// <param name="port">0: any. 53 is for root alone.</param>
    public NameServer(IPAddress? address = null, int port = 0)
    {
        (_udp, _tcp, Port) = Open(address ?? IPAddress.Loopback, port);
        ResolvConf = port == 53 ? $"nameserver {address}\n" : $"nameserver 127.0.0.1:{Port}\n";
        _ = AnswerUdpAsync();
        _ = AnswerTcpAsync();
    }

    public int Port { get; }

    /// <summary>Names and their addresses; any other name does not exist.</summary>
    public ConcurrentDictionary<string, IPAddress[]> Names { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Zones and their serial numbers.</summary>
    public ConcurrentDictionary<string, uint> Serials { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Answers by UDP come cut, so that TCP is needed.</summary>
    public bool IsCut { get; set; }

    /// <summary>Says nothing at all.</summary>
    public bool IsSilent { get; set; }

    /// <summary>The questions so far, as type and name.</summary>
    public IReadOnlyList<string> Questions => [.. _questions];

    public string ResolvConf { get; }

    public void Dispose()
    {
        _udp.Dispose();
        _tcp.Dispose();
    }

    /// <summary>A port that is free for both.</summary>
    private static (UdpClient, TcpListener, int) Open(IPAddress address, int port)
    {
        for (; ; )
        {
            var udp = new UdpClient(new IPEndPoint(address, port));
            var free = ((IPEndPoint)udp.Client.LocalEndPoint!).Port;
            var tcp = new TcpListener(address, free);
            try
            {
                tcp.Start();
                return (udp, tcp, free);
            }
            catch (SocketException) when (port == 0)
            {
                udp.Dispose();
            }
        }
    }

    private async Task AnswerUdpAsync()
    {
        try
        {
            for (; ; )
            {
                var asked = await _udp.ReceiveAsync();
                if (!IsSilent && Answer(asked.Buffer, IsCut) is { } answer) await _udp.SendAsync(answer, asked.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task AnswerTcpAsync()
    {
        try
        {
            for (; ; )
            {
                using var client = await _tcp.AcceptTcpClientAsync();
                var stream = client.GetStream();
                var length = new byte[2];
                await stream.ReadExactlyAsync(length);
                var question = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(question);
                if (Answer(question, isCut: false) is not { } answer) continue;
                BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)answer.Length);
                await stream.WriteAsync((byte[])[.. length, .. answer]);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
        }
    }

    private byte[]? Answer(byte[] question, bool isCut)
    {
        if (question.Length < HeaderBytes + 5) return null;
        var labels = new List<string>();
        var at = HeaderBytes;
        for (; question[at] != 0; at += question[at] + 1) labels.Add(Encoding.ASCII.GetString(question, at + 1, question[at]));
        var name = string.Join('.', labels);
        var type = BinaryPrimitives.ReadUInt16BigEndian(question.AsSpan(at + 1));
        var questionEnd = at + 5;
        _questions.Enqueue($"{type switch { TypeA => "A", TypeSoa => "SOA", TypeAaaa => "AAAA", _ => $"{type}" }} {name}");

        var exists = Names.TryGetValue(name, out var addresses);
        var records = new List<byte[]>();
        if (exists && type is TypeA or TypeAaaa)
        {
            var family = type == TypeA ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
            records.AddRange(addresses!.Where(address => address.AddressFamily == family)
                .Select(address => Record(type, address.GetAddressBytes())));
        }
        else if (Serials.TryGetValue(name, out var serial))
        {
            exists = true;
            if (type == TypeSoa)
                records.Add(Record(type, [0, 0, .. Number(serial), .. Number(60), .. Number(60), .. Number(60), .. Number(60)]));
        }

        var header = new byte[HeaderBytes];
        question.AsSpan(0, 2).CopyTo(header);
        header[2] = (byte)(0x85 | (isCut ? 2 : 0)); // A reply, of authority, to a question that wanted recursion; maybe cut.
        header[3] = exists ? (byte)0x80 : (byte)(0x80 | NxDomain);
        header[5] = 1;
        if (!isCut) header[7] = (byte)records.Count;
        return [.. header, .. question[HeaderBytes..questionEnd], .. isCut ? [] : records.SelectMany(record => record)];
    }

    private static byte[] Record(ushort type, byte[] data) =>
        [0xc0, HeaderBytes, 0, (byte)type, 0, 1, 0, 0, 0, 60, (byte)(data.Length >> 8), (byte)data.Length, .. data];

    private static byte[] Number(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
