using System.Diagnostics;
using FastPool.Simulation.Hostile;
using FastPool.Simulation.Worlds;
using Xunit.Abstractions;

namespace FastPool.Simulation.Tests;

/// <summary>
/// Worlds with hostile clients and servers, one after another for FASTPOOL_FUZZ_SECONDS (10), from a random seed, which a
/// failure names.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void Wrong_messages_of_both_sides_hurt_nobody_else()
    {
        var seconds = int.TryParse(Environment.GetEnvironmentVariable("FASTPOOL_FUZZ_SECONDS"), out var number) ? number : 10;
        var (before, worlds) = (Mutator.MutatedCount, 0);
        var watch = Stopwatch.StartNew();
        for (var seed = (ulong)Stopwatch.GetTimestamp(); watch.Elapsed.TotalSeconds < seconds; seed++)
        {
            var world = new World(seed);
            if (world.Plan.HostileCount == 0) continue;
            worlds++;
            try
            {
                world.Run();
            }
            catch (Exception e)
            {
                Assert.Fail($"FASTPOOL_SEED={seed} ({world.Plan}), round {world.Round}:\n{e}");
            }
        }
        output.WriteLine($"{Mutator.MutatedCount - before} wrong messages in {worlds} worlds, {watch.Elapsed.TotalSeconds:0} s");
        Assert.NotEqual(0, worlds);
    }
}
