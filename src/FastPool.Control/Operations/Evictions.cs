using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Control.Operations;

/// <summary>Closes connections on whichever loops they are. Control thread.</summary>
internal sealed class Evictions(PoolRegistry registry, LoopWalk walk)
{
    internal const string DatabaseRemoved = "database removed";

    /// <summary>Whatever a loop was at, it has ended.</summary>
    public void VisitLoops() => walk.Each(static _ => { });

    /// <summary>
    /// KILL and removed databases: clients and servers go, and the pools with them. The databases stay paused, so that nothing
    /// new opens.
    /// </summary>
    public void Remove(IReadOnlyCollection<Database> databases)
    {
        if (databases.Count == 0) return;
        var pools = new HashSet<Pool>();
        foreach (var database in databases)
        {
            database.IsPaused = true;
            pools.UnionWith(registry.RemovePools(database));
        }
        walk.Cancels((view, cancel) =>
        {
            if (cancel is { Pool: { } pool, Client: { } client } && pools.Contains(pool)) view.Close(client, DatabaseRemoved);
        });
        walk.Clients((view, client) =>
        {
            if (client.Pool is { } pool && pools.Contains(pool)) view.Close(client, DatabaseRemoved);
        });
        walk.Servers((view, server) =>
        {
            if (pools.Contains(server.Pool)) view.Close(server, DatabaseRemoved);
        });
        walk.Pools([.. pools], static (pool, host) => pool.Drain(DatabaseRemoved, host));
    }

    /// <summary>Clients that are in the midst of a login to a database that is no more: they are in no pool yet.</summary>
    public void RemoveLogins(IReadOnlyCollection<Database> databases)
    {
        if (databases.Count == 0) return;
        walk.Clients((view, client) =>
        {
            if (client.Pool is null && client.Database is { } database && databases.Contains(database))
                view.Close(client, DatabaseRemoved);
        });
    }

    public void RemovePeers(IReadOnlyCollection<int> peers)
    {
        if (peers.Count == 0) return;
        walk.Cancels((view, cancel) =>
        {
            if (cancel.Client is { } client && peers.Contains(cancel.PeerId)) view.Close(client, "peer removed");
        });
    }

    /// <summary>
    /// Servers that log in with settings that are no longer in force. The others are closed by the janitor, or as they become
    /// free.
    /// </summary>
    public void CloseObsoleteLogins() => CloseLogins("connect string changed", static server => server.IsCloseNeeded);

    /// <summary>PAUSE: free servers and those that log in; the others close as they become free.</summary>
    public void Drain(Func<Database, bool> isMeant)
    {
        const string Reason = "pause mode";
        var pools = registry.Pools.Where(pool => pool != registry.AdminPool && isMeant(pool.Database)).ToArray();
        walk.Pools(pools, static (pool, host) => pool.Drain(Reason, host));
        CloseLogins(Reason, server => isMeant(server.Pool.Database));
    }

    private void CloseLogins(string reason, Func<ServerSession, bool> isMeant) => walk.Servers((view, server) =>
    {
        if (server.Login is not null && isMeant(server)) view.Close(server, reason);
    });
}
