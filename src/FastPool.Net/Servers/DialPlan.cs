using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Net;

/// <summary>
/// One place in a pool, and where it may be connected to: the database's hosts in the pool's order. Attempts that stay silent
/// are overtaken by the next one; the first that is in has the place. On one loop.
/// </summary>
internal sealed class DialPlan : AddressPlan
{
    private readonly HostTable _table;
    private readonly List<ServerConnection> _attempts = [];
    private readonly List<(string Host, string Reason)> _failures = [];
    private long _nowUs;

    private DialPlan(Pool pool, DatabaseEntry entry, HostTable table, IReadOnlyList<string> hosts, string unixSocketDir,
        long nowUs)
        : base(hosts, unixSocketDir)
    {
        Pool = pool;
        Entry = entry;
        _table = table;
        _nowUs = nowUs;
    }

    internal static DialPlan For(Pool pool, HostTable table, long nowUs, string unixSocketDir)
    {
        var entry = pool.Database.Entry;
        var hosts = pool.Hosts.Order(entry.Hosts, entry.LoadBalanceHosts,
            host => table.Get(host.Length > 0 ? host : unixSocketDir, "", entry.Port).RankAt(nowUs));
        return new DialPlan(pool, entry, table, hosts, unixSocketDir, nowUs);
    }

    internal Pool Pool { get; }

    internal DatabaseEntry Entry { get; }

    /// <summary>False once a reload has changed the database: what is left of this plan leads nowhere.</summary>
    internal bool IsCurrent => ReferenceEquals(Pool.Database.Entry, Entry);

    /// <summary>The host as it is named.</summary>
    internal Host NamedHost => Named(Host);

    /// <summary>Another host or address would be tried next, and nothing is known against it.</summary>
    internal bool HasBetter(long nowUs) =>
        NextHost is { } next
            && (NextAddress is { } address ? At(next, address) : Named(next)).RankAt(nowUs) < HostRank.Down;

    internal bool HasMore => NextHost is not null;

    /// <summary>Addresses that are silent or down come last, in an answer of the DNS as in a list.</summary>
    private protected override IReadOnlyList<HostAddress> Arrange(IReadOnlyList<HostAddress> addresses)
    {
        var host = Host;
        NamedHost.Addresses = [.. addresses.Select(address => At(host, address))];
        return addresses.Count <= 1 ? addresses : [.. addresses.OrderBy(address => At(host, address).RankAt(_nowUs))];
    }

    internal void Begin(ServerConnection attempt, long nowUs)
    {
        _nowUs = nowUs;
        _attempts.Add(attempt);
    }

    internal void End(ServerConnection attempt) => _attempts.Remove(attempt);

    /// <summary>The attempt at that host has failed.</summary>
    /// <param name="name">The host as it is named.</param>
    internal void NoteFailure(string name, string reason, long nowUs)
    {
        _failures.RemoveAll(failure => failure.Host == name);
        _failures.Add((name, reason));
        if (Named(name).RankAt(nowUs) == HostRank.Down) Pool.Hosts.Failed(Entry.Hosts, name, Entry.LoadBalanceHosts);
    }

    /// <summary>Of a list: the last error of each host.</summary>
    internal LoginFailure FailureOf(string reason, long nowUs)
    {
        if (Entry.Hosts.Count <= 1) return new LoginFailure(reason, null);
        var reasons = string.Join(", ", _failures.Select(static failure => $"{failure.Host}: {failure.Reason}"));
        return new LoginFailure(reasons.Length > 0 ? reasons : reason, null)
        {
            // Another pool may have found one of them well: what failed here would fail at once again.
            RetryAtUs = Math.Max(AllHosts.Min(host => Named(host).NextTryUs), nowUs + Limits.HostBackOffUs),
        };
    }

    /// <summary>An attempt that was overtaken and may still get in; null: there is none.</summary>
    internal ServerConnection? Heir(ServerConnection but) => _attempts.Find(each => each != but && each.IsLoggingIn);

    /// <summary>The attempt that has the place while it is still on its way in.</summary>
    internal ServerConnection? Holder => _attempts.Find(static each => each.HasPlace && each.IsLoggingIn);

    private Host Named(string host) => _table.Get(host, "", Entry.Port);

    internal Host At(string host, HostAddress address) => _table.Get(host, address.Ip.ToString(), Entry.Port);
}
