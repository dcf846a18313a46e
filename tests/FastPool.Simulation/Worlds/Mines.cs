using FastPool.Simulation.Network;

namespace FastPool.Simulation.Worlds;

/// <summary>Exceptions thrown at moments that the seed picks, by what the pooler calls: its log, its sockets, its random numbers.</summary>
internal sealed class Mines(Dice dice)
{
    private int _chance;

    /// <summary>One call in so many throws; 0: none.</summary>
    internal void Lay(int chance) => _chance = chance;

    internal int Thrown { get; private set; }

    /// <summary>A place where something may be thrown.</summary>
    internal void Step()
    {
        if (_chance == 0 || !dice.OneIn(_chance)) return;
        Thrown++;
        throw new MineException();
    }
}

/// <summary>Any exception that nobody has thought of.</summary>
internal sealed class MineException() : InvalidOperationException("a mine went off");
