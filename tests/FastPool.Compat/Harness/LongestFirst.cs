using Xunit.Abstractions;

namespace FastPool.Compat.Harness;

/// <summary>
/// Classes that take minutes are begun first, so that none of them runs alone at the end while the other threads have nothing
/// to do. The order of the others is xunit's.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long =
    [
        nameof(Streams.DifferentialTests), nameof(Drivers.DriverTests), nameof(Console.ChecklistTests), nameof(Dist.SystemdTests),
        nameof(Pooling.SessionStateTests), nameof(Auth.SaslPrepTests), nameof(Auth.ClientAttackTests), nameof(Tls.ClientTlsTests),
        nameof(Effects.ClusterTests), nameof(Dist.ReleaseTests), nameof(Pooling.ListenTests), nameof(Faults.DeadPeerTests),
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(static collection => PlaceOf(collection.DisplayName));

    private static int PlaceOf(string collection)
    {
        var place = Array.FindIndex(Long, name => collection.EndsWith("." + name, StringComparison.Ordinal));
        return place >= 0 ? place : Long.Length;
    }
}
