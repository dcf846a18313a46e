using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Control.Listings;

/// <summary>Cancel requests of a pool or a peer, by how far they have come.</summary>
/// <param name="Active">Sent; the connection that carries it is open until the server closes it.</param>
/// <param name="Waiting">For a connection, or for the end of connecting.</param>
/// <param name="Connecting">Of those waiting, how many are connecting.</param>
internal readonly record struct CancelCounts(int Active, int Waiting, int Connecting)
{
    public static Dictionary<Pool, CancelCounts> OfPools(LoopWalk walk) => Collect(walk, static cancel => cancel.Pool);

    public static Dictionary<int, CancelCounts> OfPeers(LoopWalk walk)
    {
        var counts = new Dictionary<int, CancelCounts>();
        walk.Each(view =>
        {
            foreach (var peer in view.PeersUsed) counts[peer] = default;
        });
        foreach (var (peer, count) in Collect(walk, static cancel => cancel.PeerId == 0 ? null : (object)cancel.PeerId))
            counts[(int)peer] = count;
        return counts;
    }

    private static Dictionary<TKey, CancelCounts> Collect<TKey>(LoopWalk walk, Func<CancelView, TKey?> keyOf)
        where TKey : class
    {
        var counts = new Dictionary<TKey, CancelCounts>();
        walk.Cancels((_, cancel) =>
        {
            if (keyOf(cancel) is { } key) counts[key] = counts.GetValueOrDefault(key).With(cancel);
        });
        return counts;
    }

    private CancelCounts With(CancelView cancel) => cancel.Carrier switch
    {
        null => this with { Waiting = Waiting + 1 },
        { IsConnecting: true } => this with { Waiting = Waiting + 1, Connecting = Connecting + 1 },
        _ => this with { Active = Active + 1 },
    };
}
