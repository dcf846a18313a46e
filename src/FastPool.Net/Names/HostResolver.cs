using System.Net;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;
using Microsoft.Extensions.Logging;

namespace FastPool.Net.Names;

/// <summary>A host name of the cache at one moment.</summary>
/// <param name="ExpiresUs">Monotonic; the past when it is overdue.</param>
public sealed record CachedHost(string Name, long ExpiresUs, IReadOnlyList<IPAddress> Addresses);

/// <param name="Serial">0 before the first check.</param>
public sealed record CachedZone(string Name, uint Serial, int HostCount);

/// <summary>
/// Answers of the DNS, kept for dns_max_ttl (failures for dns_nxdomain_ttl) whatever their records say. A second question for
/// a name that is being looked up shares the look-up. An address that a new answer lacks is marked gone, by which its servers
/// are replaced. Nothing is set up before the first name is asked for. Any thread; the lock is held for a few look-ups in
/// tables.
/// </summary>
public sealed class HostResolver : IHostResolver
{
    private readonly Func<Settings> _settings;
    private readonly Clock _clock;
    private readonly Lazy<INameQueries> _queries;
    private readonly Action<Action> _start;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Host> _hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, uint?> _zones = new(StringComparer.OrdinalIgnoreCase);
    private readonly Queue<Host> _queue = new();
    private int _workers;
    private bool _isCheckingZones;
    private long _zoneCheckUs;

    /// <param name="queries">Made at the first look-up.</param>
    /// <param name="start">Runs work on a thread of its own.</param>
    public HostResolver(Func<Settings> settings, Clock clock, Func<INameQueries> queries, Action<Action> start, ILogger log)
    {
        _settings = settings;
        _clock = clock;
        _queries = new Lazy<INameQueries>(queries);
        _start = start;
        _log = log;
    }

    /// <summary>Told when servers are to be replaced because their addresses are gone. Any thread, in the lock.</summary>
    public Action? AddressesGone { get; set; }

    /// <summary>Servers are connected to the name's addresses. Any thread, in the lock; null: of none.</summary>
    public Func<string, bool>? IsInUse { get; set; }

    /// <summary>Names in the cache; entries are as many as the configuration has names, so none is ever dropped.</summary>
    public IReadOnlyList<CachedHost> Hosts
    {
        get
        {
            lock (_lock)
                return [.. _hosts.Values.Select(host =>
                new CachedHost(host.Name, host.ExpiresUs, [.. host.Addresses.Select(address => address.Ip)]))];
        }
    }

    /// <summary>Zones of the names in the cache.</summary>
    public IReadOnlyList<CachedZone> Zones
    {
        get
        {
            lock (_lock)
                return [.. _zones.Select(zone =>
                new CachedZone(zone.Key, zone.Value ?? 0, _hosts.Values.Count(host => IsIn(host, zone.Key))))];
        }
    }

    public int QueriesInFlight
    {
        get
        {
            lock (_lock) return _hosts.Values.Count(host => host.Waiting is not null);
        }
    }

    public void Resolve(string host, Action<IReadOnlyList<HostAddress>> done)
    {
        IReadOnlyList<HostAddress>? known = null;
        lock (_lock)
        {
            if (!_hosts.TryGetValue(host, out var entry)) entry = Add(host);
            if (entry.Waiting is not null) entry.Waiting.Add(done);
            else if (_clock.NowUs < entry.ExpiresUs) known = entry.Take();
            else LookUp(entry, done);
        }
        if (known is not null) done(known);
    }

    private Host Add(string name)
    {
        var host = new Host(name);
        _hosts.Add(name, host);
        if (host.Zone is { } zone) _zones.TryAdd(zone, null);
        return host;
    }

    // ---- look-ups, in the lock but for the question itself ----------------------------------------------------------

    private void LookUp(Host host, Action<IReadOnlyList<HostAddress>>? done)
    {
        host.Waiting = done is null ? [] : [done];
        _queue.Enqueue(host);
        if (_workers == Limits.LookupsMax) return;
        _workers++;
        _start(Work);
    }

    /// <summary>Asks for what is queued, then ends: names are asked for too seldom to keep a thread for them.</summary>
    private void Work()
    {
        while (TryNext(out var host))
        {
            IReadOnlyList<IPAddress> found = [];
            try
            {
                found = _queries.Value.Addresses(host.Name);
            }
            catch (Exception e) when (e is not OutOfMemoryException) // The callers that wait are answered, whatever goes wrong.
            {
                _log.Failure("", $"DNS: {e.Message}");
            }
            if (found.Count == 0) _log.Caution("", $"DNS lookup failed: {host.Name}: result=0");
            foreach (var (done, addresses) in Note(host, found)) done(addresses);
        }
    }

    private bool TryNext(out Host host)
    {
        lock (_lock)
        {
            if (_queue.TryDequeue(out host!)) return true;
            _workers--;
            return false;
        }
    }

