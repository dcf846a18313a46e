using System.Collections.Concurrent;
using FastPool.Core.Settings;

namespace FastPool.Core.Pools;

/// <summary>
/// All databases, users and pools of the process, and the settings in force. Any thread may ask; reloads are one at a time.
/// </summary>
public sealed class PoolRegistry
{
    /// <summary>The name of the admin console's pseudo database.</summary>
    public const string AdminDatabase = "pgbouncer";

    private const int DatabaseNameMax = 63;

    private readonly ConcurrentDictionary<string, Database> _databases = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, PoolUser> _users = new(StringComparer.Ordinal);
    private readonly Roster _roster;
    private Settings.Settings _settings;
    private bool _hasAutoDatabases;
    private bool _countsIdlePools;
    private bool _isShuttingDown;
    private bool _admitsLatecomers;
    private int _stirred;
    private PoolLimits? _lastLimits;

    public PoolRegistry(Settings.Settings settings, int loopCount)
    {
        _settings = settings;
        Peers = new PeerDirectory(() => Settings);
        Peers.Learn([], static _ => false);
        LoopCount = loopCount;
        _roster = new Roster(() => _databases.Values.Append(Admin!), AdminDatabase);
        foreach (var entry in settings.Databases.Values) _databases[entry.Name] = NewDatabase(entry, isAuto: false);
        Admin = new Database(DatabaseEntry.OfConsole, isAuto: false);
        AdminPool =
            Admin.GetOrAddPool(
            new Pool(Admin, GetUser(AdminDatabase), LimitsFor(settings, Admin.Entry, AdminDatabase), LoopCount));
    }

    public Settings.Settings Settings => Volatile.Read(ref _settings); // Pairs: Apply.

    public int LoopCount { get; }

    /// <summary>Every client connection of the process, against max_client_conn.</summary>
    public ClientCount Clients { get; } = new();

    public CancelKeys CancelKeys { get; } = new();

    /// <summary>The other poolers of the group.</summary>
    public PeerDirectory Peers { get; }

    /// <summary>The hosts that servers are opened at, and the condition of each.</summary>
    public HostTable Hosts { get; } = new();

    /// <summary>A shutdown is in progress: no ordinary client is let in.</summary>
    public bool IsShuttingDown
    {
        get => Volatile.Read(ref _isShuttingDown); // Pairs: the setter, by console or signal.
        set => Volatile.Write(ref _isShuttingDown, value);
    }

    /// <summary>
    /// With so_reuseport newcomers go to the next process, and nobody is to be refused: those that the kernel had brought here
    /// before the port closed are let in, to leave like the others.
    /// </summary>
    public bool AdmitsLatecomers
    {
        get => Volatile.Read(ref _admitsLatecomers); // Pairs: the setter, by console or signal.
        set => Volatile.Write(ref _admitsLatecomers, value);
    }

    /// <summary>Active, paused or suspended; the console's own database is none of it.</summary>
    public PoolerState State { get; } = new();

    public Database Admin { get; }

    public Pool AdminPool { get; }

    /// <summary>By name, the console's too; as they are now.</summary>
    public IReadOnlyList<Database> Databases => _roster.Databases;

    public IEnumerable<PoolUser> Users => _users.Values.OrderBy(user => user.Name, StringComparer.Ordinal);

    /// <summary>By name of the database and of the user, the console's too; as they are now.</summary>
    public IReadOnlyList<Pool> Pools => _roster.Pools;

    /// <summary>As <see cref="Pools"/>, without the console's.</summary>
    public IReadOnlyList<Pool> PoolList => _roster.PoolsOfClients;

    /// <summary>Raised by <see cref="Stir"/>.</summary>
    public int Stirred => Volatile.Read(ref _stirred); // Pairs: Stir.

    /// <summary>
    /// Something has changed that pools do not hear of: each loop looks through its share of them once, in its next tick.
    /// </summary>
    public void Stir()
    {
        Interlocked.Increment(ref _stirred); // Pairs: Stirred.
        OnStirred();
    }

    /// <summary>Wakes up who looks at <see cref="Stirred"/>. Given before the loops run; called on any thread.</summary>
    public Action OnStirred { get; set; } = static () => { };

