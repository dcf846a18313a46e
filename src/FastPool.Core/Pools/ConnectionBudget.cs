namespace FastPool.Core.Pools;

/// <summary>How many connections of a kind are open, against a limit that the caller knows. Any thread.</summary>
public sealed class ConnectionBudget
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <param name="limit">0 or less: none.</param>
    public bool TryTake(int limit)
    {
        var count = Interlocked.Increment(ref _count); // Pairs: GiveBack; over the limit it is taken back before anyone opens.
        if (limit <= 0 || count <= limit) return true;
        Interlocked.Decrement(ref _count);
        return false;
    }

    public void GiveBack() => Interlocked.Decrement(ref _count); // Pairs: TryTake.
}

/// <summary>Client connections counted against one of the client limits; admission takes, disconnect gives back.</summary>
public sealed class ClientCount
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public int Enter() => Interlocked.Increment(ref _count); // Pairs: Leave.

    public void Leave() => Interlocked.Decrement(ref _count); // Pairs: Enter.
}
