using FastPool.Core.Pools;

namespace FastPool.Net;

/// <summary>
/// How many loops are in use: the first so many. They accept newcomers and take clients of others. The rest do neither; they
/// give away the clients that say something, and serve those that must stay.
/// </summary>
internal sealed class LoopsInUse
{
    private readonly PoolRegistry _registry;
    private int _count;

    internal LoopsInUse(PoolRegistry registry)
    {
        _registry = registry;
        _count = Least;
    }

    /// <summary>So many are in use whatever the load is (min_loops).</summary>
    internal int Least => Math.Min(_registry.Settings.Own.LoopsMin, _registry.LoopCount);

    internal int Count => Volatile.Read(ref _count);

    internal bool Has(int loop) => loop < Count;

    /// <summary>Tells a loop that has come into use, or has come to rest. Given after the construction.</summary>
    internal Action<int> OnChanged { get; set; } = static _ => { };

    /// <summary>Any thread.</summary>
    /// <returns>False: it is another number by now, or the same as before.</returns>
    internal bool TryChange(int from, int to)
    {
        to = Math.Clamp(to, Least, _registry.LoopCount);
        if (to == from || Interlocked.CompareExchange(ref _count, to, from) != from) return false; // Pairs: the same of others.
        for (var loop = Math.Min(from, to); loop < Math.Max(from, to); loop++) OnChanged(loop);
        return true;
    }
}
