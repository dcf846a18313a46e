using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Net;

/// <summary>
/// Where a connection may be tried, one after the other: each host of a list with each of its addresses. On one loop.
/// </summary>
/// <param name="unixSocketDir">Stands for a host that is not named; empty: there is none.</param>
internal class AddressPlan(IReadOnlyList<string> hosts, string unixSocketDir)
{
    private readonly Queue<string> _hosts = new(hosts.Skip(1));
    private readonly Queue<HostAddress> _addresses = new();

    /// <summary>Raised with each attempt.</summary>
    internal int Step { get; private set; }

    /// <summary>The host of this attempt; empty when there is none to be had.</summary>
    internal string Host { get; private set; } = NameOf(hosts.Count > 0 ? hosts[0] : "", unixSocketDir);

    /// <summary>The address of this attempt, once its host's name is resolved.</summary>
    internal HostAddress? Address { get; private set; }

    /// <summary>The other addresses of the present host, and the other hosts, that are still to be tried.</summary>
    private protected IReadOnlyCollection<HostAddress> AddressesLeft => _addresses;

    /// <inheritdoc cref="AddressesLeft"/>
    private protected IEnumerable<string> HostsLeft => _hosts.Select(host => NameOf(host, unixSocketDir));

    /// <summary>The host's name stands for these.</summary>
    internal void Found(IReadOnlyList<HostAddress> addresses)
    {
        _addresses.Clear();
        foreach (var address in Arrange(addresses).Take(Limits.AddressesMax)) _addresses.Enqueue(address);
        Address = _addresses.Count > 0 ? _addresses.Dequeue() : null;
    }

    /// <summary>Goes on to the next attempt.</summary>
    /// <param name="mayComeBack">This one is tried again behind all others.</param>
    /// <returns>False: that was the last.</returns>
    internal bool TryMoveOn(bool mayComeBack = false)
    {
        Step++;
        if (mayComeBack && _addresses.Count > 0) _addresses.Enqueue(Address!);
        else if (mayComeBack) _hosts.Enqueue(Host);
        Address = null;
        if (_addresses.TryDequeue(out var address)) Address = address;
        else if (_hosts.TryDequeue(out var host)) Host = NameOf(host, unixSocketDir);
        else return false;
        return true;
    }

    /// <summary>The rest is tried in this order from now on.</summary>
    private protected void Rearrange(Comparison<HostAddress> addresses, Comparison<string> hosts)
    {
        Sort(_addresses, addresses);
        Sort(_hosts, (one, other) => hosts(NameOf(one, unixSocketDir), NameOf(other, unixSocketDir)));
    }

    /// <summary>The addresses of the present host in the order to try them in.</summary>
    private protected virtual IEnumerable<HostAddress> Arrange(IReadOnlyList<HostAddress> addresses) => addresses;

    private static void Sort<T>(Queue<T> queue, Comparison<T> comparison)
    {
        if (queue.Count <= 1) return;
        var sorted = queue.Order(Comparer<T>.Create(comparison)).ToArray(); // Equals keep their order.
        queue.Clear();
        foreach (var item in sorted) queue.Enqueue(item);
    }

    private static string NameOf(string host, string unixSocketDir) => host.Length > 0 ? host : unixSocketDir;
}
