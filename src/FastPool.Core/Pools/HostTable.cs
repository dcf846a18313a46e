using System.Collections.Concurrent;
using FastPool.Base;

namespace FastPool.Core.Pools;

/// <summary>The hosts that servers are opened at, of all pools. Any thread.</summary>
public sealed class HostTable
{
    private readonly ConcurrentDictionary<(string Name, string Address, int Port), Host> _hosts = new();

    /// <param name="address">Of a name that was looked up; empty: the host is its own address, or not looked up yet.</param>
    public Host Get(string name, string address, int port)
    {
        if (_hosts.TryGetValue((name, address, port), out var known)) return known;
        // Names and addresses come and go with reloads and answers of the DNS.
        if (_hosts.Count >= Limits.HostsMax) DropUnused();
        return _hosts.GetOrAdd((name, address, port), static key => new Host(key.Name, key.Address, key.Port));
    }

    /// <summary>By name, address and port. A name that stands for known addresses is shown by these.</summary>
    public IReadOnlyList<HostReading> Read(long nowUs) =>
        [.. _hosts.Values.Where(static host => host.Addresses.Count == 0)
            .Select(host => host.Read(nowUs))
            .Where(static host => host.Name.Length > 0)
            .OrderBy(static host => host.Name, StringComparer.Ordinal)
            .ThenBy(static host => host.Address, StringComparer.Ordinal)
            .ThenBy(static host => host.Port)];

    /// <summary>Servers are connected to an address of that name.</summary>
    public bool HasServersOf(string name)
    {
        foreach (var ((host, _, _), state) in _hosts)
        {
            if (state.HasServers && name.Equals(host, StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }

    private void DropUnused()
    {
        foreach (var (key, host) in _hosts)
        {
            if (host.IsUnused) _hosts.TryRemove(key, out _);
        }
    }
}
