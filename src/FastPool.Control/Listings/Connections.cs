using FastPool.Core.Pools;

namespace FastPool.Control.Listings;

/// <summary>Collects connections from all loops, in the order in which listings show them.</summary>
internal sealed class Connections(PoolRegistry registry, LoopWalk walk)
{
    public List<ConnectionRow> Clients()
    {
        var rows = new List<ConnectionRow>();
        walk.Clients((view, client) => rows.Add(ConnectionRow.Of(client, view.NowUs)));
        return rows;
    }

    public List<ConnectionRow> Servers()
    {
        var rows = new List<ConnectionRow>();
        walk.Servers((_, server) => rows.Add(ConnectionRow.Of(server)));
        return rows;
    }

    public List<ConnectionRow> CancelRequests()
    {
        var rows = new List<ConnectionRow>();
        walk.Cancels((_, cancel) => rows.Add(ConnectionRow.OfRequest(cancel)));
        return rows;
    }

    public List<ConnectionRow> CancelCarriers()
    {
        var rows = new List<ConnectionRow>();
        walk.Cancels((_, cancel) =>
        {
            if (cancel.Carrier is { } carrier) rows.Add(ConnectionRow.OfCarrier(cancel, carrier));
        });
        return rows;
    }

    /// <summary>By pool, place and age; what has no pool comes last. A server that moved between two loops while they were visited is there once.</summary>
    public IEnumerable<ConnectionRow> InOrder(List<ConnectionRow> rows)
    {
        var rank = new Dictionary<Pool, int>();
        foreach (var pool in registry.Pools) rank.Add(pool, rank.Count);
        int RankOf(ConnectionRow row) => row.Pool is null ? int.MaxValue : rank.GetValueOrDefault(row.Pool, int.MaxValue - 1);

        var keyed = rows.ConvertAll(row => (Rank: RankOf(row), Row: row));
        keyed.Sort(static (a, b) =>
        {
            var order = a.Rank.CompareTo(b.Rank);
            if (order == 0) order = a.Row.Place.CompareTo(b.Row.Place);
            return order != 0 ? order : a.Row.Id.CompareTo(b.Row.Id);
        });
        var seen = new HashSet<long>(keyed.Count);
        foreach (var (_, row) in keyed)
        {
            if (row.Place != Place.Closing && seen.Add(row.Id)) yield return row;
        }
    }
}
