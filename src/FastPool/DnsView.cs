using FastPool.Control;
using FastPool.Control.Answers;
using FastPool.Net.Names;

namespace FastPool;

/// <summary>The resolver, as the console shows it.</summary>
internal sealed class DnsView(HostResolver resolver) : IDnsView
{
    public IReadOnlyList<DnsHost> Hosts =>
        [.. resolver.Hosts.Select(static host =>
            new DnsHost(host.Name, host.ExpiresUs, [.. host.Addresses.Select(static address => address.ToString())]))];

    public IReadOnlyList<DnsZone> Zones =>
        [.. resolver.Zones.Select(static zone => new DnsZone(zone.Name, zone.Serial, zone.HostCount))];

    public int QueriesInFlight => resolver.QueriesInFlight;
}
