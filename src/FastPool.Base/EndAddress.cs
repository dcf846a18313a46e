using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace FastPool.Base;

/// <summary>Address families as Linux numbers them.</summary>
public static class SocketFamily
{
    public const int Unix = 1;
    public const int V4 = 2;
    public const int V6 = 10;
}

/// <summary>
/// One end of a connection as shown and logged: 24 bytes, no object. An IPv4 address that a socket of both families tells as
/// <c>::ffff:a.b.c.d</c> is an IPv4 address.
/// </summary>
public readonly struct EndAddress
{
    /// <summary>Of a mapped IPv4 address, between 64 bits of 0 and the address.</summary>
    private const ulong Mapped = 0xFFFF;

    private readonly ulong _high;
    private readonly ulong _low;
    private readonly ushort _family;

    private EndAddress(int family, ulong high, ulong low, int port)
    {
        var isMapped = family == SocketFamily.V6 && high == 0 && low >> 32 == Mapped;
        _family = isMapped ? (ushort)SocketFamily.V4 : (ushort)family;
        _high = high;
        _low = isMapped ? (uint)low : low;
        Port = (ushort)port;
    }

    /// <summary>0 for a Unix socket.</summary>
    public ushort Port { get; }
    public bool IsKnown => _family != 0;
    public bool IsUnix => _family == SocketFamily.Unix;
    public bool IsV6 => _family == SocketFamily.V6;

    /// <summary>Equal for ends that are likely one host's: the address, of IPv6 the first half of it.</summary>
    public (int Family, ulong Prefix) Network => (_family, IsV6 && _high != 0 ? _high : _low);

    public static EndAddress OfUnix { get; } = new(SocketFamily.Unix, 0, 0, 0);

    /// <summary>Reads the bytes of a struct sockaddr; an unknown family is no address.</summary>
    public static EndAddress Read(ReadOnlySpan<byte> sockaddr)
    {
        if (sockaddr.Length < 2) return default;
        var family = MemoryMarshal.Read<ushort>(sockaddr);
        return family switch
        {
            SocketFamily.V4 =>
                new EndAddress(family, 0, BinaryPrimitives.ReadUInt32BigEndian(sockaddr[4..]),
                BinaryPrimitives.ReadUInt16BigEndian(sockaddr[2..])),
            SocketFamily.V6 =>
                new EndAddress(family, BinaryPrimitives.ReadUInt64BigEndian(sockaddr[8..]),
                BinaryPrimitives.ReadUInt64BigEndian(sockaddr[16..]), BinaryPrimitives.ReadUInt16BigEndian(sockaddr[2..])),
            SocketFamily.Unix => OfUnix,
            _ => default,
        };
    }

    /// <summary>An address given as text: an IP, <c>*</c> for all of IPv4, or <c>unix</c>; anything else is no address.</summary>
    public static EndAddress Parse(string text, int port)
    {
        if (text == "unix") return OfUnix;
        if (!IPAddress.TryParse(text == "*" ? "0.0.0.0" : text, out var ip)) return default;
        Span<byte> bytes = stackalloc byte[16];
        ip.TryWriteBytes(bytes, out var length);
        return OfBytes(bytes[..length], port);
    }

    /// <param name="bytes">Of an IP address in network order: 4 or 16.</param>
    public static EndAddress OfBytes(ReadOnlySpan<byte> bytes, int port) =>
        bytes.Length == 4
            ? new EndAddress(SocketFamily.V4, 0, BinaryPrimitives.ReadUInt32BigEndian(bytes), port)
            : new EndAddress(SocketFamily.V6, BinaryPrimitives.ReadUInt64BigEndian(bytes),
                BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), port);

    /// <summary>Bytes of <see cref="CopyTo"/>.</summary>
    public const int Size = 20;

    /// <summary>In a form of our own, for <see cref="Of"/>.</summary>
    public void CopyTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, _high);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _low);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[16..], _family);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[18..], Port);
    }

    public static EndAddress Of(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt16BigEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt64BigEndian(bytes),
        BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt16BigEndian(bytes[18..]));

    public IPAddress? ToIPAddress()
    {
        if (_family == SocketFamily.V4)
        {
            Span<byte> v4 = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(v4, (uint)_low);
            return new IPAddress(v4);
        }
        if (_family != SocketFamily.V6) return null;
        Span<byte> v6 = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(v6, _high);
        BinaryPrimitives.WriteUInt64BigEndian(v6[8..], _low);
        return new IPAddress(v6);
    }

    /// <summary>The address alone, as SHOW CLIENTS prints it: IP text, <c>unix</c> or <c>(bad-af)</c>.</summary>
    public override string ToString() => _family switch
    {
        SocketFamily.Unix => "unix",
        SocketFamily.V4 or SocketFamily.V6 => ToIPAddress()!.ToString(),
        _ => "(bad-af)",
    };
}
