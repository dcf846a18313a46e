using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using static FastPool.Control.Listings.Columns<FastPool.Control.Listings.WaitingRow>;

namespace FastPool.Control.Listings;

/// <summary>A client that waits, and the reason.</summary>
internal sealed record WaitingRow(string Database, string User, long Id, string ApplicationName, string Address, int Port,
    long WaitUs, string Cause);

/// <summary>SHOW WAITING: one row a client, by pool and length of the wait.</summary>
internal static class WaitingListing
{
    private const long UsPerSecond = 1_000_000;

    public static Listing<WaitingRow> Listing { get; } = new(
        Text("database", static row => row.Database),
        Text("user", static row => row.User),
        Int4("id", static row => row.Id),
        Text("ptr", static row => ConnectionName.Pointer(row.Id)),
        Text("application_name", static row => row.ApplicationName),
        Text("addr", static row => row.Address),
        Int4("port", static row => row.Port),
        Int4("wait", static row => row.WaitUs / UsPerSecond),
        Int4("wait_us", static row => row.WaitUs % UsPerSecond),
        Text("cause", static row => row.Cause));

    public static IEnumerable<WaitingRow> Rows(Sources sources)
    {
        var waiting = new List<Waiter>();
        sources.Walk.Clients((view, client) =>
        {
            if (client.State == ClientState.Waiting || client.Login?.Query is not null)
                waiting.Add(Waiter.Of(client, view.NowUs));
        });
        var byPool = waiting.GroupBy(static waiter => waiter.Pool)
            .OrderBy(static group => group.First().Row.Database, StringComparer.Ordinal)
            .ThenBy(static group => group.First().Row.User, StringComparer.Ordinal);
        foreach (var group in byPool)
        {
            var place = 0;
            foreach (var waiter in group.OrderByDescending(static waiter => waiter.Row.WaitUs))
                yield return waiter.Row with { Cause = CauseOf(group.Key, place++, sources.Clock.NowUs) };
        }
    }

    /// <summary>Why the pool does not serve its waiter in that place of the queue.</summary>
    /// <param name="pool">Null: the client waits for the answer of auth_query.</param>
    internal static string CauseOf(Pool? pool, int place, long nowUs)
    {
        if (pool is null) return "auth_query";
        if (pool.Database.IsHeld) return "paused";
        var counts = pool.Counts;
        if (place < counts.Login) return "connecting";
        if (pool.IsStarved)
        {
            var limits = pool.Limits;
            return limits.MaxDbConnections > 0
                && pool.Database.Servers.Count >= limits.MaxDbConnections ? "database limit" : "user limit";
        }
        if (pool.RetryAtUs > nowUs) return "login back-off";
        return pool.PinnedServers > 0 && pool.PinnedServers >= counts.Active ? "servers pinned" : "pool full";
    }

    /// <summary>The values that are read on the client's loop.</summary>
    private sealed record Waiter(Pool? Pool, WaitingRow Row)
    {
        public static Waiter Of(ClientSession client, long nowUs)
        {
            var row = new WaitingRow(
                client.Pool?.Database.Name ?? client.DatabaseName ?? "",
                client.UserName ?? "",
                client.Id,
                client.Parameters[TrackedParameters.ApplicationName] ?? "",
                client.Remote.ToString(),
                client.Remote.IsUnix ? client.UnixPort : client.Remote.Port,
                Math.Max(0, nowUs - (client.Pool is null ? client.RequestUs : client.WaitStartUs)),
                "");
            return new Waiter(client.Pool, row);
        }
    }
}
