namespace FastPool.Bench.Mover;

/// <summary>One run of the model: a pool, its loops with a core each, and what their clients do.</summary>
internal sealed record ModelCase
{
    public required int Loops { get; init; }

    public required int ClientsPerLoop { get; init; }

    public required int Servers { get; init; }

    /// <summary>Mean time for which a client has its server; 0: it gives it back at once.</summary>
    public double TransactionNs { get; init; }

    /// <summary>Other work of the loop for each transaction.</summary>
    public double WorkNs { get; init; }

    /// <summary>A loop without work sleeps, and engines learn of servers that move. False: it looks for letters.</summary>
    public bool IsRealLoop { get; init; }

    /// <summary>
    /// Not the pool as it is: while nobody waits, a loop takes its own idle servers and gives them back without the turn.
    /// </summary>
    public bool TakesOwnWithoutTurn { get; init; }

    public double WarmUpNs { get; init; } = 10e6;

    public double SpanNs { get; init; } = 20e6;

    public int Seed { get; init; } = 1;
}

/// <param name="Rate">Takes and returns a second.</param>
/// <param name="TurnShare">For so much of the time somebody had the turn.</param>
/// <param name="TurnWaitNs">From an operation's first try until it is run, by its own loop or by another: the mean.</param>
/// <param name="TurnWaitP99Ns">The same, of one in a hundred.</param>
/// <param name="LeftShare">Operations left with the loop that had the turn.</param>
/// <param name="LettersPerTake">Letters that servers were on.</param>
/// <param name="MovesPerTake">Servers that came to another loop.</param>
/// <param name="RequestWaitNs">From a client's wish until it has its server.</param>
/// <param name="OperationsPerTurnMax">The longest turn.</param>
internal sealed record ModelResult(double Rate, double TurnShare, double TurnWaitNs, double TurnWaitP99Ns, double LeftShare,
    double LettersPerTake, double MovesPerTake, double RequestWaitNs, int OperationsPerTurnMax);
