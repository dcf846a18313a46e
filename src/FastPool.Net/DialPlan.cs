using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Net;

/// <summary>Where one place in a pool may be connected to: the database's hosts in the pool's order, each with its addresses. On one loop.</summary>
internal sealed class DialPlan
{
    private readonly string _unixSocketDir;
    private readonly IReadOnlyList<string> _hosts;
    private IReadOnlyList<HostAddress> _addresses = [];
    private int _host;
    private int _address;

    internal DialPlan(Pool pool, long nowUs, string unixSocketDir)
    {
        Pool = pool;
        Entry = pool.Database.Entry;
        _unixSocketDir = unixSocketDir;
        _hosts = pool.Hosts.Order(Entry.Hosts, Entry.LoadBalanceHosts, nowUs);
    }

    internal Pool Pool { get; }

    internal DatabaseEntry Entry { get; }

    /// <summary>False once a reload has changed the database: what is left of this plan leads nowhere.</summary>
    internal bool IsCurrent => ReferenceEquals(Pool.Database.Entry, Entry);

    /// <summary>The host of this attempt; empty when there is none to be had.</summary>
    internal string Host => _host < _hosts.Count && _hosts[_host].Length > 0 ? _hosts[_host] : _unixSocketDir;

    /// <summary>The address of this attempt, once its host's name is resolved.</summary>
    internal HostAddress? Address => _address < _addresses.Count ? _addresses[_address] : null;

    /// <summary>The host's name stands for these.</summary>
    internal void Found(IReadOnlyList<HostAddress> addresses)
    {
        _addresses = addresses.Count > Limits.AddressesMax ? [.. addresses.Take(Limits.AddressesMax)] : addresses;
        _address = 0;
    }

    /// <summary>The attempt failed.</summary>
    /// <returns>False: it was the last.</returns>
    internal bool TryMoveOn(long nowUs, long retryUs)
    {
        if (++_address < _addresses.Count) return true;
        _addresses = [];
        if (_host >= _hosts.Count) return false;
        Pool.Hosts.Failed(Entry.Hosts, _hosts[_host], Entry.LoadBalanceHosts, nowUs + retryUs);
        return ++_host < _hosts.Count;
    }
}
