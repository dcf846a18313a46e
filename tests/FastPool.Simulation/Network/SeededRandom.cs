using FastPool.Core.Sessions;

namespace FastPool.Simulation.Network;

/// <summary>Keys, salts and nonces of the pooler from the seed.</summary>
internal sealed class SeededRandom(Dice dice) : RandomSource
{
    public override void Fill(Span<byte> bytes)
    {
        foreach (ref var b in bytes) b = (byte)dice.Next();
    }
}
