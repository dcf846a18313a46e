using FastPool.Base;

namespace FastPool.Control.Listings;

using Caches = Columns<CacheRow>;

/// <summary>Objects of one kind: bytes of one, in use, spare.</summary>
internal sealed record CacheRow(string Name, int Size, int Used, int Free);

/// <summary>MEM.</summary>
internal static class MemListing
{
    public static Listing<CacheRow> Listing { get; } = new(
        Caches.Text("name", static row => row.Name),
        Caches.Int4("size", static row => row.Size),
        Caches.Int4("used", static row => row.Used),
        Caches.Int4("free", static row => row.Free),
        Caches.Int4("memtotal", static row => (long)row.Size * (row.Used + row.Free)));

    /// <summary>The rows that tools know, with what the objects behind them weigh here, about. Nothing is kept spare.</summary>
    public static IEnumerable<CacheRow> Rows(Sources sources)
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
        var heldBytes = sources.Walk.HeldResultBytes;
        return
        [
            new("user_cache", 96, UserListing.Rows(registry).Count(), 0),
            new("credentials_cache", 128, settings.UserList.Count, 0),
            new("db_cache", 256, registry.Databases.Count, 0),
            new("peer_cache", 64, registry.Peers.All.Count, 0),
            new("peer_pool_cache", 64, CancelCounts.OfPeers(sources.Walk).Count, 0),
            new("pool_cache", 768, registry.Pools.Count, 0),
            new("outstanding_request_cache", 16, requests, 0),
            new("server_cache", 512, serverCount, 0),
            new("client_cache", 384, registry.Clients.Count, 0),
            new("iobuf_cache", Limits.ReceiveBytes, registry.LoopCount, 0),
            new("var_list_cache", 64, registry.Clients.Count + serverCount, 0),
            new("server_prepared_statement_cache", 96, statements, 0),
            .. settings.Own.ResultBuffer > 0 || heldBytes > 0 ? HeldResults(heldBytes) : [],
        ];
    }

    /// <summary>Only where result_buffer is in use: the others are those that tools know.</summary>
    private static IEnumerable<CacheRow> HeldResults(long bytes) =>
    [
        new("result_buffer", UnsentBytes.PieceBytes,
            (int)((bytes + UnsentBytes.PieceBytes - 1) / UnsentBytes.PieceBytes), 0),
    ];
}
