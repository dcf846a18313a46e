namespace FastPool.Bench.Mover;

/// <summary>The prices of what loops do with a pool, in nanoseconds. <see cref="MoverMeter"/> measures them.</summary>
internal sealed record MoverCosts
{
    /// <summary>A take or a return in a pool of one loop, without its two atomic instructions on the turn.</summary>
    public required double Operation { get; init; }

    /// <summary>The same for a client that is put into the queue, or served from it.</summary>
    public required double Waiting { get; init; }

    /// <summary>More for each further loop of the pool: all idle lists are looked through.</summary>
    public required double ScanWarm { get; init; }

    /// <summary>More for each loop whose idle list another core has changed since this one looked.</summary>
    public required double ScanCold { get; init; }

    /// <summary>More when another core had the turn before: the pool's own lines come from there. Not that of the turn.</summary>
    public required double ColdPool { get; init; }

    /// <summary>More when another core has touched the client and the server last.</summary>
    public required double ColdObject { get; init; }

    /// <summary>An atomic instruction on a line that is at hand.</summary>
    public required double Atomic { get; init; }

    /// <summary>A line comes from another core.</summary>
    public required double Transfer { get; init; }

    /// <summary>A turn of a loop beside what it does in it.</summary>
    public required double LoopTurn { get; init; }

    /// <summary>A letter from a loop to one that does not sleep, until it is read.</summary>
    public required double Letter { get; init; }

    /// <summary>The sender of a letter wakes a loop that sleeps.</summary>
    public required double Signal { get; init; }

    /// <summary>From then until that loop runs.</summary>
    public required double WakeUp { get; init; }

    /// <summary>A server leaves its loop: the engine forgets it.</summary>
    public required double Detach { get; init; }

    /// <summary>It comes to another: that engine learns of it.</summary>
    public required double Attach { get; init; }

    /// <summary>A letter beyond the lines that the model counts: that of the mailbox, twice, and the letter's own.</summary>
    public double LetterRest => Math.Max(0, Letter - 3 * Transfer - 2 * Atomic);

    /// <summary>Cores that are further apart: each line takes so many times as long.</summary>
    public MoverCosts Apart(double times) => this with
    {
        Transfer = times * Transfer,
        ScanCold = times * ScanCold,
        ColdPool = times * ColdPool,
        ColdObject = times * ColdObject,
        Letter = times * Letter,
    };
}
