using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;

namespace FastPool.Control.Listings;

using Pairs = Columns<NameValue>;
using Words = Columns<KeyValuePair<string, string>>;

/// <summary>A named number.</summary>
internal readonly record struct NameValue(string Name, long Value);

/// <summary>Listings of two columns, and those of one: a name and what there is of it.</summary>
internal static class PairListings
{
    public static Listing<NameValue> Lists { get; } =
        new(Pairs.Text("list", static row => row.Name), Pairs.Int4("items", static row => row.Value));

    public static Listing<NameValue> Totals { get; } =
        new(Pairs.Text("name", static row => row.Name), Pairs.Numeric("value", static row => row.Value));

    public static Listing<KeyValuePair<string,
        string>> State
    { get; } = new(Words.Text("key", static row => row.Key), Words.Text("value", static row => row.Value));

    public static Listing<string> Version { get; } = OneText("version");

    public static Listing<string> OneText(string name) => new(Columns<string>.Text(name, static row => row));

    public static IEnumerable<KeyValuePair<string, string>> StateRows(PoolerMode mode) =>
    [
        new("active", YesNo(mode == PoolerMode.Active)),
        new("paused", YesNo(mode == PoolerMode.Paused)),
        new("suspended", YesNo(mode == PoolerMode.Suspended)),
    ];

    /// <summary>Nothing is kept for later use here: there are no free clients and servers.</summary>
    public static IEnumerable<NameValue> ListsRows(Sources sources)
    {
        var registry = sources.Registry;
        var loginCount = 0;
        var carrierCount = 0;
        sources.Walk.Clients((_, client) =>
        {
            if (client.State == ClientState.Login) loginCount++;
        });
        sources.Walk.Cancels((_, cancel) =>
        {
            if (cancel.Client is not null) loginCount--; // It is no login, though the client is in no pool.
            if (cancel.Carrier is not null) carrierCount++;
        });
        return
        [
            new("databases", DatabaseListing.Rows(registry).Count()),
            new("users", UserListing.Rows(registry).Count()),
            new("peers", registry.Peers.All.Count),
            new("pools", registry.Pools.Count),
            new("peer_pools", CancelCounts.OfPeers(sources.Walk).Count),
            new("free_clients", 0),
            new("used_clients", registry.Clients.Count),
            new("login_clients", Math.Max(0, loginCount)),
            new("free_servers", 0),
            new("used_servers", registry.Databases.Sum(static database => database.Servers.Count) + carrierCount),
            new("dns_names", sources.Dns.Hosts.Count),
            new("dns_zones", sources.Dns.Zones.Count),
            new("dns_queries", sources.Dns.QueriesInFlight),
            new("dns_pending", 0),
        ];
    }

    internal static string YesNo(bool value) => value ? "yes" : "no";
}
