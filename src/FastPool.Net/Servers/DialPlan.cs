using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Net;

/// <summary>Where one place in a pool may be connected to: the database's hosts in the pool's order.</summary>
internal sealed class DialPlan : AddressPlan
{
    private DialPlan(Pool pool, DatabaseEntry entry, IReadOnlyList<string> hosts, string unixSocketDir)
        : base(hosts, unixSocketDir)
    {
        Pool = pool;
        Entry = entry;
    }

    internal static DialPlan For(Pool pool, long nowUs, string unixSocketDir)
    {
        var entry = pool.Database.Entry;
        return new DialPlan(pool, entry, pool.Hosts.Order(entry.Hosts, entry.LoadBalanceHosts, nowUs), unixSocketDir);
    }

    internal Pool Pool { get; }

    internal DatabaseEntry Entry { get; }

    /// <summary>False once a reload has changed the database: what is left of this plan leads nowhere.</summary>
    internal bool IsCurrent => ReferenceEquals(Pool.Database.Entry, Entry);

    /// <summary>The attempt failed; a host that failed is tried last for a while.</summary>
    /// <returns>False: it was the last.</returns>
    internal bool TryMoveOn(long nowUs, long retryUs)
    {
        var hasMore = TryMoveOn(out var failedHost);
        if (failedHost is not null) Pool.Hosts.Failed(Entry.Hosts, failedHost, Entry.LoadBalanceHosts, nowUs + retryUs);
        return hasMore;
    }
}
