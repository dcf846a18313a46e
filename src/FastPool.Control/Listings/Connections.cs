using FastPool.Control.Operations;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Control.Listings;

/// <summary>Collects connections from all loops, in the order in which listings show them.</summary>
internal sealed class Connections(PoolRegistry registry, LoopWalk walk)
{
    /// <param name="copies">Null: nobody gets descriptors.</param>
    public List<ConnectionRow> Clients(DescriptorCopies? copies = null)
    {
        var rows = new List<ConnectionRow>();
        walk.Clients((view, client) => rows.Add(Copied(ConnectionRow.Of(client, view.NowUs), copies)));
        return rows;
    }

    /// <summary>With its descriptor, if it is one that may be passed on.</summary>
    private ConnectionRow Copied(ConnectionRow row, DescriptorCopies? copies)
    {
        if (copies is not null && MayBePassedOn(row)) row.DescriptorCopy = copies.Add(row.Descriptor);
        return row;
    }

    /// <summary>
    /// TLS has its keys in this process and nowhere else; the console's own clients belong to it. A process that does not know of
    /// listening connections would leave gaps in what their clients hear.
    /// </summary>
    public bool MayBePassedOn(ConnectionRow row) =>
        row is { Tls.Length: 0, IsLinkedToTls: false, IsOfListening: false } && row.Pool != registry.AdminPool;

    /// <summary>
    /// Clients with a place in a pool, and cancel requests, in order. Only their sort keys are kept for all of them;
    /// rows are made slice by slice as they are asked for, each on its client's loop.
    /// </summary>
    public IEnumerable<ConnectionRow> ClientsInOrder()
    {
        var ranks = Ranks();
        var requests = CancelRequests();
        var requestIds = requests.Select(static row => row.Id).ToHashSet();
        var entries = requests.ConvertAll(row => new Entry(RankOf(ranks, row.Pool), row.Place, row.Id, null, row));
        walk.Clients((_, client) =>
        {
            if (!requestIds.Contains(client.Id))
                entries.Add(
                new Entry(RankOf(ranks, client.Pool), ConnectionRow.PlaceOf(client), client.Id, client, null));
        });
        entries.Sort(static (a, b) => Compare((a.Rank, a.Place, a.Id), (b.Rank, b.Place, b.Id)));
        var rows = new ConnectionRow?[LoopWalk.SliceMax];
        for (var start = 0; start < entries.Count; start += rows.Length)
        {
            var slice = entries.GetRange(start, Math.Min(rows.Length, entries.Count - start));
            Fill(rows, slice);
            for (var i = 0; i < slice.Count; i++)
            {
                if (rows[i] is { Place: not (ConnectionPlace.Closing or ConnectionPlace.ClientLogin) } row) yield return row;
            }
        }
    }

    private void Fill(ConnectionRow?[] rows, List<Entry> slice)
    {
        for (var i = 0; i < slice.Count; i++) rows[i] = slice[i].Row;
        using var hold = walk.HoldClients(); // Some may have moved since they were found.
        foreach (var loop in slice.Select(static entry => entry.Client?.Loop).OfType<byte>().Distinct())
        {
            walk.One(loop, view =>
            {
                for (var i = 0; i < slice.Count; i++)
                {
                    if (slice[i].Client is { } client && client.IsOn(loop))
                        rows[i] = ConnectionRow.Of(client, view.NowUs);
                }
            });
        }
    }

    /// <inheritdoc cref="Clients"/>
    public List<ConnectionRow> Servers(DescriptorCopies? copies = null)
    {
        var rows = new List<ConnectionRow>();
        walk.Servers((_, server) => rows.Add(Copied(ConnectionRow.Of(server), copies)));
        return rows;
    }

    public List<ConnectionRow> CancelRequests()
    {
        var rows = new List<ConnectionRow>();
        walk.Cancels((_, cancel) =>
        {
            if (cancel.Client is { } client) rows.Add(ConnectionRow.OfRequest(cancel, client));
        });
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

    /// <summary>
    /// By pool, place and age; what has no pool comes last. A server that moved between two loops while they were visited is
    /// there once.
    /// </summary>
    public IEnumerable<ConnectionRow> InOrder(List<ConnectionRow> rows)
    {
        var ranks = Ranks();
        var keyed = rows.ConvertAll(row => (Rank: RankOf(ranks, row.Pool), Row: row));
        keyed.Sort(static (a, b) => Compare((a.Rank, a.Row.Place, a.Row.Id), (b.Rank, b.Row.Place, b.Row.Id)));
        var seen = new HashSet<long>(keyed.Count);
        foreach (var (_, row) in keyed)
        {
            if (row.Place != ConnectionPlace.Closing && seen.Add(row.Id)) yield return row;
        }
    }

    private Dictionary<Pool, int> Ranks()
    {
        var ranks = new Dictionary<Pool, int>();
        foreach (var pool in registry.Pools) ranks.Add(pool, ranks.Count);
        return ranks;
    }

    private static int RankOf(Dictionary<Pool, int> ranks, Pool? pool) =>
        pool is null ? int.MaxValue : ranks.GetValueOrDefault(pool, int.MaxValue - 1);

    private static int Compare((int Rank, ConnectionPlace Place, long Id) a, (int Rank, ConnectionPlace Place, long Id) b)
    {
        var order = a.Rank.CompareTo(b.Rank);
        if (order == 0) order = a.Place.CompareTo(b.Place);
        return order != 0 ? order : a.Id.CompareTo(b.Id);
    }

    /// <summary>Where a row stands, and what it is made of when its turn comes.</summary>
    private readonly record struct Entry(int Rank, ConnectionPlace Place, long Id, ClientSession? Client,
        ConnectionRow? Row);
}
