using System.Text;
using FastPool.Base;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Tests.Core.Sessions;

/// <summary>Both versions of the header, whole, cut and wrong. Source: HAProxy, The PROXY protocol.</summary>
public sealed class ProxyHeaderTests
{
    private static readonly byte[] V4 = [192, 0, 2, 1, 192, 0, 2, 9, 0x30, 0x39, 0x15, 0x38];

    private static byte[] Line(string text) => Encoding.Latin1.GetBytes(text);

    private static byte[] Tlv(byte type, byte[] value) => [type, .. Wire.Int16(value.Length), .. value];

    private static string Read(byte[] bytes)
    {
        var status = ProxyHeader.TryRead(bytes, out var header, out var problem);
        return status switch
        {
            HeaderStatus.Complete => $"{header.Length} {ConnectionName.Host(header.Client, 0, 0)}",
            HeaderStatus.NeedMore => "more",
            _ => problem,
        };
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.9 12345 5432\r\n", "192.0.2.1:12345")]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::9 1 65535\r\n", "[2001:db8::1]:1")]
    [InlineData("PROXY TCP6 ::ffff:192.0.2.1 ::1 7 8\r\n", "192.0.2.1:7")]
    [InlineData("PROXY UNKNOWN\r\n", "(bad-af):0")]
    [InlineData("PROXY UNKNOWN whatever stands here\r\n", "(bad-af):0")]
    public void A_line_tells_the_client(string line, string client)
    {
        Assert.Equal($"{line.Length} {client}", Read(Line(line)));
        Assert.Equal($"{line.Length} {client}", Read(Line(line + "\0\0\0\x08")));
        for (var length = 1; length < line.Length; length++) Assert.Equal("more", Read(Line(line[..length])));
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.9 12345\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.9 12345 5432 1\r\n")]
    [InlineData("PROXY TCP4  192.0.2.1 192.0.2.9 12345 5432\r\n")]
    [InlineData("PROXY TCP4 2001:db8::1 2001:db8::9 1 2\r\n")]
    [InlineData("PROXY TCP6 192.0.2.1 192.0.2.9 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2 192.0.2.9 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.999 1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.9 65536 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.9 -1 2\r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.9 01 2\r\n")]
    [InlineData("PROXY UDP4 192.0.2.1 192.0.2.9 1 2\r\n")]
    [InlineData("PROXY \r\n")]
    [InlineData("PROXY TCP4 192.0.2.1 192.0.2.9 12345 5432\n")]
    [InlineData("PROXY UNKNOWN\n")]
    [InlineData("PROXY TCP4 192.0.2.1\r192.0.2.9")]
    [InlineData("PROXY TCP4\0")]
    public void A_wrong_line_is_refused(string line) => Assert.Equal("a wrong line", Read(Line(line)));

    [Fact]
    public void A_line_has_at_most_107_bytes()
    {
        Assert.Equal("107 (bad-af):0", Read(Line("PROXY UNKNOWN " + new string('x', 91) + "\r\n")));
        Assert.Equal("the line has no end", Read(Line("PROXY UNKNOWN " + new string('x', 92) + "\r\n")));
    }

    [Theory]
    [InlineData("\0")]
    [InlineData("PROXX")]
    [InlineData("GET / HTTP")]
    [InlineData("\r\n\r\n\0\r\nQUIX")]
    [InlineData("proxy TCP4")]
    public void Bytes_that_cannot_become_a_header_are_refused_at_once(string text) =>
        Assert.Equal("there is none", Read(Line(text)));

    [Fact]
    public void A_version_that_does_not_exist_is_refused_before_the_rest_has_come() =>
        Assert.Equal("another version or command", Read(Line("\r\n\r\n\0\r\nQUIT\n\x31")));

    [Fact]
    public void A_TLV_that_goes_beyond_the_header_is_refused()
    {
        byte[] tlv = [0xEA, 0, 9, 1];
        byte[] odd = [0xEA, 0];
        foreach (var more in (byte[][])[tlv, odd])
        {
            byte[] header = [.. Line("\r\n\r\n\0\r\nQUIT\n\x21\x11"), .. Wire.Int16(V4.Length + more.Length), .. V4, .. more];
            Assert.Equal("a cut or wrong TLV", Read(header));
        }
    }

    [Fact]
    public void Version_2_tells_the_client_and_is_cut_at_no_place()
    {
        var v6 = new byte[36];
        (v6[0], v6[15], v6[33]) = (0x20, 1, 7);
        foreach (var (header, client) in new[]
        {
            (Wire.ProxyHeader(0x21, 0x11, V4), "192.0.2.1:12345"),
            (Wire.ProxyHeader(0x21, 0x21, v6), "[2000::1]:7"),
            (Wire.ProxyHeader(0x21, 0x11, [.. V4, .. Tlv(4, new byte[300])]), "192.0.2.1:12345"),
            (Wire.ProxyHeader(0x21, 0x00, []), "(bad-af):0"),
            (Wire.ProxyHeader(0x21, 0x31, new byte[216]), "(bad-af):0"),
            (Wire.ProxyHeader(0x20, 0x00, []), "(bad-af):0"),
            (Wire.ProxyHeader(0x20, 0xFF, [1, 2, 3]), "(bad-af):0"),
        })
        {
            Assert.Equal($"{header.Length} {client}", Read(header));
            Assert.Equal($"{header.Length} {client}", Read([.. header, 1, 2, 3]));
            for (var length = 1; length < header.Length; length++) Assert.Equal("more", Read(header[..length]));
        }
    }

    [Fact]
    public void A_fault_in_version_2_is_named()
    {
        Assert.Equal("another version or command", Read(Wire.ProxyHeader(0x11, 0x11, V4)));
        Assert.Equal("another version or command", Read(Wire.ProxyHeader(0x22, 0x11, V4)));
        Assert.Equal("another family or transport", Read(Wire.ProxyHeader(0x21, 0x12, V4)));
        Assert.Equal("no room for the addresses", Read(Wire.ProxyHeader(0x21, 0x11, V4[..11])));
        Assert.Equal("a cut or wrong TLV", Read(Wire.ProxyHeader(0x21, 0x11, [.. V4, 1, 0])));
        Assert.Equal("a cut or wrong TLV", Read(Wire.ProxyHeader(0x21, 0x11, [.. V4, 1, 0, 2, 0])));
        Assert.Equal("a cut or wrong TLV", Read(Wire.ProxyHeader(0x21, 0x11, [.. V4, .. Tlv(2, new byte[256])])));
        Assert.Equal("a cut or wrong TLV", Read(Wire.ProxyHeader(0x21, 0x11, [.. V4, .. Tlv(0x20, [1, 0, 0, 0])])));
        Assert.Equal($"longer than {Limits.ProxyHeaderBytes} bytes",
            Read(Wire.ProxyHeader(0x21, 0x11, new byte[Limits.ProxyHeaderBytes - 15])));
        Assert.Equal("more", Read(Wire.ProxyHeader(0x21, 0x11, new byte[Limits.ProxyHeaderBytes - 16])[..16]));
    }

    [Theory]
    [InlineData(1, 0, "TLSv1.3", "ann")]
    [InlineData(1, 1, "TLSv1.3", "")]
    [InlineData(0, 0, "", "")]
    public void A_name_of_a_certificate_counts_when_the_proxy_has_verified_it(byte client, byte verify, string tls, string name)
    {
        byte[] ssl = [client, 0, 0, 0, verify, .. Tlv(0x21, Line("TLSv1.3")), .. Tlv(0x22, Line("ann")), .. Tlv(0x23, Line("x"))];
        var bytes = Wire.ProxyHeader(0x21, 0x11, [.. V4, .. Tlv(2, Line("db.example.com")), .. Tlv(0x20, ssl)]);
        Assert.Equal(HeaderStatus.Complete, ProxyHeader.TryRead(bytes, out var header, out _));
        Assert.Equal(("db.example.com", tls, name), (header.Authority, header.Tls, header.CommonName));
    }

    [Fact]
    public void A_checksum_is_checked()
    {
        // CRC-32C of this header with 0 in place of the checksum.
        var header = Wire.ProxyHeader(0x21, 0x11, [.. V4, .. Tlv(3, new byte[4]), .. Tlv(4, [])]);
        var sum = Crc32C(header);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(31), sum);
        Assert.Equal($"{header.Length} 192.0.2.1:12345", Read(header));
        header[16] ^= 1;
        Assert.Equal("a wrong checksum", Read(header));
    }

    /// <summary>Bit by bit, from the polynomial. Source: RFC 3720, appendix B.4.</summary>
    private static uint Crc32C(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var i = 0; i < 8; i++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
        }
        return ~crc;
    }
}
