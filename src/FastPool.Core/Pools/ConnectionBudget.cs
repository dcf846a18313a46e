namespace FastPool.Core.Pools;

/// <summary>
/// How many connections of a kind are open, against a limit that the caller knows; and since when clients of each loop have
/// waited for a place among them. Any thread.
/// </summary>
/// <param name="loopCount">Loops that may wait.</param>
public sealed class ConnectionBudget(int loopCount)
{
    /// <summary>The value of <see cref="FirstWaiting"/> when nobody waits.</summary>
    public const int Nobody = -1;

    private int _count;
    private long[]? _waitingSinceUs;

    public int Count => Volatile.Read(ref _count); // Pairs: TryTake, GiveBack.

    /// <summary>A place. Of several threads that want the last one, exactly one gets it.</summary>
    /// <param name="limit">0 or less: none.</param>
    public bool TryTake(int limit)
    {
        var count = Volatile.Read(ref _count);
        while (limit <= 0 || count < limit)
        {
            // Pairs: the same of other threads, and GiveBack.
            var seen = Interlocked.CompareExchange(ref _count, count + 1, count);
            if (seen == count) return true;
            count = seen;
        }
        return false;
    }

    // Pairs: TryTake, SetWaiting. First the place is free, then waiters are looked for; a waiter tries once more after it has
    // said that it waits.
    public void GiveBack() => Interlocked.Decrement(ref _count);

    /// <summary>Since when the first of a loop has waited. By that loop alone.</summary>
    /// <param name="sinceUs"><see cref="long.MaxValue"/>: nobody does any more.</param>
    public void SetWaiting(int loop, long sinceUs)
    {
        var all = Volatile.Read(ref _waitingSinceUs);
        if (all is null)
        {
            all = new long[loopCount];
            Array.Fill(all, long.MaxValue);
            all = Interlocked.CompareExchange(ref _waitingSinceUs, all, null) ?? all; // Pairs: the same of other loops.
        }
        Interlocked.Exchange(ref all[loop], sinceUs); // Pairs: FirstWaiting, GiveBack.
    }

    /// <summary>The loop whose first has waited longest.</summary>
    public int FirstWaiting
    {
        get
        {
            var first = Nobody;
            if (Volatile.Read(ref _waitingSinceUs) is not { } all) return first;
            var firstUs = long.MaxValue;
            for (var i = 0; i < all.Length; i++)
            {
                // Pairs: SetWaiting.
                if (Volatile.Read(ref all[i]) is var sinceUs && sinceUs < firstUs) (first, firstUs) = (i, sinceUs);
            }
            return first;
        }
    }
}

/// <summary>Client connections counted against one of the client limits; admission takes, disconnect gives back.</summary>
public sealed class ClientCount
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public int Enter() => Interlocked.Increment(ref _count); // Pairs: Leave.

    public void Leave() => Interlocked.Decrement(ref _count); // Pairs: Enter.
}
