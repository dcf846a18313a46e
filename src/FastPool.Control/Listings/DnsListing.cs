using FastPool.Control.Answers;

namespace FastPool.Control.Listings;

using Hosts = Columns<DnsHostRow>;
using Zones = Columns<DnsZone>;

internal sealed record DnsHostRow(DnsHost Host, long TtlUs);

/// <summary>DNS_HOSTS and DNS_ZONES.</summary>
internal static class DnsListing
{
    private const long UsPerSecond = 1_000_000;

    public static Listing<DnsHostRow> DnsHosts { get; } = new(
        Hosts.Text("hostname", static row => row.Host.Name),
        Hosts.Int8("ttl", static row => (ulong)Math.Max(0, row.TtlUs / UsPerSecond)),
        Hosts.Text("addrs",
            static row =>
            string.Join(',',
            row.Host.Addresses.Select(static address => address.Contains(':') ? $"[{address}]:0" : $"{address}:0"))));

    public static Listing<DnsZone> DnsZones { get; } = new(
        Zones.Text("zonename", static row => row.Name),
        Zones.Int8("serial", static row => row.Serial),
        Zones.Int4("count", static row => row.HostCount));

    public static IEnumerable<DnsHostRow> DnsHostRows(Sources sources) =>
        sources.Dns.Hosts.OrderBy(static host => host.Name, StringComparer.Ordinal)
            .Select(host => new DnsHostRow(host, host.ExpiresUs - sources.Clock.NowUs));

    public static IEnumerable<DnsZone> DnsZoneRows(IDnsView dns) =>
        dns.Zones.OrderBy(static zone => zone.Name, StringComparer.Ordinal);
}
