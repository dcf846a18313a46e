using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Control.Listings;

using Caches = Columns<CacheRow>;
using Hosts = Columns<DnsHostRow>;
using PeerPoolColumns = Columns<PeerPoolRow>;
using Peers = Columns<PeerRow>;
using SettingColumns = Columns<SettingLine>;
using Zones = Columns<DnsZone>;

internal sealed record SettingLine(string Key, string? Value, string? Default, bool IsChangeable);

internal sealed record PeerRow(PeerEntry Entry, int PoolSize);

internal sealed record PeerPoolRow(int PeerId, CancelCounts Counts);

internal sealed record DnsHostRow(DnsHost Host, long TtlUs);

/// <summary>Objects of one kind: bytes of one, in use, spare.</summary>
internal sealed record CacheRow(string Name, int Size, int Used, int Free);

/// <summary>CONFIG, PEERS, PEER_POOLS, DNS_HOSTS, DNS_ZONES and MEM.</summary>
internal static class SmallListings
{
    private const long UsPerSecond = 1_000_000;

    public static Listing<SettingLine> Config { get; } = new(
        SettingColumns.Text("key", static row => row.Key),
        SettingColumns.Text("value", static row => row.Value),
        SettingColumns.Text("default", static row => row.Default),
        SettingColumns.Text("changeable", static row => PairListings.YesNo(row.IsChangeable)));

    public static Listing<PeerRow> PeerList { get; } = new(
        Peers.Int4("peer_id", static row => row.Entry.Id),
        Peers.Text("host", static row => row.Entry.HostText),
        Peers.Int4("port", static row => row.Entry.Port),
        Peers.Int4("pool_size", static row => row.PoolSize));

    public static Listing<PeerPoolRow> PeerPools { get; } = new(
        PeerPoolColumns.Int4("peer_id", static row => row.PeerId),
        PeerPoolColumns.Int4("cl_active_cancel_req", static row => row.Counts.Active),
        PeerPoolColumns.Int4("cl_waiting_cancel_req", static row => row.Counts.Waiting),
        PeerPoolColumns.Int4("sv_active_cancel", static row => row.Counts.Active),
        PeerPoolColumns.Int4("sv_login", static row => row.Counts.Connecting));

    public static Listing<DnsHostRow> DnsHosts { get; } = new(
        Hosts.Text("hostname", static row => row.Host.Name),
        Hosts.Int8("ttl", static row => (ulong)Math.Max(0, row.TtlUs / UsPerSecond)),
        Hosts.Text("addrs", static row => string.Join(',', row.Host.Addresses.Select(static address => address.Contains(':') ? $"[{address}]:0" : $"{address}:0"))));

    public static Listing<DnsZone> DnsZones { get; } = new(
        Zones.Text("zonename", static row => row.Name),
        Zones.Int8("serial", static row => row.Serial),
        Zones.Int4("count", static row => row.HostCount));

    public static Listing<CacheRow> Mem { get; } = new(
        Caches.Text("name", static row => row.Name),
        Caches.Int4("size", static row => row.Size),
        Caches.Int4("used", static row => row.Used),
        Caches.Int4("free", static row => row.Free),
        Caches.Int4("memtotal", static row => (long)row.Size * (row.Used + row.Free)));

    public static IEnumerable<SettingLine> ConfigRows(Settings settings) =>
        SettingsTable.Show(settings).Select(static row => new SettingLine(row.Key, row.Value is { } value ? SecretMask.Shown(row.Key, value) : null, row.Default, row.Changeable));

    public static IEnumerable<PeerRow> PeerRows(Settings settings) =>
        settings.Peers.Values.OrderBy(static peer => peer.Id).Select(peer => new PeerRow(peer, peer.PoolSize ?? settings.DefaultPoolSize));

    public static IEnumerable<PeerPoolRow> PeerPoolRows(LoopWalk walk) =>
        CancelCounts.OfPeers(walk).OrderBy(static pair => pair.Key).Select(static pair => new PeerPoolRow(pair.Key, pair.Value));

    public static IEnumerable<DnsHostRow> DnsHostRows(Sources sources) =>
        sources.Dns.Hosts.OrderBy(static host => host.Name, StringComparer.Ordinal).Select(host => new DnsHostRow(host, host.ExpiresUs - sources.Clock.NowUs));

    public static IEnumerable<DnsZone> DnsZoneRows(IDnsView dns) => dns.Zones.OrderBy(static zone => zone.Name, StringComparer.Ordinal);

    /// <summary>The rows that tools know, with what the objects behind them weigh here, about. Nothing is kept spare.</summary>
    public static IEnumerable<CacheRow> MemRows(Sources sources)
    {
        var registry = sources.Registry;
        var settings = registry.Settings;
        var serverCount = registry.Databases.Sum(static database => database.Servers.Count);
        var (requests, statements) = (0, 0);
        sources.Walk.Servers((_, server) =>
        {
            requests += server.Outstanding.Count;
            statements += server.StatementCount;
        });
        return
        [
            new("user_cache", 96, UserListing.Rows(registry).Count(), 0),
            new("credentials_cache", 128, settings.UserList.Count, 0),
            new("db_cache", 256, registry.Databases.Count(), 0),
            new("peer_cache", 64, settings.Peers.Count, 0),
            new("peer_pool_cache", 64, CancelCounts.OfPeers(sources.Walk).Count, 0),
            new("pool_cache", 768, registry.Pools.Count(), 0),
            new("outstanding_request_cache", 16, requests, 0),
            new("server_cache", 512, serverCount, 0),
            new("client_cache", 384, registry.Clients.Count, 0),
            new("iobuf_cache", Base.Limits.ReceiveBytes, registry.LoopCount, 0),
            new("var_list_cache", 64, registry.Clients.Count + serverCount, 0),
            new("server_prepared_statement_cache", 96, statements, 0),
        ];
    }
}