    private List<(Action<IReadOnlyList<HostAddress>> Done, IReadOnlyList<HostAddress> Addresses)> Note(Host host,
        IReadOnlyList<IPAddress> found)
    {
        lock (_lock)
        {
            var settings = _settings();
            if (host.Learn(found)) AddressesGone?.Invoke();
            host.ExpiresUs = _clock.NowUs + (found.Count > 0 ? settings.DnsMaxTtlUs : settings.DnsNxdomainTtlUs);
            var waiting = host.Waiting!;
            host.Waiting = null;
            if (host.WasAskedTooEarly)
            {
                host.WasAskedTooEarly = false;
                LookUp(host, null);
            }
            return [.. waiting.Select(done => (done, host.Take()))];
        }
    }

    // ---- zones ------------------------------------------------------------------------------------------------------

    /// <summary>
    /// The janitor's round: names in use are asked for again when their time is over, so that their servers follow them without
    /// a new connection. Every dns_zone_check_period the zones' serial numbers are asked for, one after the other.
    /// </summary>
    public void Tick()
    {
        LookUpOverdue();
        if (_settings().DnsZoneCheckPeriodUs <= 0) return;
        lock (_lock)
        {
            if (_isCheckingZones || _zones.Count == 0 || _clock.NowUs < _zoneCheckUs) return;
            _isCheckingZones = true;
        }
        _start(CheckZones);
    }

    private void LookUpOverdue()
    {
        if (IsInUse is not { } isInUse) return;
        lock (_lock)
        {
            foreach (var host in _hosts.Values)
            {
                if (host.Waiting is null && _clock.NowUs >= host.ExpiresUs && isInUse(host.Name)) LookUp(host, null);
            }
        }
    }

    private void CheckZones()
    {
        foreach (var zone in Zones)
        {
            if (_queries.Value.Serial(zone.Name) is { } serial) Note(zone.Name, serial);
        }
        lock (_lock)
        {
            _isCheckingZones = false;
            _zoneCheckUs = _clock.NowUs + _settings().DnsZoneCheckPeriodUs;
        }
    }

    private void Note(string zone, uint serial)
    {
        lock (_lock)
        {
            var before = _zones[zone];
            if (before is { } old && (int)(serial - old) <= 0) return; // Serial numbers count on past 2³²: RFC 1982.
            _zones[zone] = serial;
            if (before is not null) _log.Note($"zone '{zone}' serial changed: old={before} new={serial}");
            LookUpAll(zone);
        }
    }

    /// <summary>
    /// A serial number tells something of an address only if that was asked for after it: so too with the first number of a zone.
    /// </summary>
    private void LookUpAll(string zone)
    {
        foreach (var host in _hosts.Values)
        {
            if (!IsIn(host, zone)) continue;
            if (host.Waiting is null) LookUp(host, null);
            else host.WasAskedTooEarly = true;
        }
    }

    private static bool IsIn(Host host, string zone) => zone.Equals(host.Zone, StringComparison.OrdinalIgnoreCase);

    /// <summary>One name. In the lock.</summary>
    private sealed class Host(string name)
    {
        private readonly Dictionary<IPAddress, HostAddress> _known = [];
        private uint _turn;

        internal string Name { get; } = name;

        /// <summary>The part behind the first dot; null: the name has none.</summary>
        internal string? Zone { get; } = name.IndexOf('.') is >= 0 and var dot
            && dot + 1 < name.Length ? name[(dot + 1)..] : null;

        internal long ExpiresUs { get; set; }

        internal IReadOnlyList<HostAddress> Addresses { get; private set; } = [];

        /// <summary>The callers that wait for the look-up that is under way; null: none is.</summary>
        internal List<Action<IReadOnlyList<HostAddress>>>? Waiting { get; set; }

        /// <summary>
        /// The look-up that is under way began before the zone's number was known: its answer may be an old one.
        /// </summary>
        internal bool WasAskedTooEarly { get; set; }

        /// <summary>Starts with another address each time.</summary>
        internal IReadOnlyList<HostAddress> Take()
        {
            if (Addresses.Count <= 1) return Addresses;
            var start = (int)(_turn++ % (uint)Addresses.Count);
            return [.. Addresses.Skip(start), .. Addresses.Take(start)];
        }

        /// <summary>A failure says nothing about the addresses of before.</summary>
        /// <returns>True when an address is gone.</returns>
        internal bool Learn(IReadOnlyList<IPAddress> found)
        {
            Addresses = [.. found.Select(ip => _known.TryGetValue(ip, out var known) ? known : _known[ip] = new HostAddress(ip))];
            if (found.Count == 0) return false;
            var all = _known.Values.Except(Addresses).ToList();
            foreach (var gone in all)
            {
                gone.MarkGone();
                _known.Remove(gone.Ip);
            }
            return all.Count > 0;
        }
    }
}
