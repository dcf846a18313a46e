using FastPool.Base;

namespace FastPool.Simulation.Worlds;

/// <summary>Time that passes when the world says so.</summary>
internal sealed class SimulatedClock : Clock
{
    private const long WallOffsetUs = 1_700_000_000_000_000;

    private long _nowUs = 1_000_000;

    public override long NowUs => _nowUs;

    public override long WallUs => WallOffsetUs + _nowUs;

    internal void Advance(long us) => _nowUs += us;
}
