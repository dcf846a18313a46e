using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Control.Operations;

/// <summary>
/// Carries out PAUSE, RESUME, SUSPEND, KILL and RECONNECT. The console decides about rights and answers. Control thread.
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
        if (Mode == PoolerMode.Suspended)
        {
            TakeBackKeys();
            ResumeLoops();
        }
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
        if (mode == PoolerMode.Suspended) TakeBackKeys();
        _registry.State.Mode = PoolerMode.Active;
        _registry.State.IsFrozen = false;
        if (mode == PoolerMode.Suspended) ResumeLoops();
        _registry.Stir();
        Serve(_registry.Pools);
    }

    public void Resume(Database database)
    {
        database.IsPaused = false;
        _registry.Stir();
        Serve(database.Pools);
    }

    /// <summary>No server connection is left, of this database or of all.</summary>
    /// <param name="database">Null: all.</param>
    public bool IsDrained(Database? database) =>
        database is not null ? database.Servers.Count == 0
            : _registry.Databases.All(static candidate => candidate.Servers.Count == 0);

    /// <summary>KILL of one database.</summary>
    public void Kill(Database database) => _evictions.Remove([database]);

    /// <summary>KILL of every database that has a pool, but for the console's.</summary>
    public void KillAll() =>
        _evictions.Remove([.. _registry.Databases.Where(database => database != _registry.Admin && database.Pools.Count > 0)]);

    /// <param name="database">Null: all.</param>
    public void Reconnect(Database? database)
    {
        foreach (var pool in _registry.Pools)
        {
            if (pool != _registry.AdminPool && (database is null || pool.Database == database)) pool.Invalidate();
        }
        _registry.Stir();
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
            if (server.State != ServerState.Closing && server.IsCloseNeeded
                && (database is null || server.Pool.Database == database)) count++;
        });
        return count;
    }

    public void BeginSuspend() => _registry.State.Mode = PoolerMode.Suspended;

    /// <param name="closeReason">Not null when the time is over: what is not parked is closed.</param>
    /// <returns>True when everything is parked.</returns>
    public bool TrySuspend(string? closeReason)
    {
        var isParked = closeReason is not null || !_walk.AreClientsOnTheWay; // No other leaves any more.
        _walk.Each(view => isParked &= view.TrySuspend(closeReason));
        return isParked;
    }

    /// <summary>Lets logins come to their ends; no new client is let in.</summary>
    /// <param name="isLate">Those left are not waited for.</param>
    /// <returns>True when there are none: now everything is to stand still.</returns>
    public bool TryEndLogins(bool isLate)
    {
        var areEnded = true;
        _walk.Each(view => areEnded &= view.TryEndLogins());
        if (!areEnded && !isLate) return false;
        _registry.State.IsFrozen = true;
        return true;
    }

    /// <summary>Everything stands still where it is, for another process of our own kind.</summary>
    /// <inheritdoc cref="TrySuspend"/>
    /// <param name="mayFinish">Short transactions on servers that cannot go along are waited for.</param>
    public bool TryFreeze(string? closeReason, bool mayFinish)
    {
        var isFrozen = closeReason is not null || !_walk.AreClientsOnTheWay;
        var seen = 0;
        _walk.Each(view =>
        {
            isFrozen &= view.TryFreeze(closeReason, mayFinish);
            seen += view.Servers.Count;
        });
        // Else one is on its way from loop to loop.
        var areAllSeen = seen == _registry.Pools.Where(pool => pool != _registry.AdminPool)
            .Sum(static pool => pool.Counts.Servers);
        return isFrozen && (areAllSeen || closeReason is not null);
    }

    /// <summary>As long as no server can move to another loop.</summary>
    private void TakeBackKeys() => _walk.Each(static view => view.TakeBackKeys());

    private void ResumeLoops() => _walk.Each(static view => view.Resume());

    private void Serve(IEnumerable<Pool> pools) => _walk.Pools([.. pools], static (pool, host) => pool.Serve(host));
}
