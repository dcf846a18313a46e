using System.Globalization;
using FastPool.Control.Answers;
using FastPool.Control.Operations;
using FastPool.Core.Pools;

namespace FastPool.Control.Listings;

using Words = Columns<KeyValuePair<string, string>>;

/// <summary>SHOW FASTPOOL: what it is, and its own settings, which SHOW CONFIG does not have.</summary>
internal static class ProductListing
{
    public static Listing<KeyValuePair<string,
        string>> Listing
    { get; } = new(Words.Text("key", static row => row.Key), Words.Text("value", static row => row.Value));

    public static IEnumerable<KeyValuePair<string, string>> Rows(PoolRegistry registry, ProductView product, LoopWalk walk) =>
    [
        new("version", product.Version),
        new("engine", product.Engine),
        new("running_loops", registry.LoopCount.ToString(CultureInfo.InvariantCulture)),
        new("broken_invariants", LoopRow.All(walk).Sum(static row => row.BrokenInvariants)
            .ToString(CultureInfo.InvariantCulture)),
        new("unnamed_healed", LoopRow.All(walk).Sum(static row => row.UnnamedHealed).ToString(CultureInfo.InvariantCulture)),
        .. registry.Settings.Own.Values,
        new("commands",
            "SHOW LATENCY, SHOW LATENCY USERS, SHOW LATENCY STATEMENTS, SHOW TRANSACTIONS, SHOW WAITING, SHOW LOOPS, SHOW SAFETY, SHOW FASTPOOL"),
    ];
}
