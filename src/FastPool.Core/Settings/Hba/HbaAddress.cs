using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FastPool.Core.Settings;

/// <summary>An address of either family as a number, so that a masked comparison is one operation.</summary>
internal readonly record struct HbaAddress(AddressFamily Family, UInt128 Bits)
{
    private const int Ipv4Bits = 32;
    private const int Ipv6Bits = 128;
    private const int Ipv6Bytes = 16;

    /// <summary>The upper bits of a mapped IPv4 address.</summary>
    private const uint Mapped = 0xFFFF;

    private static readonly SearchValues<char> Ipv6Chars = SearchValues.Create("0123456789abcdefABCDEF:.");

    /// <summary>Bits of an address of this family.</summary>
    internal int Width => Family == AddressFamily.InterNetwork ? Ipv4Bits : Ipv6Bits;

    internal static HbaAddress Of(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[Ipv6Bytes];
        bytes.Clear();
        var isIpv4 = address.AddressFamily == AddressFamily.InterNetwork;
        address.TryWriteBytes(isIpv4 ? bytes[12..] : bytes, out _);
        return new HbaAddress(address.AddressFamily, BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>
    /// The addresses that inet_pton takes: four decimal numbers without leading zeros, or IPv6 without zone and brackets.
    /// </summary>
    internal static bool TryParse(string text, out HbaAddress address)
    {
        address = default;
        var isIpv6 = text.Contains(':');
        if (isIpv6 ? text.AsSpan().ContainsAnyExcept(Ipv6Chars) : !IsDottedQuad(text)) return false;
        if (!IPAddress.TryParse(text, out var parsed)) return false;
        address = Of(parsed);
        return true;
    }

    /// <summary>The mask of that many leading bits. No digits at all count as 0.</summary>
    internal bool TryMask(ReadOnlySpan<char> bitCount, out HbaAddress mask)
    {
        mask = default;
        var count = 0;
        var isNumber = bitCount.IsEmpty || int.TryParse(bitCount, NumberStyles.None, CultureInfo.InvariantCulture, out count);
        if (!isNumber || count > Width) return false;
        var ones = Width == Ipv4Bits ? uint.MaxValue : UInt128.MaxValue;
        mask = new HbaAddress(Family, count == 0 ? 0 : (ones << (Width - count)) & ones);
        return true;
    }

    /// <summary>Networks of mapped addresses (<c>::ffff:10.0.0.0/104</c>) are those of IPv4, as clients' addresses are.</summary>
    internal static (HbaAddress Address, HbaAddress Mask) Unmapped(HbaAddress address, HbaAddress mask)
    {
        var upper = UInt128.MaxValue << Ipv4Bits;
        var isMapped = address.Family == AddressFamily.InterNetworkV6 && address.Bits >> Ipv4Bits == Mapped
            && (mask.Bits & upper) == upper;
        return isMapped ? (address.OfIpv4(), mask.OfIpv4()) : (address, mask);
    }

    private HbaAddress OfIpv4() => new(AddressFamily.InterNetwork, (uint)Bits);

    /// <summary>Presentation form.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Ipv6Bytes];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
        return new IPAddress(Family == AddressFamily.InterNetwork ? bytes[12..] : bytes).ToString();
    }

    private static bool IsDottedQuad(string text)
    {
        var parts = 0;
        foreach (var range in text.AsSpan().Split('.'))
        {
            var part = text.AsSpan(range);
            if (part.Length is 0 or > 3 || part.ContainsAnyExceptInRange('0', '9')) return false;
            if (part.Length > 1 && part[0] == '0') return false;
            parts++;
        }

        return parts == 4;
    }
}
