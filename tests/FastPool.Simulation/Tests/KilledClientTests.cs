using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>
/// A client dies in the middle of each send to it, one world after another: nobody else sees a byte of it, and the books end at
/// zero.
/// </summary>
public sealed class KilledClientTests
{
    private const int SendsMost = 120;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_client_that_dies_at_any_send_takes_nobody_along(int place)
    {
        var seed = Suitable().ElementAt(place);
        var whole = new World(seed);
        whole.Run();
        Assert.InRange(whole.Sends.Count, 1, int.MaxValue);
        for (var killAt = 1; killAt <= Math.Min(whole.Sends.Count, SendsMost); killAt++)
        {
            var world = new World(seed, killAt: killAt);
            try
            {
                world.Run();
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed} ({world.Plan}), killed at send {killAt}:\n{e}");
            }
        }
    }

    /// <summary>Worlds in which not everybody must get everything, and nothing else goes off.</summary>
    private static IEnumerable<ulong> Suitable()
    {
        for (var seed = 1UL; ; seed++)
        {
            if (new World(seed).Plan is { HasFaults: true, HasTls: false, MineChance: 0, HostileCount: 0 }) yield return seed;
        }
    }
}
