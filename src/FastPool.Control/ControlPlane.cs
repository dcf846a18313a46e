using FastPool.Base;
using FastPool.Control.Answers;
using FastPool.Control.Commands;
using FastPool.Control.Figures;
using FastPool.Control.Handover;
using FastPool.Control.Listings;
using FastPool.Control.Operations;
using FastPool.Control.Statistics;
using FastPool.Core.Auth;
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
    private readonly History _history;
    private readonly bool _keepsHistory;

    public ControlPlane(PoolRegistry registry, TrackedParameters tracked, ILoops loops, IProcessControl process,
        ControlThread control, Clock clock, ILocalTime time, IDnsView dns, StatementTable statements, ScramVerifiers verifiers,
        ProductView product, ILogger log)
    {
        var walk = new LoopWalk(loops);
        var evictions = new Evictions(registry, walk);
        var stats = new StatsWindows(registry, clock.NowUs);
        var latency = new LatencyWindows(registry, statements, clock.NowUs);
        _reporter = new StatsReporter(registry, stats, latency, process, clock, log);
        var sources =
            new Sources(registry, walk, stats, latency, clock, dns, product, process,
            new HandoverSecrets(registry, verifiers, tracked),
            statements);
        _keepsHistory = registry.Settings.Own.MetricsListen is not null;
        Thread = control;
        Readiness = new PoolerReadiness(registry);
        _history = new History(registry, clock, process.Figures);
        Figures = new FigureBook(sources, Readiness, _history);
        SettingsInForce = new SettingsInForce(registry, evictions, process, clock, log);
        Pausing = new Pausing(registry, walk, evictions);
        Shutdown = new ShutdownWatch(registry, Pausing, walk, clock, Thread, log);
        var show = new ShowCommand(sources, time);
        var retirement = new Retirement(registry, walk, process, control, log);
        Console = new AdminConsole(
            new ConsoleWelcome(tracked, registry),
            show,
            new SetCommand(registry, SettingsInForce, log),
            waits => new DatabaseCommands(registry, Pausing, waits, log),
            waits => new ProcessCommands(registry, Pausing, walk, waits, show, retirement, process, clock, log),
            registry,
            Pausing,
            Thread,
            log);
    }

    public IConsole Console { get; }

    /// <summary>For metrics and the page.</summary>
    public FigureBook Figures { get; }

    /// <summary>Whether new clients should be sent here; the process tells when it serves.</summary>
    public PoolerReadiness Readiness { get; }

    /// <summary>Signals get to the control plane by its <see cref="ControlThread.Post"/>.</summary>
    public ControlThread Thread { get; }

    public SettingsInForce SettingsInForce { get; }

    public Pausing Pausing { get; }

    public ShutdownWatch Shutdown { get; }

    /// <summary>Asks the control thread and waits. Any other thread but a loop's.</summary>
    /// <returns>Null when there was no answer in time.</returns>
    public T? Ask<T>(Func<T> question, TimeSpan timeout)
        where T : class
    {
        T? answer = null;
        var isDone = new ManualResetEventSlim(); // Left to the collector: a late answer may still set it.
        Thread.Post(() =>
        {
            try
            {
                Volatile.Write(ref answer, question()); // Pairs: the read below.
            }
            finally
            {
                isDone.Set();
            }
        });
        isDone.Wait(timeout);
        return Volatile.Read(ref answer); // Pairs: the write above.
    }

    /// <summary>The tick of the statistics. On the control thread, or before it runs.</summary>
    public void Start()
    {
        _reporter.Start(Thread);
        if (_keepsHistory) Thread.Every(History.StepUs, _history.Tick);
    }
}
