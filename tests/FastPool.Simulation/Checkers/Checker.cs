using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Checkers;

/// <summary>
/// One property of the pooler, looked after while a world runs. A breach is a <see cref="SimulationException"/>.
/// </summary>
internal abstract class Checker(World world)
{
    protected World World { get; } = world;

    internal static List<Checker> All(World world) =>
    [
        new EndChecker(world), new TranscriptChecker(world), new WelcomeChecker(world), new LimitChecker(world),
            new QueueChecker(world), new LinkChecker(world),
        new BooksChecker(world), new BufferChecker(world), new StatementChecker(world), new ContainmentChecker(world),
        new RoleChecker(world), new LeftoverChecker(world), new ResultChecker(world),
    ];

    internal virtual void BeforeTurn()
    {
    }

    internal virtual void AfterTurn()
    {
    }

    /// <summary>The world is quiet, or has been given time enough to be.</summary>
    internal virtual void AtEnd()
    {
    }

    protected static void Holds(bool condition, string text)
    {
        if (!condition) throw new SimulationException(text);
    }
}
