namespace FastPool.Core.Settings;

/// <summary>
/// The settings that hold for a database and a user: the user's own value, else the database's, else the global one. The rule for
/// a value of one's own differs by key: sizes from 0 on, limits and times above 0, words when given at all.
/// "User" is the pool's user (the forced one where there is one), but for <see cref="ClientIdleTimeoutUs"/> and
/// <see cref="MaxUserClientConnections"/> the one who logged in.
/// </summary>
public static class EffectiveSettings
{
    /// <summary>0 and less: no limit.</summary>
    public static int PoolSize(this Settings settings, DatabaseEntry database, UserEntry? user) =>
        user?.PoolSize ?? database.PoolSize ?? settings.DefaultPoolSize;

    /// <summary>0 and less: no reserve.</summary>
    public static int ReservePoolSize(this Settings settings, DatabaseEntry database, UserEntry? user) =>
        user?.ReservePoolSize ?? database.ReservePoolSize ?? settings.ReservePoolSize;

    /// <summary>0 and less: none is kept.</summary>
    public static int MinPoolSize(this Settings settings, DatabaseEntry database) => database.MinPoolSize ?? settings.MinPoolSize;

    /// <summary>Replication clients are always in session mode, whatever this says.</summary>
    public static SessionStateMode SessionState(this Settings settings, DatabaseEntry database, UserEntry? user) =>
        user?.SessionState ?? database.SessionState ?? settings.Own.SessionState;

    public static AbandonedTransaction AbandonedTransaction(this Settings settings, DatabaseEntry database, UserEntry? user) =>
        user?.AbandonedTransaction ?? database.AbandonedTransaction ?? settings.Own.AbandonedTransaction;

    public static PoolMode PoolMode(this Settings settings, DatabaseEntry database, UserEntry? user) =>
        user?.PoolMode ?? database.PoolMode ?? settings.PoolMode;

    /// <summary>0 and less: no limit.</summary>
    public static int MaxDbConnections(this Settings settings, DatabaseEntry database) =>
        Above0(database.MaxDbConnections, settings.MaxDbConnections);

    /// <summary>0 and less: no limit.</summary>
    public static int MaxDbClientConnections(this Settings settings, DatabaseEntry database) =>
        Above0(database.MaxDbClientConnections, settings.MaxDbClientConnections);

    /// <summary>0 and less: no limit.</summary>
    public static int MaxUserConnections(this Settings settings, UserEntry? user) =>
        Above0(user?.MaxUserConnections ?? 0, settings.MaxUserConnections);

    /// <summary>0 and less: no limit.</summary>
    public static int MaxUserClientConnections(this Settings settings, UserEntry? user) =>
        Above0(user?.MaxUserClientConnections ?? 0, settings.MaxUserClientConnections);

    /// <summary>0: a server is used once. A database with a negative value keeps its servers for ever.</summary>
    public static long ServerLifetimeUs(this Settings settings, DatabaseEntry database) => database.ServerLifetimeUs switch
    {
        0 => settings.ServerLifetimeUs,
        < 0 => long.MaxValue,
        _ => database.ServerLifetimeUs,
    };

    /// <summary>0: off.</summary>
    public static long QueryTimeoutUs(this Settings settings, UserEntry? user) =>
        Above0(user?.QueryTimeoutUs ?? 0, settings.QueryTimeoutUs);

    /// <summary>0: off.</summary>
    public static long QueryWaitTimeoutUs(this Settings settings, DatabaseEntry database, UserEntry? user) =>
        user?.QueryWaitTimeoutUs ?? database.QueryWaitTimeoutUs ?? settings.QueryWaitTimeoutUs;

    /// <summary>0: off.</summary>
    public static long IdleTransactionTimeoutUs(this Settings settings, UserEntry? user) =>
        Above0(user?.IdleTransactionTimeoutUs ?? 0, settings.IdleTransactionTimeoutUs);

    /// <summary>0: off.</summary>
    public static long TransactionTimeoutUs(this Settings settings, UserEntry? user) =>
        Above0(user?.TransactionTimeoutUs ?? 0, settings.TransactionTimeoutUs);

    /// <summary>0: off.</summary>
    public static long ClientIdleTimeoutUs(this Settings settings, UserEntry? user) =>
        Above0(user?.ClientIdleTimeoutUs ?? 0, settings.ClientIdleTimeoutUs);

    /// <summary>Null: no auth_query for this database.</summary>
    public static string? AuthUser(this Settings settings, DatabaseEntry database) => database.AuthUser ?? settings.AuthUser;

    public static string AuthQuery(this Settings settings, DatabaseEntry database) => database.AuthQuery ?? settings.AuthQuery;

    /// <summary>Null: the client's own database.</summary>
    public static string? AuthDbname(this Settings settings, DatabaseEntry database) =>
        database.AuthDbname ?? settings.AuthDbname;

    /// <summary>TLS towards the servers of a database that are logged in to as that user.</summary>
    public static ServerTls ServerTls(this Settings settings, DatabaseEntry? database, UserEntry? user)
    {
        var all = new ServerTls
        {
            Sslmode = settings.ServerTlsSslmode,
            IsDirect = settings.Own.IsServerTlsDirect,
            CaFile = settings.ServerTlsCaFile,
            CertFile = settings.ServerTlsCertFile,
            KeyFile = settings.ServerTlsKeyFile,
            Protocols = settings.ServerTlsProtocols,
            Ciphers = settings.ServerTlsCiphers,
            Tls13Ciphers = settings.ServerTls13Ciphers ?? "",
        };
        var own = database is null ? all : database.ServerTls.Over(all);
        return user is null ? own : user.ServerTls.Over(own);
    }

    /// <summary>The TLS of each line that has keys of its own, and first the one of all others.</summary>
    public static IEnumerable<ServerTls> AllServerTls(this Settings settings)
    {
        yield return settings.ServerTls(null, null);
        foreach (var database in settings.Databases.Values)
        {
            if (database.ServerTls != ServerTlsKeys.None) yield return settings.ServerTls(database, null);
        }
        if (settings.AutoDatabaseConnectString is { } text && DatabaseEntry.TryParse("*", text, []) is { } any
            && any.ServerTls != ServerTlsKeys.None) yield return settings.ServerTls(any, null);
        foreach (var user in settings.Users.Values)
        {
            if (user.ServerTls != ServerTlsKeys.None) yield return settings.ServerTls(null, user);
        }
    }

    private static int Above0(int own, int global) => own > 0 ? own : global;

    private static long Above0(long own, long global) => own > 0 ? own : global;
}
