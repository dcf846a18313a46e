using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Control.Listings;

using PeerPoolColumns = Columns<PeerPoolRow>;
using Peers = Columns<PeerRow>;

internal sealed record PeerRow(PeerEntry Entry, int PoolSize);

internal sealed record PeerPoolRow(int PeerId, CancelCounts Counts);

/// <summary>PEERS and PEER_POOLS.</summary>
internal static class PeerListing
{
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

    public static IEnumerable<PeerRow> PeerRows(PoolRegistry registry) =>
        registry.Peers.All.Select(peer => new PeerRow(peer, peer.PoolSize ?? registry.Settings.DefaultPoolSize));

    public static IEnumerable<PeerPoolRow> PeerPoolRows(LoopWalk walk) =>
        CancelCounts.OfPeers(walk).OrderBy(static pair => pair.Key).Select(static pair => new PeerPoolRow(pair.Key, pair.Value));
}
