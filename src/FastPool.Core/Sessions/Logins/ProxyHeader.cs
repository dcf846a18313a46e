using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using FastPool.Base;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// The header by which a proxy says who is behind it, version 1 (a line) or 2 (binary). Judged as it comes in: what cannot become
/// a header is refused at its first wrong byte. Source: HAProxy, The PROXY protocol, versions 1 and 2.
/// </summary>
public readonly record struct ProxyHeader
{
    private const int LineMax = 107;
    private const int FixedBytes = 16;
    private const int V4Bytes = 12;
    private const int V6Bytes = 36;
    private const int UnixBytes = 216;
    private const int TlvHeaderBytes = 3;
    private const int TextMax = 255;

    private static ReadOnlySpan<byte> LineStart => "PROXY "u8;

    private static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Bytes that it takes; behind them the client begins.</summary>
    public int Length { get; private init; }

    /// <summary>The client; no address: the proxy speaks for itself, or does not know its client.</summary>
    public EndAddress Client { get; private init; }

    /// <summary>The name that the client asked the proxy for (SNI); empty: not told.</summary>
    public string Authority { get; private init; }

    /// <summary>TLS version between client and proxy; empty: none, or not told.</summary>
    public string Tls { get; private init; }

    /// <summary>Of the client's certificate, if the proxy has verified it; else empty.</summary>
    public string CommonName { get; private init; }

    /// <summary>It begins like one.</summary>
    public static bool IsBegun(ReadOnlySpan<byte> bytes) => bytes.StartsWith(LineStart) || bytes.StartsWith(Signature[..8]);

    /// <param name="bytes">All that has come.</param>
    /// <param name="problem">Why it is none, when the status is Bad.</param>
    public static HeaderStatus TryRead(ReadOnlySpan<byte> bytes, out ProxyHeader header, out string problem)
    {
        header = new ProxyHeader { Authority = "", Tls = "", CommonName = "" };
        problem = "there is none";
        if (IsPartOf(bytes, LineStart)) return bytes.Length < LineStart.Length ? HeaderStatus.NeedMore
            : ReadLine(bytes, ref header, out problem);
        if (!IsPartOf(bytes, Signature)) return HeaderStatus.Bad;
        return ReadBinary(bytes, ref header, out problem);
    }

    private static bool IsPartOf(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> start)
    {
        var common = Math.Min(bytes.Length, start.Length);
        return bytes[..common].SequenceEqual(start[..common]);
    }

    // ---- version 1 ------------------------------------------------------------------------------------------------

    private static HeaderStatus ReadLine(ReadOnlySpan<byte> bytes, ref ProxyHeader header, out string problem)
    {
        problem = "the line has no end";
        var line = bytes[..Math.Min(bytes.Length, LineMax)];
        var end = line.IndexOf("\r\n"u8);
        var isCut = end < 0 && line.Length < LineMax;
        problem = end < 0 && !isCut ? problem : "a wrong line";
        // Nothing but the end of the line is a control byte; its first half may have come alone.
        var text = end >= 0 ? line[..end] : line is [.. var before, (byte)'\r'] ? before : line;
        if (text.IndexOfAnyInRange((byte)0, (byte)0x1F) >= 0) return HeaderStatus.Bad;
        if (end < 0) return isCut ? HeaderStatus.NeedMore : HeaderStatus.Bad;
        header = header with { Length = end + 2 };
        var words = ByteText.Of(bytes[..end]).Split(' ');
        if (words[1] == "UNKNOWN") return HeaderStatus.Complete; // The rest is to be ignored.
        if (words.Length != 6 || words[1] is not ("TCP4" or "TCP6")) return HeaderStatus.Bad;
        var isV6 = words[1] == "TCP6";
        if (!IsAddress(words[2], isV6) || !IsAddress(words[3], isV6)
            || PortOf(words[4]) is not { } port || PortOf(words[5]) is null) return HeaderStatus.Bad;
        header = header with { Client = EndAddress.Parse(words[2], port) };
        return HeaderStatus.Complete;
    }

    private static bool IsAddress(string word, bool isV6) => HbaAddress.TryParse(word, out _) && word.Contains(':') == isV6;

    private static int? PortOf(string word) =>
        word.Length > 0 && (word.Length == 1 || word[0] != '0')
            && ushort.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : null;

    // ---- version 2 ------------------------------------------------------------------------------------------------

    private static HeaderStatus ReadBinary(ReadOnlySpan<byte> bytes, ref ProxyHeader header, out string problem)
    {
        const byte Local = 0x20, Proxied = 0x21; // Version 2 and the command.
        problem = "another version or command";
        if (bytes.Length <= Signature.Length) return HeaderStatus.NeedMore;
        var command = bytes[Signature.Length];
        if (command is not (Local or Proxied)) return HeaderStatus.Bad;
        if (bytes.Length < FixedBytes) return HeaderStatus.NeedMore;
        var kind = bytes[Signature.Length + 1];
        var length = FixedBytes + BinaryPrimitives.ReadUInt16BigEndian(bytes[(FixedBytes - 2)..]);
        problem = $"longer than {Limits.ProxyHeaderBytes} bytes";
        if (length > Limits.ProxyHeaderBytes) return HeaderStatus.Bad;
        if (bytes.Length < length) return HeaderStatus.NeedMore;
        header = header with { Length = length };
        if (command == Local) return HeaderStatus.Complete; // Whatever it brings is to be skipped.

        problem = "another family or transport";
        var body = bytes[FixedBytes..length];
        int? addressBytes = kind switch { 0x00 => 0, 0x11 => V4Bytes, 0x21 => V6Bytes, 0x31 => UnixBytes, _ => null };
        if (addressBytes is not { } size) return HeaderStatus.Bad;
        problem = "no room for the addresses";
        if (body.Length < size) return HeaderStatus.Bad;
        if (size == V4Bytes) header = header with { Client = EndAddress.OfBytes(body[..4], PortAt(body, 8)) };
        if (size == V6Bytes) header = header with { Client = EndAddress.OfBytes(body[..16], PortAt(body, 32)) };
        return TryReadTlvs(bytes[..length], FixedBytes + size, ref header, out problem) ? HeaderStatus.Complete
            : HeaderStatus.Bad;
    }

    private static int PortAt(ReadOnlySpan<byte> body, int position) => BinaryPrimitives.ReadUInt16BigEndian(body[position..]);

    private static bool TryReadTlvs(ReadOnlySpan<byte> whole, int from, ref ProxyHeader header, out string problem)
    {
        const byte Authority = 0x02, Checksum = 0x03, Ssl = 0x20;
        problem = "a cut or wrong TLV";
        while (from < whole.Length)
        {
            if (!TryReadTlv(whole[from..], out var type, out var value)) return false;
            switch (type)
            {
                case Authority:
                    if (value.Length > TextMax) return false;
                    header = header with { Authority = ByteText.Of(value) };
                    break;
                case Checksum:
                    if (value.Length != sizeof(uint)) return false;
                    if (ChecksumOf(whole, from + TlvHeaderBytes) != BinaryPrimitives.ReadUInt32BigEndian(value))
                    {
                        problem = "a wrong checksum";
                        return false;
                    }
                    break;
                case Ssl:
                    if (!TryReadSsl(value, ref header)) return false;
                    break;
            }
            from += TlvHeaderBytes + value.Length;
        }
        return true;
    }

    private static bool TryReadTlv(ReadOnlySpan<byte> from, out byte type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (from.Length < TlvHeaderBytes) return false;
        type = from[0];
        var length = BinaryPrimitives.ReadUInt16BigEndian(from[1..]);
        if (from.Length - TlvHeaderBytes < length) return false;
        value = from.Slice(TlvHeaderBytes, length);
        return true;
    }

    /// <summary>Bits of the client, the result of the check of its certificate, and TLVs of its own.</summary>
    private static bool TryReadSsl(ReadOnlySpan<byte> value, ref ProxyHeader header)
    {
        const int Fixed = 5;
        const byte HasTls = 1, Version = 0x21, CommonName = 0x22;
        if (value.Length < Fixed) return false;
        var isTls = (value[0] & HasTls) != 0;
        var isVerified = BinaryPrimitives.ReadUInt32BigEndian(value[1..]) == 0;
        for (var rest = value[Fixed..]; !rest.IsEmpty;)
        {
            if (!TryReadTlv(rest, out var type, out var text)) return false;
            rest = rest[(TlvHeaderBytes + text.Length)..];
            if (type is not (Version or CommonName) || !isTls) continue;
            if (text.Length > TextMax) return false;
            if (type == Version) header = header with { Tls = ByteText.Of(text) };
            else if (isVerified) header = header with { CommonName = ByteText.Of(text) };
        }
        return true;
    }

    /// <summary>CRC32c of the whole header, in which the checksum's own bytes count as 0.</summary>
    private static uint ChecksumOf(ReadOnlySpan<byte> whole, int own)
    {
        var crc = uint.MaxValue;
        for (var i = 0; i < whole.Length; i++)
            crc = BitOperations.Crc32C(crc, i >= own && i < own + sizeof(uint) ? (byte)0 : whole[i]);
        return ~crc;
    }
}
