using FastPool.Core.Pools;

namespace FastPool.Bench.Mover;

/// <summary>The part of a loop that a pool sees. Nothing times out here, and a pool that fails ends the run.</summary>
internal abstract class BenchLoop(byte loop) : IPoolHost
{
    public byte Loop => loop;

    public abstract long NowUs { get; }

    /// <summary>The pool's decisions, to be carried out.</summary>
    protected Queue<PoolEffect> Effects { get; } = new();

    public void Add(in PoolEffect effect) => Effects.Enqueue(effect);

    public virtual PoolOperation Rent() => new();

    public virtual void Return(PoolOperation operation)
    {
        // Each operation is a new one, where that costs nothing that is measured.
    }

    public void SetTimer(Pool pool, long atUs)
    {
        // Nothing ever times out here.
    }

    public void OnFailed(Exception failure, PoolClient? client, PooledServer? server) =>
        throw new InvalidOperationException("the pool failed", failure);
}
