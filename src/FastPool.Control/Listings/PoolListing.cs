using FastPool.Core.Pools;
using FastPool.Core.Settings;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.PoolRow>;
using static FastPool.Control.Listings.Metric;

namespace FastPool.Control.Listings;

/// <summary>A pool with one reading of its counts.</summary>
internal sealed record PoolRow(Pool Pool, PoolCounts Counts, CancelCounts Cancels, long MaxWaitUs);

/// <summary>SHOW POOLS.</summary>
internal static class PoolListing
{
    private const long UsPerSecond = 1_000_000;

    public static Listing<PoolRow> Listing { get; } = new(
        Text("database", static row => row.Pool.Database.Name),
        Text("user", static row => row.Pool.User.Name),
        Int4("cl_active", static row => Math.Max(0, row.Counts.Clients - row.Counts.Waiting))
            .Is(Gauge("pgbouncer_pools_client_active_connections", "Clients that are linked to a server or idle")),
        Int4("cl_waiting", static row => row.Counts.Waiting)
            .Is(Gauge("pgbouncer_pools_client_waiting_connections", "Clients waiting for a server connection")),
        Int4("cl_active_cancel_req", static row => row.Cancels.Active)
            .Is(Gauge("pgbouncer_pools_client_active_cancel_connections",
                "Cancel requests forwarded to the server and waiting for it to close")),
        Int4("cl_waiting_cancel_req", static row => row.Cancels.Waiting)
            .Is(Gauge("pgbouncer_pools_client_waiting_cancel_connections", "Cancel requests not forwarded yet")),
        Int4("sv_active", static row => row.Counts.Active)
            .Is(Gauge("pgbouncer_pools_server_active_connections", "Server connections linked to a client")),
        Int4("sv_active_cancel", static row => row.Cancels.Active)
            .Is(Gauge("pgbouncer_pools_server_active_cancel_connections", "Server connections that carry a cancel request")),
        Int4("sv_being_canceled", static row => row.Counts.BeingCanceled)
            .Is(Gauge("pgbouncer_pools_server_being_canceled_connections",
                "Servers held back until cancel requests aimed at them are through")),
        Int4("sv_idle", static row => row.Counts.Idle)
            .Is(Gauge("pgbouncer_pools_server_idle_connections", "Server connections ready for a client")),
        Int4("sv_used", static row => row.Counts.Used)
            .Is(Gauge("pgbouncer_pools_server_used_connections", "Server connections idle for longer than server_check_delay")),
        Int4("sv_tested", static row => row.Counts.Tested)
            .Is(Gauge("pgbouncer_pools_server_testing_connections", "Server connections running the reset or the check query")),
        Int4("sv_login", static row => row.Counts.Login + row.Cancels.Connecting)
            .Is(Gauge("pgbouncer_pools_server_login_connections", "Server connections connecting or logging in")),
        Unlisted("longest_wait_us", static row => row.MaxWaitUs)
            .Is(GaugeOfUs("pgbouncer_pools_client_maxwait_seconds", "How long the client has waited that waits longest")),
        Int4("maxwait", static row => row.MaxWaitUs / UsPerSecond),
        Int4("maxwait_us", static row => row.MaxWaitUs % UsPerSecond),
        Unlisted("logins", static row => row.Pool.Stats.Sum(static stats => stats.Logins))
            .Is(Counter("fastpool_logins_total", "Clients that have logged in")),
        Text("pool_mode", static row => PoolModes.Words.WordOf(row.Pool.Limits.PoolMode)),
        Text("load_balance_hosts", static row => DatabaseListing.LoadBalanceHostsOf(row.Pool.Database.Entry)));

    public static IEnumerable<PoolRow> Rows(Sources sources)
    {
        var cancels = CancelCounts.OfPools(sources.Walk);
        var now = sources.Clock.NowUs;
        foreach (var pool in sources.Registry.Pools)
        {
            var start = pool.OldestWaitUs;
            yield return new PoolRow(pool, pool.Counts, cancels.GetValueOrDefault(pool), start == 0 ? 0
                : Math.Max(0, now - start));
        }
    }
}
