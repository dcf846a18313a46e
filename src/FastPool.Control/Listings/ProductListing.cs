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

    public static IEnumerable<KeyValuePair<string, string>> Rows(PoolRegistry registry, ProductView product, LoopWalk walk)
    {
        var loops = LoopRow.All(walk);
        return
        [
            new("version", product.Version),
            new("engine", product.Engine),
            new("running_loops", Text(registry.LoopCount)),
            new("broken_invariants", Text(loops.Sum(static row => row.BrokenInvariants))),
            new("clients_moved", Text(loops.Sum(static row => row.ClientsIn))),
            new("unnamed_healed", Text(loops.Sum(static row => row.UnnamedHealed))),
            new("state_questions", Text(loops.Sum(static row => row.StateQuestions))),
            new("state_batches", Text(loops.Sum(static row => row.StateBatches))),
            new("abandoned_kept", Text(loops.Sum(static row => row.AbandonedKept))),
            new("pinned_servers", Text(registry.Pools.Sum(static pool => (long)pool.PinnedServers))),
            new("listeners", Text(loops.Sum(static row => (long)row.Listeners))),
            new("notifications", Text(loops.Sum(static row => row.Notifications))),
            new("results_held", Text(loops.Sum(static row => row.ResultsHeld))),
            new("results_refused", Text(loops.Sum(static row => row.ResultsRefused))),
            new("held_result_bytes", Text(loops.Sum(static row => row.HeldResultBytes))),
            new("tls_own_connections", Text(loops.Sum(static row => row.Tls.Own))),
            new("tls_library_connections", Text(loops.Sum(static row => row.Tls.Library))),
            .. registry.Settings.Own.Values,
            new("commands",
                "SHOW LATENCY, SHOW LATENCY USERS, SHOW LATENCY STATEMENTS, SHOW TRANSACTIONS, SHOW WAITING, SHOW HOSTS, SHOW LOOPS, SHOW SAFETY, SHOW LISTENERS, SHOW FASTPOOL"),
        ];
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