    /// <summary>The database under that name, registered from <c>*</c> if need be.</summary>
    /// <param name="isNew">True when this call registered it.</param>
    public Database? FindDatabase(string name, out bool isNew)
    {
        isNew = false;
        if (name == AdminDatabase) return Admin;
        if (_databases.TryGetValue(name, out var database)) return database;
        if (Settings.AutoDatabaseConnectString is not { } template || name.Length > DatabaseNameMax) return null;
        if (DatabaseEntry.TryParse(name, template, []) is not { } entry) return null;
        var added = NewDatabase(entry, isAuto: true);
        database = _databases.GetOrAdd(name, added);
        Volatile.Write(ref _hasAutoDatabases, true); // Pairs: DropIdle.
        _roster.Change();
        isNew = ReferenceEquals(database, added);
        return database;
    }

    private Database NewDatabase(DatabaseEntry entry, bool isAuto) => new(entry, isAuto, State, _roster.Change);

    /// <summary>The session_state that a client of that name has in that database. Registers nothing.</summary>
    public SessionStateMode SessionStateOf(string database, string clientUser)
    {
        if (database == AdminDatabase) return SessionStateMode.Off;
        var entry = _databases.TryGetValue(database, out var known) ? known.Entry
            : Settings.AutoDatabaseConnectString is { } template ? DatabaseEntry.TryParse(database, template, []) : null;
        if (entry is null) return SessionStateMode.Off;
        return Settings.SessionState(entry, Settings.Users.GetValueOrDefault(entry.ForcedUser ?? clientUser));
    }

    public PoolUser GetUser(string name) => _users.GetOrAdd(name, static name => new PoolUser(name));

    /// <summary>The pool in which a client of that name uses the database: the forced user's, if there is one.</summary>
    public Pool GetPool(Database database, string clientUser)
    {
        if (ReferenceEquals(database, Admin)) return AdminPool;
        return GetPoolOf(database, database.Entry.ForcedUser ?? clientUser);
    }

    /// <summary>That user's own pool, even where another is forced on clients: auth_query runs in it.</summary>
    public Pool GetPoolOf(Database database, string user)
    {
        while (true)
        {
            var pool = database.FindPool(user) ?? AddPool(database, user);
            if (pool.TryUse())
            {
                pool.IdleSinceUs = 0;
                return pool;
            }
            database.RemovePool(pool); // It has just been taken away as idle.
        }
    }

    private Pool AddPool(Database database, string user)
    {
        var (settings, entry) = (Settings, database.Entry);
        var pool = database.GetOrAddPool(new Pool(database, GetUser(user), LimitsFor(settings, entry, user), LoopCount));
        while (true)
        {
            // Pairs: Apply. Either the reload finds the pool in the database, or we find what the reload has put in force.
            Interlocked.MemoryBarrier();
            if (ReferenceEquals(settings, Settings) && ReferenceEquals(entry, database.Entry)) return pool;
            (settings, entry) = (Settings, database.Entry);
            pool.Limits = LimitsFor(settings, entry, user);
        }
    }

    /// <summary>Takes all pools of the database away; connections that still hold one of them are to be closed.</summary>
    public IReadOnlyList<Pool> RemovePools(Database database) => database.RemovePools();

    /// <summary>
    /// min_pool_size for a forced user wants a pool before any client has come. Asked for after each <see cref="Stir"/>.
    /// </summary>
    /// <returns>True when there is a new one.</returns>
    public bool AddForcedPools()
    {
        var hasAdded = false;
        foreach (var (_, database) in _databases)
        {
            if (database.Entry.ForcedUser is not { } user || database.IsPaused || Settings.MinPoolSize(database.Entry) <= 0
                || database.Pools.Count > 0) continue;
            GetPool(database, user);
            hasAdded = true;
        }
        return hasAdded;
    }

