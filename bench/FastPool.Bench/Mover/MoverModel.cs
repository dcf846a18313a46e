using FastPool.Base;
using FastPool.Core.Pools;

namespace FastPool.Bench.Mover;

/// <summary>
/// One pool on loops that have a core each, in simulated time. The pool's own mover decides. The turn, the stack
/// of operations that were left, the mailboxes and the lines of memory beneath them are modelled, at measured prices.
/// </summary>
internal sealed class MoverModel
{
    private readonly PriorityQueue<(ModelLoop Loop, int Waits), (double AtNs, long Order)> _due = new();
    private readonly ulong[] _seenBy; // For each loop, the cores that have its idle list as it is.
    private readonly int[] _idle;
    private int _lastHolder = -1;
    private long _order;

    private MoverModel(ModelCase what, MoverCosts costs)
    {
        (Case, Costs) = (what, costs);
        Random = new Random(what.Seed);
        Pool = BenchPool.Create(what.Loops, what.Servers);
        Mover = new PoolMover(Pool, what.Loops);
        (TurnLine, LeftLine) = (new CacheLine(costs), new CacheLine(costs));
        (_seenBy, _idle) = (new ulong[what.Loops], new int[what.Loops]);
        Loops = new ModelLoop[what.Loops];
        for (var i = 0; i < what.Loops; i++) Loops[i] = new ModelLoop(this, (byte)i);
    }

    internal ModelCase Case { get; }

    internal MoverCosts Costs { get; }

    internal Random Random { get; }

    /// <summary>No two operations take the same time: without that loops would march in step.</summary>
    internal double Uneven => 0.5 + Random.NextDouble();

    internal Pool Pool { get; }

    internal PoolMover Mover { get; }

    internal ModelLoop[] Loops { get; }

    internal double NowNs { get; private set; }

    internal ModelFigures Figures { get; private set; } = new();

    /// <summary>The pool's word: somebody has the turn.</summary>
    internal bool IsTurnTaken { get; set; }

    internal CacheLine TurnLine { get; }

    /// <summary>Operations left with the loop that has the turn, newest first.</summary>
    internal Stack<ModelOperation> Left { get; } = new();

    /// <summary>Those of them that the one that has the turn has taken, oldest first.</summary>
    internal Queue<ModelOperation> Running { get; } = new();

    internal CacheLine LeftLine { get; }

    /// <summary>Raised by each change of the stack: a compare-exchange that has read an older one fails.</summary>
    internal int LeftVersion { get; set; }

    public static ModelResult Run(ModelCase what, MoverCosts costs)
    {
        var model = new MoverModel(what, costs);
        foreach (var loop in model.Loops) model.Resume(loop, 0);
        model.RunUntil(what.WarmUpNs);
        model.Figures = new ModelFigures();
        model.RunUntil(what.WarmUpNs + what.SpanNs);
        model.CheckBooks();
        return model.Figures.Over(what.SpanNs);
    }

    private void RunUntil(double endNs)
    {
        while (_due.TryPeek(out var next, out var when) && when.AtNs < endNs)
        {
            _due.Dequeue();
            if (next.Waits != next.Loop.Waits) continue; // A letter has come in between.
            NowNs = when.AtNs;
            Resume(next.Loop, next.Loop.Step());
        }
    }

    /// <summary>The loop goes on then, and not when it wanted to before.</summary>
    internal void Resume(ModelLoop loop, double atNs)
    {
        loop.Waits++;
        if (!double.IsPositiveInfinity(atNs)) _due.Enqueue((loop, loop.Waits), (Math.Max(atNs, NowNs), _order++));
    }

    /// <summary>The loop has an idle server of its own, and nobody waits.</summary>
    internal bool MayTakeOwn(int loop) => Case.TakesOwnWithoutTurn && Mover.Counts.Waiting == 0 && _idle[loop] > 0;

    internal bool MayReturnOwn(ModelServer server, int loop) =>
        Case.TakesOwnWithoutTurn && Mover.Counts.Waiting == 0 && server.Loop == loop;

    /// <summary>Has the mover decide.</summary>
    /// <returns>The time that this takes the core.</returns>
    internal double Decide(ModelOperation operation, ModelLoop by)
    {
        var (client, server) = (operation.Client, operation.Server);
        if (operation is { Kind: PoolOperationKind.Acquire, IsLeft: false })
            server = operation.Taken = (ModelServer?)Mover.Acquire(client!, by, mayReturn: true);
        else Mover.Run(operation.Kind, client, server, null, by);
        switch (operation.Kind)
        {
            case PoolOperationKind.Acquire:
                server ??= by.GrantedTo(client!);
                if (server is not null) _idle[server.Loop]--;
                return Price(server is null, true, client, server, by.Loop);
            case PoolOperationKind.Return or PoolOperationKind.LoginDone:
                var isResting = server!.State == ServerState.Idle;
                if (isResting) _idle[server.Loop]++;
                return Price(!isResting, isResting, client, server, by.Loop);
            default:
                return client is null && server is null ? 0 : Distance(client, server, by.Loop) + PoolDistance(by.Loop);
        }
    }

    /// <summary>The price of a decision that needs no turn: all that it touches is the loop's own.</summary>
    internal double PriceOfOwn => Costs.Operation + 2 * Costs.Atomic;

    private double Price(bool isWaiting, bool looksThrough, PoolClient? client, ModelServer? server, int core)
    {
        var costs = Costs;
        var ns = (isWaiting ? costs.Waiting : costs.Operation) + PoolDistance(core) + Distance(client, server, core);
        if (looksThrough)
        {
            ns += costs.ScanWarm * (_seenBy.Length - 1);
            for (var i = 0; i < _seenBy.Length; i++)
            {
                if ((_seenBy[i] & (1UL << core)) != 0) continue;
                ns += costs.ScanCold;
                _seenBy[i] |= 1UL << core;
            }
            if (server is not null) _seenBy[server.Loop] = 1UL << core;
        }
        return ns;
    }

    private double PoolDistance(int core)
    {
        var ns = _lastHolder == core ? 0 : Costs.ColdPool;
        _lastHolder = core;
        return ns;
    }

    private double Distance(PoolClient? client, ModelServer? server, int core)
    {
        var isFar = (client is ModelClient one && one.LastCore != core) || (server is not null && server.LastCore != core);
        if (client is ModelClient other) other.LastCore = core;
        if (server is not null) server.LastCore = core;
        return isFar ? Costs.ColdObject : 0;
    }

    /// <summary>No server is with two clients or lost, and there are no more of them than there may be.</summary>
    private void CheckBooks()
    {
        var held = Loops.SelectMany(static loop => loop.Clients).Select(static client => client.Server).OfType<ModelServer>()
            .ToList();
        Check.That(held.Distinct().Count() == held.Count);
        Check.That(Mover.Counts.Servers <= Case.Servers);
        var onTheWay = Loops.Sum(static loop => loop.ServersOnTheWay) + Left.Count + Running.Count;
        Check.That(Mover.Counts.Active - held.Count <= onTheWay + 2 * Case.Loops); // A loop has two in hand at most.
    }
}
