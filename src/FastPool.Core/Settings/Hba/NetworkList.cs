using System.Globalization;
using System.Net;

namespace FastPool.Core.Settings;

/// <summary>Networks as a setting names them: <c>10.0.0.0/8, 192.168.1.7, fd00::/8</c>.</summary>
public sealed class NetworkList
{
    private readonly (HbaAddress Address, HbaAddress Mask)[] _networks;
    private readonly string _text;

    private NetworkList((HbaAddress Address, HbaAddress Mask)[] networks, string text)
    {
        _networks = networks;
        _text = text;
    }

    public static NetworkList None { get; } = new([], "");

    public bool IsEmpty => _networks.Length == 0;

    /// <summary>One of them is all of a family.</summary>
    internal bool HasEverybody => _networks.Any(static network => network.Mask.Bits == 0);

    /// <returns>Null when an item is no address or network, or has bits outside its mask.</returns>
    public static NetworkList? TryParse(string text)
    {
        var items = CommaList.Split(text);
        var networks = new List<(HbaAddress, HbaAddress)>();
        foreach (var item in items)
        {
            var slash = item.IndexOf('/');
            if (!HbaAddress.TryParse(slash < 0 ? item : item[..slash], out var address)) return null;
            var bits = slash < 0 ? address.Width.ToString(CultureInfo.InvariantCulture) : item[(slash + 1)..];
            if (bits.Length == 0 || !address.TryMask(bits, out var mask) || (address.Bits & ~mask.Bits) != 0) return null;
            networks.Add(HbaAddress.Unmapped(address, mask));
        }
        return new NetworkList([.. networks], string.Join(", ", items));
    }

    /// <param name="ip">An IPv4 address in its own form, not a mapped one; null is in no network.</param>
    public bool Contains(IPAddress? ip)
    {
        if (ip is null || IsEmpty) return false;
        var address = HbaAddress.Of(ip);
        foreach (var (network, mask) in _networks)
        {
            if (address.Family == network.Family && (address.Bits & mask.Bits) == network.Bits) return true;
        }
        return false;
    }

    /// <summary>As a file would have it.</summary>
    public override string ToString() => _text;
}
