using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>The pooler breaks no invariant of its own; where the world throws at it, it breaks those and no others.</summary>
internal sealed class ContainmentChecker(World world) : Checker(world)
{
    internal override void AfterTurn() =>
        Holds(World.Plan.MineChance > 0 || World.Log.BrokenInvariants.Count == 0, string.Join('\n', World.Log.BrokenInvariants));

    internal override void AtEnd()
    {
        foreach (var line in World.Log.BrokenInvariants)
            Holds(line.Contains(nameof(MineException), StringComparison.Ordinal), line);
        var counted = Enumerable.Range(0, World.Group.Count).Sum(loop => World.Group.All[loop].Figures.BrokenInvariants);
        Holds(counted == World.Log.BrokenInvariants.Count,
            $"{counted} broken invariants are counted, {World.Log.BrokenInvariants.Count} are in the log");
    }
}
