using FastPool.Control.Operations;
using FastPool.Core.Sessions;
using static FastPool.Control.Listings.Columns<FastPool.Core.Sessions.SafetyRow>;

namespace FastPool.Control.Listings;

/// <summary>SHOW SAFETY: who used what transaction pooling breaks. Pools in session mode are not in it.</summary>
internal static class SafetyListing
{
    public static Listing<SafetyRow> Listing { get; } = new(
        Text("database", static row => row.Database),
        Text("user", static row => row.User),
        Text("application_name", static row => row.ApplicationName),
        Text("usage", UsageOf),
        Numeric("count", static row => row.Count),
        Time("last_time", static row => row.LastWallUs));

    public static string UsageOf(SafetyRow row) =>
        row.Use == SafetyUse.Pinned ? $"pinned: {row.Reason}" : SafetyUses.WordOf(row.Use);

    /// <summary>The notes of all loops, added up.</summary>
    public static IEnumerable<SafetyRow> Rows(LoopWalk walk)
    {
        var all = new List<SafetyRow>();
        walk.Each(view => all.AddRange(view.Safety.Rows));
        return all.GroupBy(static row => row with { Count = 0, LastWallUs = 0 })
            .Select(static group =>
                group.Key with
                {
                    Count = group.Sum(static row => row.Count),
                    LastWallUs = group.Max(static row => row.LastWallUs)
                })
            .OrderBy(static row => row.Database, StringComparer.Ordinal)
            .ThenBy(static row => row.User, StringComparer.Ordinal)
            .ThenBy(static row => row.ApplicationName, StringComparer.Ordinal)
            .ThenBy(static row => row.Use)
            .ThenBy(static row => row.Reason, StringComparer.Ordinal);
    }
}
