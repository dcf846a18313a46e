using FastPool.Core.Pools;
using FastPool.Core.Settings;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.DatabaseRow>;
using static FastPool.Control.Listings.Metric;

namespace FastPool.Control.Listings;

/// <summary>A database with the settings in force.</summary>
internal sealed record DatabaseRow(Database Database, DatabaseEntry Entry, Settings Settings, bool IsConsole);

/// <summary>SHOW DATABASES.</summary>
internal static class DatabaseListing
{
    private const long UsPerSecond = 1_000_000;

    public static Listing<DatabaseRow> Listing { get; } = new(
        Text("name", static row => row.Entry.Name),
        Text("host", static row => row.Entry.HostText.Length == 0 ? null : row.Entry.HostText),
        Int4("port", static row => row.IsConsole ? row.Settings.ListenPort : row.Entry.Port),
        Text("database", static row => row.Entry.DbName),
        Text("force_user", static row => row.Entry.ForcedUser),
        Int4("pool_size", static row => row.Settings.PoolSize(row.Entry, null))
            .Is(Gauge("pgbouncer_databases_pool_size", "Maximum number of server connections")),
        Int4("min_pool_size", static row => row.Settings.MinPoolSize(row.Entry)),
        Int4("reserve_pool_size", static row => row.Settings.ReservePoolSize(row.Entry, null))
            .Is(Gauge("pgbouncer_databases_reserve_pool", "Maximum number of additional connections for this database")),
        Int4("server_lifetime", static row =>
            (row.Entry.ServerLifetimeUs > 0 ? row.Entry.ServerLifetimeUs : row.Settings.ServerLifetimeUs) / UsPerSecond),
        Text("pool_mode", static row => row.Entry.PoolMode is { } mode ? PoolModes.Words.WordOf(mode) : null),
        Text("load_balance_hosts", static row => LoadBalanceHostsOf(row.Entry)),
        Int4("max_connections", static row => row.Settings.MaxDbConnections(row.Entry))
            .Is(Gauge("pgbouncer_databases_max_connections", "Maximum number of allowed connections for this database")),
        Int4("current_connections", static row => row.Database.Servers.Count)
            .Is(Gauge("pgbouncer_databases_current_connections", "Current number of connections for this database")),
        Int4("max_client_connections", static row => row.Settings.MaxDbClientConnections(row.Entry)),
        Int4("current_client_connections", static row => row.Database.Clients.Count),
        Flag("paused", static row => row.Database.IsPaused)
            .Is(Gauge("pgbouncer_databases_paused", "1 if this database is currently paused, else 0")),
        Flag("disabled", static row => row.Database.IsDisabled)
            .Is(Gauge("pgbouncer_databases_disabled", "1 if this database is currently disabled, else 0")));

    /// <summary>Auto-databases that nobody uses still exist, unseen.</summary>
    public static IEnumerable<DatabaseRow> Rows(PoolRegistry registry) =>
        registry.Databases
            .Where(static database => !database.IsAuto || database.Clients.Count > 0 || database.Servers.Count > 0)
            .Select(database => new DatabaseRow(database, database.Entry, registry.Settings, database == registry.Admin));

    /// <summary>Of interest only where there are several hosts to balance.</summary>
    public static string? LoadBalanceHostsOf(DatabaseEntry entry) =>
        entry.HostText.Contains(',') ? LoadBalanceHostsWords.Words.WordOf(entry.LoadBalanceHosts) : null;
}
