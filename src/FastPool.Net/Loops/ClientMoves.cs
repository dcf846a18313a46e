using FastPool.Core.Pools;

namespace FastPool.Net;

/// <summary>
/// The number of clients that are on their way from loop to loop, and whether another may leave. A walk that is to see each of
/// them holds them: then none leaves any more, and once none is on its way all are in the lists of their loops.
/// </summary>
internal sealed class ClientMoves(PoolRegistry registry)
{
    private int _onTheWay;
    private int _holds;

    /// <summary>
    /// Some may be on their way. Asked after <see cref="Hold"/>, or after the state of the pooler was set: either a client that
    /// is about to leave is seen here, or it sees that it must stay.
    /// </summary>
    internal bool AreAny
    {
        get
        {
            Interlocked.MemoryBarrier(); // Pairs: TryBegin. The state was written before it.
            return Volatile.Read(ref _onTheWay) != 0;
        }
    }

    /// <summary>None leaves from now on.</summary>
    internal void Hold() => Interlocked.Increment(ref _holds); // Pairs: TryBegin.

    internal void LetGo() => Interlocked.Decrement(ref _holds);

    /// <summary>A client is about to leave its loop: <see cref="End"/> follows when it has come to the other.</summary>
    /// <returns>False: it stays.</returns>
    internal bool TryBegin()
    {
        Interlocked.Increment(ref _onTheWay); // Pairs: AreAny. It is visible before the words below are read.
        if (Volatile.Read(ref _holds) == 0 && !IsEnding(registry)) return true; // Pairs: Hold.
        End();
        return false;
    }

    internal void End() => Interlocked.Decrement(ref _onTheWay); // Pairs: AreAny.

    /// <summary>All clients are about to be told something, or to be another process's.</summary>
    private static bool IsEnding(PoolRegistry registry) =>
        registry.IsShuttingDown || registry.State is { Mode: PoolerMode.Suspended } or { IsFrozen: true } or { IsRetiring: true };
}
