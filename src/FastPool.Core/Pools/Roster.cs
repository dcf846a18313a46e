namespace FastPool.Core.Pools;

/// <summary>
/// All databases and pools by name, made anew only after one has come or gone: whoever goes through them again and again allocates
/// nothing. Any thread.
/// </summary>
/// <param name="databases">All there are, in no order.</param>
internal sealed class Roster(Func<IEnumerable<Database>> databases)
{
    private int _changes;
    private Lists? _lists;

    /// <summary>A database or a pool has come or gone.</summary>
    internal void Change() => Interlocked.Increment(ref _changes); // Pairs: Now.

    internal Database[] Databases => Now.Databases;

    internal Pool[] Pools => Now.Pools;

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
            lists = new Lists(changes, all, [.. pools]);
            Volatile.Write(ref _lists, lists); // Pairs: the reads above.
            return lists;
        }
    }

    private static readonly Comparer<Pool> _byUser =
        Comparer<Pool>.Create(static (one, other) => string.CompareOrdinal(one.User.Name, other.User.Name));

    private sealed record Lists(int Changes, Database[] Databases, Pool[] Pools);
}
