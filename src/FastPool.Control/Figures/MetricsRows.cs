using FastPool.Control.Answers;
using FastPool.Control.Listings;
using FastPool.Control.Operations;
using FastPool.Control.Statistics;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Control.Figures;

/// <summary>Clients that are alike in all that the exporter tells of them.</summary>
internal readonly record struct ClientKind(Pool Pool, string User, string ApplicationName, string State);

/// <summary>All that the metrics tell, as it was at one moment. Gathered on the control thread; read on any.</summary>
internal sealed record MetricsRows(Sources Sources, bool IsReady, long NowUs)
{
    /// <summary>Names of applications are whatever clients make them: beyond so many kinds they are one.</summary>
    private const int ClientKindsMax = 1000;

    public required ProcessFigures Process { get; init; }
    public required List<NameValue> Lists { get; init; }
    public required List<DatabaseRow> Databases { get; init; }
    public required List<PoolRow> Pools { get; init; }
    public required List<DatabaseStats> Stats { get; init; }
    public required List<LoopRow> Loops { get; init; }
    public required List<HostReading> Hosts { get; init; }
    public required Dictionary<ClientKind, int> Clients { get; init; }
    public required List<HolderSum> Holders { get; init; }
    public required List<WaitingRow> Waiting { get; init; }
    public required List<SafetyRow> Safety { get; init; }
    public required List<EndingRow> Endings { get; init; }

    public static MetricsRows Gather(Sources sources, PoolerReadiness readiness) =>
        new(sources, readiness.IsReady, sources.Clock.NowUs)
        {
            Process = sources.Process.Figures(),
            Lists = [.. PairListings.ListsRows(sources)],
            Databases = [.. DatabaseListing.Rows(sources.Registry)],
            Pools = [.. PoolListing.Rows(sources)],
            Stats = [.. sources.Stats.OfDatabases(sources.Clock.NowUs)],
            Loops = LoopRow.All(sources.Walk),
            Hosts = [.. HostListing.Rows(sources)],
            Clients = ClientsOf(sources.Walk),
            Holders = HolderSum.Of(TransactionListing.Rows(sources)),
            Waiting = [.. WaitingListing.Rows(sources)],
            Safety = [.. SafetyListing.Rows(sources.Walk)],
            Endings = EndingsOf(sources.Walk),
        };

    private static Dictionary<ClientKind, int> ClientsOf(LoopWalk walk)
    {
        var kinds = new Dictionary<ClientKind, int>();
        walk.Clients((_, client) =>
        {
            if (client.Pool is not { } pool) return;
            var state = client.State == ClientState.Waiting ? "waiting" : client.Link is null ? "idle" : "active";
            var application = client.Parameters[TrackedParameters.ApplicationName] ?? "";
            var kind = new ClientKind(pool, client.UserName ?? "", application, state);
            if (kinds.Count >= ClientKindsMax && !kinds.ContainsKey(kind))
                kind = kind with { ApplicationName = SafetyTable.Others };
            kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
        });
        return kinds;
    }

    /// <summary>Of all loops, added up.</summary>
    private static List<EndingRow> EndingsOf(LoopWalk walk)
    {
        var all = new List<EndingRow>();
        walk.Each(view => all.AddRange(view.Endings.Rows));
        return [.. all.GroupBy(static row => row with { Count = 0 })
            .Select(static group => group.Key with { Count = group.Sum(static row => row.Count) })];
    }
}
