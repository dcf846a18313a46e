using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Net;

/// <summary>
/// Where a connection may be tried, one after the other: each host of a list with each of its addresses. On one loop.
/// </summary>
/// <param name="unixSocketDir">Stands for a host that is not named; empty: there is none.</param>
internal class AddressPlan(IReadOnlyList<string> hosts, string unixSocketDir)
{
    private IReadOnlyList<HostAddress> _addresses = [];
    private int _host;
    private int _address;

    /// <summary>The host of this attempt; empty when there is none to be had.</summary>
    internal string Host => _host < hosts.Count && hosts[_host].Length > 0 ? hosts[_host] : unixSocketDir;

    /// <summary>The address of this attempt, once its host's name is resolved.</summary>
    internal HostAddress? Address => _address < _addresses.Count ? _addresses[_address] : null;

    /// <summary>The host's name stands for these.</summary>
    internal void Found(IReadOnlyList<HostAddress> addresses)
    {
        _addresses = addresses.Count > Limits.AddressesMax ? [.. addresses.Take(Limits.AddressesMax)] : addresses;
        _address = 0;
    }

    /// <summary>The attempt failed.</summary>
    /// <param name="failedHost">The host none of whose addresses would do; null: it has more.</param>
    /// <returns>False: it was the last.</returns>
    internal bool TryMoveOn(out string? failedHost)
    {
        failedHost = null;
        if (++_address < _addresses.Count) return true;
        _addresses = [];
        if (_host >= hosts.Count) return false;
        failedHost = hosts[_host];
        return ++_host < hosts.Count;
    }
}
