using System.Collections;
using FastPool.Simulation.Network;

namespace FastPool.Simulation.Worlds;

/// <summary>
/// Exceptions thrown at moments that the seed picks, by what the pooler calls: its log, its sockets, its resolver, the list of
/// hosts that its dialer goes through.
/// </summary>
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

/// <summary>Any unforeseen exception.</summary>
internal sealed class MineException() : InvalidOperationException("a mine went off");

/// <summary>The hosts of a database. A look for the next one may step on a mine.</summary>
internal sealed class MinedHosts(IReadOnlyList<string> hosts, Action step) : IReadOnlyList<string>
{
    public int Count
    {
        get
        {
            step();
            return hosts.Count;
        }
    }

    public string this[int index]
    {
        get
        {
            step();
            return hosts[index];
        }
    }

    public IEnumerator<string> GetEnumerator() => hosts.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