    /// <summary>Puts new settings in force: limits of every pool, entries, replacements.</summary>
    /// <returns>Databases that the new settings no longer have; their connections are to be closed.</returns>
    public IReadOnlyList<Database> Apply(Settings.Settings settings)
    {
        var previous = Settings;
        Volatile.Write(ref _settings, settings); // Pairs: Settings.
        var dropped = new List<Database>();
        foreach (var (name, database) in _databases)
        {
            if (settings.Databases.TryGetValue(name, out var entry)) ChangeEntry(database, entry, isAuto: false);
            else if (!database.IsAuto) Drop(name, dropped);
            else if (settings.AutoDatabaseConnectString == previous.AutoDatabaseConnectString) continue;
            else if (settings.AutoDatabaseConnectString is { } template
                && DatabaseEntry.TryParse(name, template, []) is { } remade) ChangeEntry(database, remade, isAuto: true);
            else Drop(name, dropped);
        }
        foreach (var entry in settings.Databases.Values) _databases.TryAdd(entry.Name, NewDatabase(entry, isAuto: false));
        _roster.Change();
        Interlocked.MemoryBarrier(); // Pairs: AddPool.
        foreach (var pool in Pools) pool.Limits = LimitsFor(settings, pool.Database.Entry, pool.User.Name);
        Stir();
        return dropped;
    }

    /// <summary>
    /// The janitor's round of auto-databases: takes those away that neither a client nor a server has used for
    /// autodb_idle_timeout.
    /// </summary>
    /// <returns>Those taken away; a client that asked for one at the last moment is to be closed with it.</returns>
    public IReadOnlyList<Database> DropIdle(long nowUs)
    {
        var dropped = new List<Database>();
        if (!Volatile.Read(ref _hasAutoDatabases)) return dropped; // Pairs: FindDatabase.
        var timeoutUs = Settings.AutodbIdleTimeoutUs;
        foreach (var (name, database) in _databases)
        {
            if (!database.IsAuto) continue;
            if (database.Clients.Count > 0 || database.Servers.Count > 0) database.IdleSinceUs = 0;
            else if (database.IdleSinceUs == 0) database.IdleSinceUs = nowUs;
            else if (timeoutUs > 0 && !database.IsPaused && nowUs - database.IdleSinceUs > timeoutUs) Drop(name, dropped);
        }
        return dropped;
    }

    /// <summary>
    /// Takes pools away that neither a client nor a server has used for pool_idle_timeout, and their statistics with them.
    /// </summary>
    /// <param name="nowUs">The time.</param>
    /// <param name="visitLoops">Returns when each loop has ended what it was at.</param>
    public void DropIdlePools(long nowUs, Action visitLoops)
    {
        var timeoutUs = Settings.PoolIdleTimeoutUs;
        if (timeoutUs <= 0)
        {
            // Once there is a time-out again, they have been idle since that moment only.
            if (_countsIdlePools) foreach (var pool in PoolList) pool.IdleSinceUs = 0;
            _countsIdlePools = false;
            return;
        }
        _countsIdlePools = true;
        var leaving = new List<Pool>();
        foreach (var pool in PoolList)
        {
            if (!pool.IsUnused || pool.Database.IsHeld) pool.IdleSinceUs = 0;
            else if (pool.IdleSinceUs == 0) pool.IdleSinceUs = nowUs;
            else if (nowUs - pool.IdleSinceUs > timeoutUs) leaving.Add(pool);
        }
        if (leaving.Count == 0) return;
        foreach (var pool in leaving) pool.BeginToLeave();
        visitLoops();
        foreach (var pool in leaving)
        {
            if (pool.TryTakeAway()) pool.Database.RemovePool(pool);
            else pool.IdleSinceUs = 0;
        }
    }

    /// <summary>An entry whose connection settings changed has its servers replaced.</summary>
    private static void ChangeEntry(Database database, DatabaseEntry entry, bool isAuto)
    {
        var isSame = database.Entry.SameConnection(entry);
        database.Entry = entry;
        database.IsAuto = isAuto;
        if (isSame) return;
        foreach (var pool in database.Pools) pool.Invalidate();
    }

    private void Drop(string name, List<Database> dropped)
    {
        if (!_databases.TryRemove(name, out var database)) return;
        _roster.Change();
        dropped.Add(database); // Its pools stay in it: closing its connections begins with them.
    }

    /// <summary>Mostly those of the pool that was made before it.</summary>
    private PoolLimits LimitsFor(Settings.Settings settings, DatabaseEntry database, string user)
    {
        var limits = new PoolLimits(settings, database, settings.Users.TryGetValue(user, out var entry) ? entry : null);
        if (Volatile.Read(ref _lastLimits) is { } last && limits.Equals(last)) return last; // Pairs: the write below.
        Volatile.Write(ref _lastLimits, limits);
        return limits;
    }
}
