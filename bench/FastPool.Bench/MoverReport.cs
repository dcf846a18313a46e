using System.Globalization;
using FastPool.Bench.Mover;

namespace FastPool.Bench;

/// <summary>
/// The mover at high rates: prices measured here, the model at these prices on 1 to 64 loops, the law of both, and the rate at
/// which the turn is full.
/// </summary>
internal static class MoverReport
{
    private const int Runs = 5;
    private const double Million = 1e6;
    private const double Far = 3; // Cores of two sockets, beside two of one cache.

    private static readonly double[] _rates = [0.25e6, 0.5e6, 1e6, 2e6, 3e6, 4e6, 6e6, 8e6];

    /// <param name="output">Gets the tables as Markdown.</param>
    /// <param name="progress">Is told what is being done.</param>
    /// <param name="folder">Gets mover.md and mover.svg; null: nothing is written.</param>
    public static int Run(TextWriter output, TextWriter progress, string? folder)
    {
        progress.WriteLine("measuring the prices");
        var meter = new MoverMeter();
        var costs = meter.Measure();
        var text = new StringWriter(CultureInfo.InvariantCulture);
        WriteCosts(text, costs, meter);
        MoverCurve[] curves =
        [
            Bare("bare loops, a server for each client: nobody waits", "bare loops, nobody waits", 2, costs, progress),
            Bare("bare loops, a server for four clients: most wait", "bare loops, most wait", 0.5, costs, progress),
            Working("12 µs of work a transaction: nobody waits", "12 µs of work, nobody waits", false, costs, progress),
            Working("12 µs of work a transaction: most wait", "12 µs of work, most wait", true, costs, progress),
        ];
        foreach (var curve in curves) WriteCurve(text, curve);
        progress.WriteLine("64 loops at given rates");
        var rates = _rates.Select(rate => (rate, MoverModel.Run(MoverLoad.AtRate(64, rate), costs))).ToList();
        WriteRates(text, rates);
        progress.WriteLine("what would change it");
        WriteVariants(text, costs);
        output.Write(text);
        if (folder is null) return 0;
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "mover.md"), text.ToString());
        File.WriteAllText(Path.Combine(folder, "mover.svg"), MoverPicture.Draw(curves, rates));
        progress.WriteLine($"written: {folder}/mover.svg, {folder}/mover.md");
        return 0;
    }

    private static MoverCurve Bare(string name, string shortName, double serversPerLoop, MoverCosts costs, TextWriter progress)
    {
        progress.WriteLine(name);
        return new MoverCurve(name, shortName, PoolCurve.LoopCounts.Select(loops =>
        {
            var what = MoverLoad.Bare(loops, serversPerLoop);
            return new MoverPoint(loops, MoverModel.Run(what, costs), loops <= Math.Min(2, Environment.ProcessorCount)
                ? Measured(loops, what.Servers) : null);
        }).ToList());
    }

    /// <summary>The median of some runs with threads.</summary>
    private static double Measured(int loops, int servers) =>
        Enumerable.Range(0, Runs).Select(_ => PoolCurve.Measure(loops, servers, 0.6).Rate).Order().ElementAt(Runs / 2);

    private static MoverCurve Working(string name, string shortName, bool isScarce, MoverCosts costs, TextWriter progress)
    {
        progress.WriteLine(name);
        return new MoverCurve(name, shortName, PoolCurve.LoopCounts.Select(loops =>
            new MoverPoint(loops, MoverModel.Run(MoverLoad.Working(loops, isScarce), costs), null)).ToList());
    }

    private static void WriteCosts(TextWriter text, MoverCosts costs, MoverMeter meter)
    {
        (string Name, double Ns)[] rows =
        [
            ("take or return on the loop's own server, nothing else runs", costs.Operation + 2 * costs.Atomic),
            ("the same for a client that waits and is served by the mover", costs.Waiting + 2 * costs.Atomic),
            ("atomic instruction, its line at hand", costs.Atomic),
            ("two cores raise one word as fast as they can: time for each raise of either", meter.Bouncing),
            ("a line comes from another core", costs.Transfer),
            ("operation: more behind one of another loop, beside the line of the turn", costs.ColdPool),
            ("operation: more if its client and server come from another core", costs.ColdObject),
            ("operation: more for each further loop of the pool", costs.ScanWarm),
            ("operation: more for each loop whose idle servers have changed since", costs.ScanCold),
            ("letter to a loop that is awake, until it is read", costs.Letter),
            ("letter to a loop that sleeps (eventfd, epoll_wait)", meter.LetterToSleeper),
            ("of that the sender's write to the eventfd", costs.Signal),
            ("a server moves: epoll_ctl at its old loop", costs.Detach),
            ("a server moves: epoll_ctl at its new loop", costs.Attach),
        ];
        text.WriteLine("| price | ns |");
        text.WriteLine("|---|---:|");
        foreach (var (name, ns) in rows) text.WriteLine(FormattableString.Invariant($"| {name} | {ns:F1} |"));
    }

    private static void WriteCurve(TextWriter text, MoverCurve curve)
    {
        text.WriteLine();
        text.WriteLine($"| loops ({curve.Name}) | measured, million/s | model | law | turn in use | left with the holder "
            + "| wait for the turn, ns | p99, ns | from wish to server, ns | moves per 1,000 takes |");
        text.WriteLine("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var (loops, model, measured) in curve.Points)
        {
            var seen = measured is { } rate ? (rate / Million).ToString("F2", CultureInfo.InvariantCulture) : "-";
            text.WriteLine(FormattableString.Invariant(
                $"| {loops} | {seen} | {model.Rate / Million:F2} | {curve.Law.At(loops) / Million:F2} | {model.TurnShare:P0} ")
                + FormattableString.Invariant($"| {model.LeftShare:P0} | {model.TurnWaitNs:F0} | {model.TurnWaitP99Ns:F0} ")
                + FormattableString.Invariant($"| {model.RequestWaitNs:F0} | {1000 * model.MovesPerTake:F1} |"));
        }
        text.WriteLine();
        text.WriteLine(FormattableString.Invariant($"X(1) {curve.Law.PerLoop / Million:F2} million/s, ")
            + FormattableString.Invariant($"contention {curve.Law.Contention:F4}, coherence {curve.Law.Coherence:F6}, ")
            + FormattableString.Invariant($"peak at {Math.Min(curve.Law.BestLoops, 999):F0} loops"));
    }

    private static void WriteRates(TextWriter text, IReadOnlyList<(double Offered, ModelResult Model)> rates)
    {
        text.WriteLine();
        text.WriteLine("| 64 loops, million operations/s offered | done | turn in use | left with the holder "
            + "| wait for the turn, ns | p99, ns | operations in the longest turn |");
        text.WriteLine("|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var (offered, model) in rates)
        {
            text.WriteLine(FormattableString.Invariant(
                $"| {offered / Million:F2} | {model.Rate / Million:F2} | {model.TurnShare:P0} | {model.LeftShare:P0} ")
                + FormattableString.Invariant($"| {model.TurnWaitNs:F0} | {model.TurnWaitP99Ns:F0} ")
                + FormattableString.Invariant($"| {model.OperationsPerTurnMax} |"));
        }
    }

    /// <summary>The same rates with other prices, and with pools that are not as they are.</summary>
    private static void WriteVariants(TextWriter text, MoverCosts costs)
    {
        var unseen = costs with { ScanWarm = 0, ScanCold = 0 };
        (string Name, MoverCosts Costs, bool TakesOwn)[] variants =
        [
            ("as it is", costs, false),
            ("without the look at all idle lists", unseen, false),
            ("own idle servers without the turn", costs, true),
            ("as it is, lines three times as far", costs.Apart(Far), false),
            ("lines three times as far, without that look", unseen.Apart(Far), false),
            ("lines three times as far, own servers without the turn", costs.Apart(Far), true),
        ];
        text.WriteLine();
        text.WriteLine("| nobody waits | loops | most that bare loops do, million/s | at 2 million/s offered: done | turn in use "
            + "| wait for the turn, ns | p99, ns |");
        text.WriteLine("|---|---:|---:|---:|---:|---:|---:|");
        foreach (var (name, prices, takesOwn) in variants)
        {
            foreach (var loops in (int[])[16, 32, 64])
            {
                var bare = MoverLoad.Bare(loops, 2) with { TakesOwnWithoutTurn = takesOwn, SpanNs = 10e6 };
                var most = MoverModel.Run(bare, prices);
                var at = MoverModel.Run(MoverLoad.AtRate(loops, 2e6) with { TakesOwnWithoutTurn = takesOwn }, prices);
                text.WriteLine(FormattableString.Invariant(
                    $"| {name} | {loops} | {most.Rate / Million:F2} | {at.Rate / Million:F2} | {at.TurnShare:P0} ")
                    + FormattableString.Invariant($"| {at.TurnWaitNs:F0} | {at.TurnWaitP99Ns:F0} |"));
            }
        }
    }
}
