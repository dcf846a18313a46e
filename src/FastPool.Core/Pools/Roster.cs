namespace FastPool.Core.Pools;

/// <summary>
/// The lists of all databases and pools, by name. They are made anew only after a database or a pool has come or gone, so a round
/// that goes through them again and again allocates nothing. Any thread.
/// </summary>
/// <param name="databases">Those there are, in no order; the console's among them.</param>
/// <param name="adminName">The console's.</param>
internal sealed class Roster(Func<IEnumerable<Database>> databases, string adminName)
{
    private int _changes;
    private Lists? _lists;

    /// <summary>A database or a pool has come or gone.</summary>
    internal void Change() => Interlocked.Increment(ref _changes); // Pairs: Now.

    internal Database[] Databases => Now.Databases;

    internal Pool[] Pools => Now.Pools;

    /// <summary>Without the console's.</summary>
    internal Pool[] PoolsOfClients => Now.PoolsOfClients;

    private Lists Now
    {
        get
        {
            // Pairs: Change, which is called behind the change. So what has come before this reading is in the lists.
            var changes = Volatile.Read(ref _changes);
            if (Volatile.Read(ref _lists) is { } lists && lists.Changes == changes) return lists; // Pairs: the write below.
            var all = databases().ToArray();
            Array.Sort(all, static (one, other) => string.CompareOrdinal(one.Name, other.Name));
            var pools = new List<Pool>(Volatile.Read(ref _lists)?.Pools.Length ?? 0); // Pairs: the write below.
            foreach (var database in all)
            {
                var first = pools.Count;
                pools.AddRange(database.Pools);
                pools.Sort(first, pools.Count - first, _byUser);
            }
            var ofClients = pools.Where(pool => pool.Database.Name != adminName);
            lists = new Lists(changes, all, [.. pools], [.. ofClients]);
            Volatile.Write(ref _lists, lists); // Pairs: the reads above.
            return lists;
        }
    }

    private static readonly Comparer<Pool> _byUser =
        Comparer<Pool>.Create(static (one, other) => string.CompareOrdinal(one.User.Name, other.User.Name));

    private sealed record Lists(int Changes, Database[] Databases, Pool[] Pools, Pool[] PoolsOfClients);
}
