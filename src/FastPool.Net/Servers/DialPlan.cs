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
    private readonly HashSet<Host> _passedBy = []; // Of prefer-standby: those that are primary.
    private bool _hasMetRole;

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
        var hosts = pool.Hosts.Order(entry.Hosts, entry.LoadBalanceHosts, host =>
            table.Get(host.Length > 0 ? host : unixSocketDir, "", entry.Port).RankAt(nowUs, entry.TargetSessionAttrs));
        return new DialPlan(pool, entry, table, hosts, unixSocketDir, nowUs);
    }

    internal Pool Pool { get; }

    internal DatabaseEntry Entry { get; }

    /// <summary>False once a reload has changed the database: what is left of this plan leads nowhere.</summary>
    internal bool IsCurrent => ReferenceEquals(Pool.Database.Entry, Entry);

    /// <summary>The host as it is named.</summary>
    internal Host NamedHost => Named(Host);

    /// <summary>The present host is left to come back to it when no other will do.</summary>
    internal bool MayComeBack { get; set; }

    internal bool HasMore => AddressesLeft.Count > 0 || HostsLeft.Any();

    /// <summary>
    /// Nothing is known against one of those left; or it may be tried again, and the present one is silent for long.
    /// </summary>
    internal bool HasBetter(long sinceUs, long nowUs) => Left.Any(host => host.IsWellAt(nowUs, Target))
        || (nowUs - sinceUs >= Limits.HostReturnUs && Left.Any(host => host.RankAt(nowUs, Target) == HostRank.Ready));

    /// <summary>
    /// The preferred host, if a login elsewhere is over before it has answered: the server is wanted no longer than that.
    /// Null: it is in its right place, or the preferred one is down or in another role.
    /// </summary>
    /// <param name="name">Where the login was, as the host is named.</param>
    internal Host? StandInFor(string name, long nowUs)
    {
        if (Pool.Hosts.Preferred(Entry.Hosts, Entry.LoadBalanceHosts) is not { } preferred || preferred == name) return null;
        var host = Named(preferred);
        return host.RankAt(nowUs, Target) <= HostRank.Slow ? host : null;
    }

    /// <summary>The session that will do: a primary where a standby is preferred, once there is nobody else to try.</summary>
    internal TargetSessionAttrs TargetAt(long nowUs)
    {
        if (Target != TargetSessionAttrs.PreferStandby) return Target;
        return Left.Any(host => !_passedBy.Contains(host) && host.NextTryUs() <= nowUs) ? TargetSessionAttrs.Standby
            : TargetSessionAttrs.Any;
    }

    private TargetSessionAttrs Target => Entry.TargetSessionAttrs;

    private IEnumerable<Host> Left => AddressesLeft.Select(address => At(Host, address)).Concat(HostsLeft.Select(Named));

    /// <summary>
    /// The best of those that are left. Of those that are known to be down none is tried before its time: it would fail at once
    /// again.
    /// </summary>
    internal bool TryMoveOn(long nowUs)
    {
        var host = Host;
        Rearrange((one, other) => At(host, one).RankAt(nowUs, Target) - At(host, other).RankAt(nowUs, Target),
            (one, other) => Named(one).RankAt(nowUs, Target) - Named(other).RankAt(nowUs, Target));
        var mayComeBack = MayComeBack;
        MayComeBack = false;
        while (TryMoveOn(mayComeBack))
        {
            mayComeBack = false;
            if ((Address is { } address ? At(Host, address) : NamedHost).NextTryUs(Target) <= nowUs) return true;
        }
        return false;
    }

    /// <summary>Addresses that are silent or down come last, in an answer of the DNS as in a list.</summary>
    private protected override IEnumerable<HostAddress> Arrange(IReadOnlyList<HostAddress> addresses)
    {
        var host = Host;
        NamedHost.Addresses = [.. addresses.Take(Limits.AddressesMax).Select(address => At(host, address))];
        return addresses.Count <= 1 ? addresses : addresses.OrderBy(address => At(host, address).RankAt(_beginUs, Target));
    }

    /// <summary>The attempt at that host has failed.</summary>
    /// <param name="name">The host as it is named.</param>
    internal void NoteFailure(string name, long nowUs)
    {
        if (Named(name).RankAt(nowUs) == HostRank.Down) Pool.Hosts.Failed(Entry.Hosts, name, Entry.LoadBalanceHosts);
    }

    /// <summary>The present host lives, and is not in the role that is wanted.</summary>
    internal void NoteWrongRole()
    {
        _hasMetRole = true;
        Pool.Hosts.Failed(Entry.Hosts, Host, Entry.LoadBalanceHosts);
        if (Target != TargetSessionAttrs.PreferStandby) return;
        _passedBy.Add(NamedHost);
        if (Address is { } address) _passedBy.Add(At(Host, address));
        MayComeBack = true;
    }

    /// <summary>None may be tried yet, as other plans have found out; null: one may.</summary>
    internal LoginFailure? FailureAtOnce(long nowUs)
    {
        if ((Names.Length <= 1 && Target == TargetSessionAttrs.Any) || NextTryUs <= nowUs) return null;
        return FailureOf(LastErrorOf(Names[^1]), nowUs);
    }

    /// <summary>Of a list: the last error of each host.</summary>
    internal LoginFailure FailureOf(string reason, long nowUs)
    {
        var mayPass = _hasMetRole || Names.Any(name => Named(name).IsInWrongRole(Target));
        if (Names.Length <= 1 && !mayPass) return new LoginFailure(reason, null);
        return new LoginFailure(reason, null)
        {
            OfEachHost = Names.Length > 1 ? string.Join(", ", Names.Select(name => $"{name}: {LastErrorOf(name)}")) : null,
            MayPass = mayPass,
            // Another pool may have found one of them well: what failed here would fail at once again.
            RetryAtUs = Math.Max(NextTryUs, nowUs + (mayPass ? Limits.RoleTrustUs : Limits.HostBackOffUs)),
        };
    }

    private string[] Names =>
        [.. Entry.Hosts.Select(host => host.Length > 0 ? host : _unixSocketDir).DefaultIfEmpty(_unixSocketDir).Distinct()];

    private long NextTryUs => Names.Min(name => Named(name).NextTryUs(Target));

    private string LastErrorOf(string name) =>
        Named(name).LastProblem is { Length: > 0 } error ? LoginFailure.Cut(error) : "no answer yet";

    private Host Named(string host) => _table.Get(host, "", Entry.Port);

    internal Host At(string host, HostAddress address) => _table.Get(host, address.Ip.ToString(), Entry.Port);
}
