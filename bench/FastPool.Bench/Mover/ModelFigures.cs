namespace FastPool.Bench.Mover;

/// <summary>The sums of a run, from the end of its warm-up.</summary>
internal sealed class ModelFigures
{
    private readonly List<float> _turnWaits = [];

    public long Taken { get; set; }

    public long Returned { get; set; }

    public long Letters { get; set; }

    public long Moves { get; set; }

    public long Left { get; set; }

    public double TurnHeldNs { get; set; }

    public double RequestWaitNs { get; set; }

    public int OperationsPerTurnMax { get; set; }

    public void AddTurnWait(double ns) => _turnWaits.Add((float)ns);

    public ModelResult Over(double spanNs)
    {
        _turnWaits.Sort();
        var takes = Math.Max(1, Taken);
        return new ModelResult((Taken + Returned) / spanNs * 1e9, TurnHeldNs / spanNs,
            _turnWaits.Count == 0 ? 0 : _turnWaits.Average(), _turnWaits.Count == 0 ? 0 : _turnWaits[_turnWaits.Count * 99 / 100],
            (double)Left / Math.Max(1, _turnWaits.Count), (double)Letters / takes, (double)Moves / takes, RequestWaitNs / takes,
            OperationsPerTurnMax);
    }
}
