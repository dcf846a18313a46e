using FastPool.Simulation.Postgres;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>The checkers can fail: servers that do not do, or do not tell, what the pooler counts on are found out.</summary>
public sealed class PlantedLeakTests
{
    private const int SeedsMost = 300;

    [Theory]
    [InlineData(nameof(Leak.Undo))]
    [InlineData(nameof(Leak.Set))]
    [InlineData(nameof(Leak.Discard))]
    [InlineData(nameof(Leak.Settings))]
    [InlineData(nameof(Leak.Prepared))]
    [InlineData(nameof(Leak.Pins))]
    [InlineData(nameof(Leak.Unreported))]
    [InlineData(nameof(Leak.Report))]
    public void A_leak_is_found(string leak)
    {
        var found = Enumerable.Range(1, SeedsMost).Select(seed => FaultOf((ulong)seed, Enum.Parse<Leak>(leak)))
            .FirstOrDefault(static fault => fault is not null);
        Assert.NotNull(found);
    }

    /// <summary>Faults that a session in the wrong hands shows, not a world that stands still.</summary>
    private static string? FaultOf(ulong seed, Leak leak)
    {
        var world = new World(seed, isStateful: true);
        if (world.Plan.HasFaults) return null;
        world.Cluster.Leak = leak;
        try
        {
            world.Run();
            return null;
        }
        catch (SimulationException e)
        {
            return e.Message.Contains("come to rest", StringComparison.Ordinal) ? null : e.Message;
        }
    }
}
