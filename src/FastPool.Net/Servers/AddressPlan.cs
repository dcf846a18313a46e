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

    /// <summary>Raised with each attempt.</summary>
    internal int Step { get; private set; }

    /// <summary>The host of this attempt; empty when there is none to be had.</summary>
    internal string Host => NameAt(_host);

    /// <summary>The address of this attempt, once its host's name is resolved.</summary>
    internal HostAddress? Address => _address < _addresses.Count ? _addresses[_address] : null;

    /// <summary>The host of the attempt after this one; null: there is none.</summary>
    private protected string? NextHost =>
        _address + 1 < _addresses.Count ? Host : _host + 1 < hosts.Count ? NameAt(_host + 1) : null;

    /// <summary>Null: the next host has not been looked up.</summary>
    private protected HostAddress? NextAddress => _address + 1 < _addresses.Count ? _addresses[_address + 1] : null;

    /// <summary>The host's name stands for these.</summary>
    internal void Found(IReadOnlyList<HostAddress> addresses)
    {
        var some = addresses.Count > Limits.AddressesMax ? [.. addresses.Take(Limits.AddressesMax)] : addresses;
        _addresses = Arrange(some);
        _address = 0;
    }

    /// <summary>Goes on to the next attempt.</summary>
    /// <returns>False: that was the last.</returns>
    internal bool TryMoveOn()
    {
        Step++;
        if (++_address < _addresses.Count) return true;
        _addresses = [];
        if (_host >= hosts.Count) return false;
        return ++_host < hosts.Count;
    }

    /// <summary>The addresses of the present host in the order to try them in.</summary>
    private protected virtual IReadOnlyList<HostAddress> Arrange(IReadOnlyList<HostAddress> addresses) => addresses;

    private protected IEnumerable<string> AllHosts => Enumerable.Range(0, hosts.Count).Select(NameAt);

    private string NameAt(int place) => place < hosts.Count && hosts[place].Length > 0 ? hosts[place] : unixSocketDir;
}
