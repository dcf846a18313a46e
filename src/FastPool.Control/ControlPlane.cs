using FastPool.Base;
using FastPool.Control.Commands;
using FastPool.Control.Listings;
using FastPool.Control.Statistics;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using Microsoft.Extensions.Logging;

namespace FastPool.Control;

/// <summary>
/// Everything of this assembly, put together: one console, one thread. <see cref="Console"/> is given to the loops; the
/// process calls <see cref="Start"/> when they run.
/// </summary>
public sealed class ControlPlane
{
    private readonly StatsReporter _reporter;

    public ControlPlane(PoolRegistry registry, TrackedParameters tracked, ILoops loops, IProcessControl process, ControlThread control, Clock clock, ILocalTime time, IDnsView dns, StatementTable statements, ProductView product, ILogger log)
    {
        var walk = new LoopWalk(loops);
        var evictions = new Evictions(registry, walk);
        var stats = new StatsWindows(registry, clock.NowUs);
        var latency = new LatencyWindows(registry, statements, clock.NowUs);
        _reporter = new StatsReporter(registry, stats, latency, process, clock, log);
        var sources = new Sources(registry, walk, stats, latency, clock, dns, product);
        Thread = control;
        Reloader = new Reloader(registry, evictions, process, clock, log);
        Pausing = new Pausing(registry, walk, evictions);
        Shutdown = new ShutdownWatch(registry, Pausing, Thread, log);
        Console = new AdminConsole(
            new ConsoleWelcome(tracked),
            new ShowCommand(sources, time),
            new SetCommand(registry, Reloader, log),
            waits => new DatabaseCommands(registry, Pausing, waits, log),
            waits => new ProcessCommands(registry, Pausing, walk, waits, process, clock, log),
            registry,
            Pausing,
            Thread,
            log);
    }

    public IConsole Console { get; }

    /// <summary>Signals get to the control plane by its <see cref="ControlThread.Post"/>.</summary>
    public ControlThread Thread { get; }

    public Reloader Reloader { get; }

    public Pausing Pausing { get; }

    public ShutdownWatch Shutdown { get; }

    /// <summary>The tick of the statistics. On the control thread, or before it runs.</summary>
    public void Start() => _reporter.Start(Thread);
}
