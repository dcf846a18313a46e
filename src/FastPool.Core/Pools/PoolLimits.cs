using FastPool.Core.Settings;

namespace FastPool.Core.Pools;

/// <summary>
/// The effective settings of one pool: user before database before global. Worked out once a snapshot, so that the way
/// of a transaction reads fields. Immutable; a reload replaces it. Pools whose limits are the same share them.
/// </summary>
public sealed record PoolLimits
{
    public PoolLimits(Settings.Settings settings, DatabaseEntry database, UserEntry? user)
    {
        PoolMode = settings.PoolMode(database, user);
        PoolSize = settings.PoolSize(database, user);
        ReservePoolSize = settings.ReservePoolSize(database, user);
        ReservePoolTimeoutUs = settings.ReservePoolTimeoutUs;
        MinPoolSize = settings.MinPoolSize(database);
        MaxDbConnections = settings.MaxDbConnections(database);
        MaxUserConnections = settings.MaxUserConnections(user);
        ServerLifetimeUs = settings.ServerLifetimeUs(database);
        ServerIdleTimeoutUs = settings.ServerIdleTimeoutUs;
        ServerLoginRetryUs = settings.ServerLoginRetryUs;
        ServerCheckDelayUs = settings.ServerCheckDelayUs;
        ServerCheckQuery = settings.ServerCheckQuery;
        ServerResetQuery = PoolMode == PoolMode.Session || settings.ServerResetQueryAlways ? settings.ServerResetQuery : "";
        ServerRoundRobin = settings.ServerRoundRobin;
        ClientLoginTimeoutUs = settings.ClientLoginTimeoutUs;
        QueryWaitTimeoutUs = settings.QueryWaitTimeoutUs(database, user);
        GlobalQueryTimeoutUs = settings.QueryTimeoutUs;
        QueryWaitNotifyUs = settings.QueryWaitNotify * 1_000_000L;
        QueryTimeoutUs = settings.QueryTimeoutUs(user);
        IdleTransactionTimeoutUs = settings.IdleTransactionTimeoutUs(user);
        TransactionTimeoutUs = settings.TransactionTimeoutUs(user);
        MaxPreparedStatements = PoolMode == PoolMode.Session ? 0 : settings.MaxPreparedStatements;
        SessionState = settings.SessionState(database, user);
        RollsBackAbandoned = settings.AbandonedTransaction(database, user) == AbandonedTransaction.Rollback;
        PinnedServersMax = settings.Own.PinnedServersMax > 0 ? settings.Own.PinnedServersMax
            : PoolSize > 0 ? Math.Max(1, PoolSize / 2) : int.MaxValue;
        PinnedTimeoutUs = settings.Own.PinnedTimeoutUs;
        DisablePqexec = settings.DisablePqexec;
        HasQueryRules = DisablePqexec || (settings.Own.DefersBegin && PoolMode == PoolMode.Transaction);
        MaxPacketSize = settings.MaxPacketSize;
        NamesEvictions = settings.Own.ShowAs >= ShownVersion.V126;
        HasForcedUser = database.ForcedUser is not null;
        LifetimeGapUs = PoolSize > 0 ? ServerLifetimeUs / PoolSize : 0;
        WaitSpanUs = Shortest(QueryWaitTimeoutUs, GlobalQueryTimeoutUs);
        FreeSpanUs = Math.Min(Shortest(ServerIdleTimeoutUs), NeedsCheck ? ServerCheckDelayUs : Never);
    }

    /// <summary>So far away that it can be added to any time.</summary>
    private const long Never = long.MaxValue / 4;

    public PoolMode PoolMode { get; }
    /// <summary>0: no limit.</summary>
    public int PoolSize { get; }
    public int ReservePoolSize { get; }
    public long ReservePoolTimeoutUs { get; }
    public int MinPoolSize { get; }
    public int MaxDbConnections { get; }
    public int MaxUserConnections { get; }
    public long ServerLifetimeUs { get; }
    /// <summary>Between two servers of a pool that are closed for their age, so that replacements spread over time.</summary>
    public long LifetimeGapUs { get; }
    public long ServerIdleTimeoutUs { get; }
    public long ServerLoginRetryUs { get; }
    public long ServerCheckDelayUs { get; }
    /// <summary>Empty: no check. <c>&lt;empty&gt;</c>: a Query without text.</summary>
    public string ServerCheckQuery { get; }
    /// <summary>The query that runs at release under this pool's mode; empty: none.</summary>
    public string ServerResetQuery { get; }
    public bool ServerRoundRobin { get; }
    public long ClientLoginTimeoutUs { get; }
    public long QueryWaitTimeoutUs { get; }
    /// <summary>The global value, which also bounds the time in the queue.</summary>
    public long GlobalQueryTimeoutUs { get; }
    public long QueryWaitNotifyUs { get; }
    public long QueryTimeoutUs { get; }
    public long IdleTransactionTimeoutUs { get; }
    public long TransactionTimeoutUs { get; }
    public int MaxPreparedStatements { get; }
    /// <summary>Whether clients keep the state of their sessions between transactions.</summary>
    public SessionStateMode SessionState { get; }
    /// <summary>A server whose client goes in the middle of something is kept.</summary>
    public bool RollsBackAbandoned { get; }
    /// <summary>So many servers may stay with clients whose state cannot travel.</summary>
    public int PinnedServersMax { get; }
    /// <summary>A client that keeps a server so, and says nothing for so long, is told to go; 0: never.</summary>
    public long PinnedTimeoutUs { get; }
    public bool DisablePqexec { get; }
    /// <summary>A simple query is refused, or may be answered without a server: disable_pqexec, defer_begin.</summary>
    public bool HasQueryRules { get; }
    public uint MaxPacketSize { get; }
    public bool HasForcedUser { get; }
    /// <summary>The reason of an eviction names the limit, as it does since PgBouncer 1.26.</summary>
    public bool NamesEvictions { get; }

    public bool NeedsCheck => ServerCheckQuery.Length > 0;

    /// <summary>The shortest wait after which something may have to be done about a client.</summary>
    public long WaitSpanUs { get; }

    /// <summary>The shortest rest after which something may have to be done about a free server.</summary>
    public long FreeSpanUs { get; }

    /// <summary>The shortest of those that are set.</summary>
    private static long Shortest(params ReadOnlySpan<long> spansUs)
    {
        var shortest = Never;
        foreach (var spanUs in spansUs)
        {
            if (spanUs > 0 && spanUs < shortest) shortest = spanUs;
        }
        return shortest;
    }
}
