using System.Globalization;
using System.Net;

namespace FastPool.Core.Settings;

/// <summary>
/// An address to listen on: <c>127.0.0.1:9127</c>, <c>[::1]:9127</c>, <c>localhost:9127</c>, <c>*:9127</c> for all of them.
/// </summary>
/// <param name="Ip">Null: that of the name.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="Name">Looked up when it is listened on; null: all addresses of the machine, if there is none in digits.</param>
public sealed record ListenAddress(IPAddress? Ip, int Port, string? Name = null)
{
    private const int NameMax = 253; // Of RFC 1035, with dots.

    private const int PortMax = 65535;

    /// <returns>Null when it is no address with a port.</returns>
    public static ListenAddress? TryParse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > PortMax) return null;
        var host = text[..colon];
        if (host == "*") return new ListenAddress(null, port);
        if (host.StartsWith('[') && host.EndsWith(']')) host = host[1..^1];
        else if (host.Contains(':')) return null; // An IPv6 address without brackets: no colon is known to be the port's.
        else if (IsName(host)) return new ListenAddress(null, port, host);
        return IPAddress.TryParse(host, out var ip)
            && (ip.AddressFamily != System.Net.Sockets.AddressFamily.InterNetwork || host.Count('.') == 3)
            ? new ListenAddress(ip, port) : null;
    }

    /// <summary>Letters, digits, hyphens and dots; its last part is no number, or it would be an address.</summary>
    private static bool IsName(string host) =>
        host.Length <= NameMax && host.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.')
            && char.IsAsciiLetterOrDigit(host[0]) && host[(host.LastIndexOf('.') + 1)..].Any(char.IsAsciiLetter);

    public override string ToString() =>
        Name is not null ? $"{Name}:{Port}" : Ip is null ? $"*:{Port}" : new IPEndPoint(Ip, Port).ToString();
}
