namespace FastPool.Control.Answers;

/// <summary>A host name in the resolver's cache.</summary>
/// <param name="ExpiresUs">Monotonic; the past when it is overdue.</param>
/// <param name="Addresses">IP texts, IPv6 without brackets; none after a failed lookup.</param>
public sealed record DnsHost(string Name, long ExpiresUs, IReadOnlyList<string> Addresses);

/// <param name="Serial">Of the last SOA record; 0 before the first check.</param>
/// <param name="HostCount">Host names of the cache in this zone.</param>
public sealed record DnsZone(string Name, ulong Serial, int HostCount);

/// <summary>The resolver, as the console shows it. Any thread.</summary>
public interface IDnsView
{
    IReadOnlyList<DnsHost> Hosts { get; }

    IReadOnlyList<DnsZone> Zones { get; }

    int QueriesInFlight { get; }
}

/// <summary>A resolver that keeps nothing.</summary>
public sealed class NoDns : IDnsView
{
    public IReadOnlyList<DnsHost> Hosts => [];

    public IReadOnlyList<DnsZone> Zones => [];

    public int QueriesInFlight => 0;
}
