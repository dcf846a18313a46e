using System.Collections.Concurrent;
using FastPool.Core.Settings;

namespace FastPool.Core.Pools;

/// <summary>An entry of [databases], or one made from <c>*</c>, with what is counted for it.</summary>
public sealed class Database
{
    private readonly PoolerState _pooler;
    private readonly Action _poolsChanged;
    private ConcurrentDictionary<string, Pool>? _pools;
    private ConcurrentDictionary<string, Secret>? _fetchedSecrets;
    private DatabaseEntry _entry;
    private bool _isPaused;
    private bool _isDisabled;

    /// <param name="pooler">The pooler whose PAUSE holds this database too; null: none.</param>
    /// <param name="poolsChanged">Told behind it when a pool has come or gone; any thread.</param>
    public Database(DatabaseEntry entry, bool isAuto, PoolerState? pooler = null, Action? poolsChanged = null)
    {
        _poolsChanged = poolsChanged ?? (static () => { });
        _entry = entry;
        IsAuto = isAuto;
        _pooler = pooler ?? new PoolerState();
        Servers = new SharedLimit { Limit = entry.MaxDbConnections };
    }

    public string Name => Entry.Name;

    /// <summary>Replaced whole by a reload.</summary>
    public DatabaseEntry Entry
    {
        get => Volatile.Read(ref _entry); // Pairs: the setter, by the reload.
        set => Volatile.Write(ref _entry, value);
    }

    /// <summary>Registered from <c>*</c> at a client's request.</summary>
    public bool IsAuto { get; set; }

    /// <summary>Since when it has been unused; 0: it is in use. Written by the control thread alone.</summary>
    public long IdleSinceUs { get; set; }

    public bool IsPaused
    {
        get => Volatile.Read(ref _isPaused); // Pairs: the setter, by the console.
        set => Volatile.Write(ref _isPaused, value);
    }

    /// <summary>No client gets a server, by this database's own PAUSE or by the global one.</summary>
    public bool IsHeld => IsPaused || _pooler.Mode == PoolerMode.Paused;

    /// <inheritdoc cref="PoolerState.IsFrozen"/>
    public bool IsFrozen => _pooler.IsFrozen;

    /// <summary>The whole pooler waits for its servers to end.</summary>
    public bool IsEnding => _pooler.IsEnding;

    public bool IsDisabled
    {
        get => Volatile.Read(ref _isDisabled); // Pairs: the setter, by the console.
        set => Volatile.Write(ref _isDisabled, value);
    }

    /// <summary>Server connections over all pools, against max_db_connections.</summary>
    public SharedLimit Servers { get; }

    /// <summary>Clients that named this database, against max_db_client_connections.</summary>
    public ClientCount Clients { get; } = new();

    /// <summary>
    /// Secrets that auth_query brought, by user: the last one of each serves for logins to servers of this database.
    /// </summary>
    public ConcurrentDictionary<string, Secret> FetchedSecrets => Made(ref _fetchedSecrets);

    /// <summary>Pools by server-side user.</summary>
    public ICollection<Pool> Pools => Volatile.Read(ref _pools)?.Values ?? []; // Pairs: Made.

    /// <summary>
    /// Takes all pools away, for KILL and for a removed database; connections that still hold one of them are to be closed.
    /// </summary>
    internal IReadOnlyList<Pool> RemovePools()
    {
        var removed = new List<Pool>();
        if (Volatile.Read(ref _pools) is not { } pools) return removed; // Pairs: Made.
        foreach (var (user, _) in pools)
        {
            if (pools.TryRemove(user, out var pool)) removed.Add(pool);
        }
        _poolsChanged();
        return removed;
    }

    /// <summary>Takes this very pool away.</summary>
    internal void RemovePool(Pool pool)
    {
        Volatile.Read(ref _pools)?.TryRemove(KeyValuePair.Create(pool.User.Name, pool)); // Pairs: Made.
        _poolsChanged();
    }

    internal Pool? FindPool(string user) => Volatile.Read(ref _pools)?.GetValueOrDefault(user); // Pairs: Made.

    /// <summary>
    /// Adds a pool unless there is one: of several that are made at once, one comes into use, and the others are dropped
    /// unseen.
    /// </summary>
    internal Pool GetOrAddPool(Pool pool)
    {
        var made = Made(ref _pools).GetOrAdd(pool.User.Name, pool);
        _poolsChanged();
        return made;
    }

    /// <summary>Most databases that clients name need none of these tables, and one costs hundreds of bytes.</summary>
    private static ConcurrentDictionary<string, T> Made<T>(ref ConcurrentDictionary<string, T>? table)
    {
        if (Volatile.Read(ref table) is { } made) return made; // Pairs: the exchange below.
        var fresh = new ConcurrentDictionary<string, T>(concurrencyLevel: 1, capacity: 1, StringComparer.Ordinal);
        return Interlocked.CompareExchange(ref table, fresh, null) ?? fresh; // Pairs: the readers above.
    }
}

/// <summary>A user name with what is counted for it over all databases.</summary>
public sealed class PoolUser(string name)
{
    public string Name { get; } = name;

    /// <summary>Server connections made as this user, against max_user_connections.</summary>
    public SharedLimit Servers { get; } = new();

    /// <summary>Clients that log in under this name, against max_user_client_connections.</summary>
    public ClientCount Clients { get; } = new();
}
