using FastPool.Core.Pools;
using FastPool.Core.Settings;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.PoolRow>;

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
        Int4("cl_active", static row => Math.Max(0, row.Counts.Clients - row.Counts.Waiting)),
        Int4("cl_waiting", static row => row.Counts.Waiting),
        Int4("cl_active_cancel_req", static row => row.Cancels.Active),
        Int4("cl_waiting_cancel_req", static row => row.Cancels.Waiting),
        Int4("sv_active", static row => row.Counts.Active),
        Int4("sv_active_cancel", static row => row.Cancels.Active),
        Int4("sv_being_canceled", static row => row.Counts.BeingCanceled),
        Int4("sv_idle", static row => row.Counts.Idle),
        Int4("sv_used", static row => row.Counts.Used),
        Int4("sv_tested", static row => row.Counts.Tested),
        Int4("sv_login", static row => row.Counts.Login + row.Cancels.Connecting),
        Int4("maxwait", static row => row.MaxWaitUs / UsPerSecond),
        Int4("maxwait_us", static row => row.MaxWaitUs % UsPerSecond),
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
