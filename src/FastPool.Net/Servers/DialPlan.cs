using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Net;

/// <summary>
/// Where one place in a pool may be connected to: the database's hosts in the pool's order, those that are well first. On one
/// loop.
/// </summary>
internal sealed class DialPlan : AddressPlan
{
    private readonly HostTable _table;
    private readonly string _unixSocketDir;
    private readonly long _beginUs;

    private DialPlan(Pool pool, DatabaseEntry entry, HostTable table, IReadOnlyList<string> hosts, string unixSocketDir,
        long nowUs)
        : base(hosts, unixSocketDir)
    {
        Pool = pool;
        Entry = entry;
        _table = table;
        _unixSocketDir = unixSocketDir;
        _beginUs = nowUs;
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

    /// <summary>The present host was left for its silence alone.</summary>
    internal bool MayComeBack { get; set; }

    internal bool HasMore => AddressesLeft.Count > 0 || HostsLeft.Any();

    /// <summary>
    /// Nothing is known against one of those left; or it may be tried again, and the present one is silent for long.
    /// </summary>
    internal bool HasBetter(long sinceUs, long nowUs) => Left.Any(host => host.IsWellAt(nowUs))
        || (nowUs - sinceUs >= Limits.HostReturnUs && Left.Any(host => host.RankAt(nowUs) == HostRank.Ready));

    private IEnumerable<Host> Left => AddressesLeft.Select(address => At(Host, address)).Concat(HostsLeft.Select(Named));

    /// <summary>
    /// The best of those that are left. Of those that are known to be down none is tried before its time: it would fail at once
    /// again.
    /// </summary>
    internal bool TryMoveOn(long nowUs)
    {
        var host = Host;
        Rearrange((one, other) => At(host, one).RankAt(nowUs) - At(host, other).RankAt(nowUs),
            (one, other) => Named(one).RankAt(nowUs) - Named(other).RankAt(nowUs));
        var mayComeBack = MayComeBack;
        MayComeBack = false;
        while (TryMoveOn(mayComeBack))
        {
            mayComeBack = false;
            if ((Address is { } address ? At(Host, address) : NamedHost).NextTryUs <= nowUs) return true;
        }
        return false;
    }

    /// <summary>Addresses that are silent or down come last, in an answer of the DNS as in a list.</summary>
    private protected override IEnumerable<HostAddress> Arrange(IReadOnlyList<HostAddress> addresses)
    {
        var host = Host;
        NamedHost.Addresses = [.. addresses.Take(Limits.AddressesMax).Select(address => At(host, address))];
        return addresses.Count <= 1 ? addresses : addresses.OrderBy(address => At(host, address).RankAt(_beginUs));
    }

    /// <summary>The attempt at that host has failed.</summary>
    /// <param name="name">The host as it is named.</param>
    internal void NoteFailure(string name, long nowUs)
    {
        if (Named(name).RankAt(nowUs) == HostRank.Down) Pool.Hosts.Failed(Entry.Hosts, name, Entry.LoadBalanceHosts);
    }

    /// <summary>Of a list: the last error of each host.</summary>
    internal LoginFailure FailureOf(string reason, long nowUs)
    {
        if (Entry.Hosts.Count <= 1) return new LoginFailure(reason, null);
        var names = Entry.Hosts.Select(host => host.Length > 0 ? host : _unixSocketDir).Distinct().ToArray();
        return new LoginFailure(reason, null)
        {
            OfEachHost = string.Join(", ", names.Select(name => $"{name}: {LastErrorOf(name)}")),
            // Another pool may have found one of them well: what failed here would fail at once again.
            RetryAtUs = Math.Max(names.Min(name => Named(name).NextTryUs), nowUs + Limits.HostBackOffUs),
        };
    }

    private string LastErrorOf(string name) =>
        Named(name).LastError is { Length: > 0 } error ? LoginFailure.Cut(error) : "no answer yet";

    private Host Named(string host) => _table.Get(host, "", Entry.Port);

    internal Host At(string host, HostAddress address) => _table.Get(host, address.Ip.ToString(), Entry.Port);
}
