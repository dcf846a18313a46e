using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Control;

/// <summary>
/// PAUSE, RESUME, SUSPEND, KILL and RECONNECT as deeds; who may ask, and what is answered, is the console's. Control thread.
/// </summary>
public sealed class Pausing
{
    private readonly PoolRegistry _registry;
    private readonly LoopWalk _walk;
    private readonly Evictions _evictions;

    internal Pausing(PoolRegistry registry, LoopWalk walk, Evictions evictions)
    {
        _registry = registry;
        _walk = walk;
        _evictions = evictions;
    }

    public PoolerMode Mode => _registry.State.Mode;

    public bool IsAnyDatabasePaused => _registry.Databases.Any(database => database.IsPaused);

    public void PauseAll()
    {
        if (Mode == PoolerMode.Suspended) ResumeLoops();
        _registry.State.Mode = PoolerMode.Paused;
        _evictions.Drain(static _ => true);
    }

    public void Pause(Database database)
    {
        database.IsPaused = true;
        _evictions.Drain(candidate => candidate == database);
    }

    /// <summary>Leaves the global PAUSE or SUSPEND; databases paused one by one stay so.</summary>
    public void ResumeAll()
    {
        var mode = Mode;
        _registry.State.Mode = PoolerMode.Active;
        if (mode == PoolerMode.Suspended) ResumeLoops();
        Serve(_registry.Pools);
    }

    public void Resume(Database database)
    {
        database.IsPaused = false;
        Serve(database.Pools);
    }

    /// <summary>No server connection is left, of this database or of all.</summary>
    /// <param name="database">Null: all.</param>
    public bool IsDrained(Database? database) =>
        database is not null ? database.Servers.Count == 0 : _registry.Databases.All(static candidate => candidate.Servers.Count == 0);

    /// <summary>KILL of one database.</summary>
    public void Kill(Database database) => _evictions.Remove([database]);

    /// <summary>KILL of every database that has a pool, but for the console's.</summary>
    public void KillAll() => _evictions.Remove([.. _registry.Databases.Where(database => database != _registry.Admin && database.Pools.Count > 0)]);

    /// <param name="database">Null: all.</param>
    public void Reconnect(Database? database)
    {
        foreach (var pool in _registry.Pools)
        {
            if (pool != _registry.AdminPool && (database is null || pool.Database == database)) pool.Invalidate();
        }
        _evictions.CloseObsoleteLogins();
    }

    /// <summary>Servers with a close mark.</summary>
    /// <param name="database">Null: all.</param>
    public int CountMarked(Database? database)
    {
        if (IsDrained(database)) return 0;
        var count = 0;
        _walk.Servers((_, server) =>
        {
            if (server.State != ServerState.Closing && server.IsCloseNeeded && (database is null || server.Pool.Database == database)) count++;
        });
        return count;
    }

    /// <summary>False while one of the loops cannot park its sockets.</summary>
    public bool CanSuspend()
    {
        var can = true;
        _walk.Each(view => can &= view is ISuspendableLoop);
        return can;
    }

    public void BeginSuspend() => _registry.State.Mode = PoolerMode.Suspended;

    /// <param name="closeReason">Not null when the time is over: what is not parked is closed.</param>
    /// <returns>True when everything is parked.</returns>
    public bool TrySuspend(string? closeReason)
    {
        var isParked = true;
        _walk.Each(view => isParked &= ((ISuspendableLoop)view).TrySuspend(closeReason));
        return isParked;
    }

    private void ResumeLoops() => _walk.Each(static view => (view as ISuspendableLoop)?.Resume());

    private void Serve(IEnumerable<Pool> pools) => _walk.Pools([.. pools], static (pool, host) => pool.Serve(host));
}
