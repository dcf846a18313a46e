using System.Net;
using System.Net.Sockets;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Native;

namespace FastPool.Net;

/// <summary>Where to connect to, or why there is nothing to connect to.</summary>
/// <param name="Text">As the log has it.</param>
/// <param name="Origin">The answer of the DNS that it came from; null: it was named as an address or a path.</param>
/// <param name="Problem">Why there is no address; null: there is.</param>
internal readonly record struct DialTarget(NativeAddress Address, EndAddress Remote, string Text, HostAddress? Origin = null,
    string? Problem = null)
{
    internal static DialTarget Nowhere(string problem) => new(default, default, "", null, problem);

    internal static DialTarget Of(IPAddress ip, int port, HostAddress? origin = null)
    {
        var address = NativeAddress.Ip(ip, port);
        return new DialTarget(address, address.ToEndAddress(), ip.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{ip}]:{port}"
            : $"{ip}:{port}", origin);
    }

    /// <summary>PostgreSQL's socket in the folder.</summary>
    internal static DialTarget Unix(string folder, int port)
    {
        var path = $"{folder}/.s.PGSQL.{port}";
        return NativeAddress.Unix(path) is { } address ? new DialTarget(address, EndAddress.OfUnix, "unix:" + path)
            : Nowhere("cannot connect");
    }
}
