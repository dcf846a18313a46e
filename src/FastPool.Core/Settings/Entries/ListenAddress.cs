using System.Globalization;
using System.Net;

namespace FastPool.Core.Settings;

/// <summary>An address to listen on: <c>127.0.0.1:9127</c>, <c>[::1]:9127</c>, <c>*:9127</c> for all of them.</summary>
/// <param name="Ip">Null: all addresses of the machine.</param>
/// <param name="Port">1 to 65535.</param>
public sealed record ListenAddress(IPAddress? Ip, int Port)
{
    private const int PortMax = 65535;

    /// <returns>Null when it is no address with a port; names are not looked up.</returns>
    public static ListenAddress? TryParse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > PortMax) return null;
        var host = text[..colon];
        if (host == "*") return new ListenAddress(null, port);
        if (host.StartsWith('[') && host.EndsWith(']')) host = host[1..^1];
        else if (host.Contains(':')) return null; // An IPv6 address without brackets: which colon is the port's, nobody knows.
        return IPAddress.TryParse(host, out var ip)
            && (ip.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork || host.Count('.') == 3)
            ? new ListenAddress(ip, port) : null;
    }

    public override string ToString() => Ip is null ? $"*:{Port}" : new IPEndPoint(Ip, Port).ToString();
}
