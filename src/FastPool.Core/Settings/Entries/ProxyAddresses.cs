using System.Net;

namespace FastPool.Core.Settings;

/// <summary>
/// Local addresses on which proxies are expected: <c>10.0.0.5</c>, <c>10.0.0.5:6433</c>, <c>[::1]:6433</c>, or <c>*:6433</c>
/// where sockets come from a service manager.
/// </summary>
public sealed class ProxyAddresses
{
    private readonly (IPAddress? Ip, int Port)[] _addresses;
    private readonly string _text;

    private ProxyAddresses((IPAddress? Ip, int Port)[] addresses, string text)
    {
        _addresses = addresses;
        _text = text;
    }

    public static ProxyAddresses All { get; } = new([], "");

    /// <returns>Null when an item is no address. A name is none: what it stands for may change.</returns>
    public static ProxyAddresses? TryParse(string text)
    {
        var items = CommaList.Split(text);
        if (items.Count == 0) return All;
        var addresses = new List<(IPAddress?, int)>();
        foreach (var item in items)
        {
            if (HbaAddress.TryParse(item, out _)) addresses.Add((IPAddress.Parse(item), 0));
            else if (ListenAddress.TryParse(item) is { Name: null } address) addresses.Add((address.Ip, address.Port));
            else return null;
        }
        return new ProxyAddresses([.. addresses], string.Join(", ", items));
    }

    /// <param name="ip">Of the pooler's own end of a connection.</param>
    /// <param name="port">Of that end.</param>
    public bool Contains(IPAddress? ip, int port)
    {
        if (ip is null || _addresses.Length == 0) return ip is not null;
        foreach (var address in _addresses)
        {
            if ((address.Ip is null || address.Ip.Equals(ip)) && (address.Port == 0 || address.Port == port)) return true;
        }
        return false;
    }

    /// <summary>As a file would have it.</summary>
    public override string ToString() => _text;
}
