namespace FastPool.Bench.Mover;

/// <summary>
/// A line of memory that cores take from each other: one at a time has it to write, several have it to read, and each transfer
/// waits for the one before.
/// </summary>
internal sealed class CacheLine(MoverCosts costs)
{
    private ulong _holders; // A bit a core.
    private double _freeAtNs;

    /// <returns>The time at which the core has read it.</returns>
    public double Read(int core, double nowNs)
    {
        if (Has(core)) return nowNs;
        Transfer(nowNs);
        _holders |= Bit(core);
        return _freeAtNs;
    }

    /// <returns>The time at which the core's atomic instruction on it is done.</returns>
    public double Write(int core, double nowNs)
    {
        if (IsAlone(core)) return Math.Max(nowNs, _freeAtNs) + costs.Atomic;
        Transfer(nowNs);
        _freeAtNs += costs.Atomic; // It is locked for so long.
        _holders = Bit(core);
        return _freeAtNs;
    }

    private void Transfer(double nowNs) => _freeAtNs = Math.Max(nowNs, _freeAtNs) + costs.Transfer;

    private bool Has(int core) => (_holders & Bit(core)) != 0;

    private bool IsAlone(int core) => _holders == Bit(core);

    private static ulong Bit(int core) => 1UL << core;
}
