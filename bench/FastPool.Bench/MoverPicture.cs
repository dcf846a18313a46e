using System.Text;
using FastPool.Bench.Mover;

namespace FastPool.Bench;

/// <summary>The curves as SVG: rate over loops, and wait for the turn over the rate of 64 loops.</summary>
internal static class MoverPicture
{
    private const string Font = "font-family=\"sans-serif\" font-size=\"13\"";
    private const double Width = 420, Height = 320, Top = 60, LeftOfFirst = 60, LeftOfSecond = 570;

    private static readonly string[] _colours = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759"];

    public static string Draw(IReadOnlyList<MoverCurve> curves, IReadOnlyList<(double Offered, ModelResult Model)> rates)
    {
        var svg = new StringBuilder();
        Add(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1040 540\" {Font}>");
        Add(svg, $"<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>");
        DrawRates(svg, curves);
        DrawWaits(svg, rates);
        Add(svg, $"</svg>");
        return svg.ToString();
    }

    private static void DrawRates(StringBuilder svg, IReadOnlyList<MoverCurve> curves)
    {
        var x = new Axis(LeftOfFirst, Width, 1, 64, [1, 2, 4, 8, 16, 32, 64]);
        var y = new Axis(Top + Height, -Height, 0.05, 30, [0.1, 0.3, 1, 2, 3, 10, 30]);
        Frame(svg, "Million takes and returns a second, by loops", x, y);
        Add(svg, $"<path d=\"M{LeftOfFirst:F0} {y.At(2):F1}h{Width:F0}\" stroke=\"#888\" stroke-dasharray=\"2 3\"/>");
        for (var i = 0; i < curves.Count; i++)
        {
            var (curve, colour, line) = (curves[i], _colours[i], Top + Height + 50 + 20 * i);
            Line(svg, colour, "", curve.Points.Select(point => (x.At(point.Loops), y.At(point.Model.Rate / 1e6))));
            Line(svg, colour, "5 4", curve.Points.Select(point => (x.At(point.Loops), y.At(curve.Law.At(point.Loops) / 1e6))));
            foreach (var point in curve.Points)
            {
                if (point.Measured is not { } measured) continue;
                Add(svg, $"<circle cx=\"{x.At(point.Loops):F1}\" cy=\"{y.At(measured / 1e6):F1}\" r=\"5\" fill=\"{colour}\"/>");
            }
            Add(svg, $"<rect x=\"{LeftOfFirst:F0}\" y=\"{line - 11:F0}\" width=\"12\" height=\"12\" fill=\"{colour}\"/>");
            Add(svg, $"<text x=\"{LeftOfFirst + 20:F0}\" y=\"{line:F0}\">{curve.Short}</text>");
        }
        var (left, below) = (LeftOfFirst + 240, Top + Height + 50);
        Add(svg, $"<text x=\"{left:F0}\" y=\"{below:F0}\">line: model, broken: law, dot: measured</text>");
    }

    private static void DrawWaits(StringBuilder svg, IReadOnlyList<(double Offered, ModelResult Model)> rates)
    {
        var x = new Axis(LeftOfSecond, Width, 0.25, 8, [0.25, 0.5, 1, 2, 4, 8]);
        var y = new Axis(Top + Height, -Height, 10, 1_000_000, [10, 100, 1_000, 10_000, 100_000, 1_000_000]);
        Frame(svg, "Wait for the turn, ns, by million operations/s of 64 loops", x, y);
        Line(svg, _colours[0], "", rates.Select(rate => (x.At(rate.Offered / 1e6), y.At(rate.Model.TurnWaitNs))));
        Line(svg, _colours[1], "", rates.Select(rate => (x.At(rate.Offered / 1e6), y.At(rate.Model.TurnWaitP99Ns))));
        foreach (var (offered, model) in rates)
        {
            var (left, below, share) = (x.At(offered / 1e6), y.At(model.TurnWaitNs) + 18, 100 * model.TurnShare);
            Add(svg, $"<text x=\"{left:F1}\" y=\"{below:F1}\" font-size=\"11\" text-anchor=\"middle\">{share:F0} %</text>");
        }
        var line = Top + Height + 50;
        Add(svg, $"<rect x=\"{LeftOfSecond:F0}\" y=\"{line - 11:F0}\" width=\"12\" height=\"12\" fill=\"{_colours[0]}\"/>");
        Add(svg, $"<text x=\"{LeftOfSecond + 20:F0}\" y=\"{line:F0}\">mean, and how much of the time the turn is used</text>");
        Add(svg, $"<rect x=\"{LeftOfSecond:F0}\" y=\"{line + 9:F0}\" width=\"12\" height=\"12\" fill=\"{_colours[1]}\"/>");
        Add(svg, $"<text x=\"{LeftOfSecond + 20:F0}\" y=\"{line + 20:F0}\">one in a hundred waits longer</text>");
    }

    private static void Frame(StringBuilder svg, string title, Axis x, Axis y)
    {
        Add(svg, $"<text x=\"{x.Start:F0}\" y=\"30\" font-weight=\"bold\">{title}</text>");
        Add(svg, $"<path d=\"M{x.Start:F0} {Top:F0}v{Height:F0}h{Width:F0}\" fill=\"none\" stroke=\"#000\"/>");
        foreach (var mark in x.Marks)
        {
            Add(svg, $"<text x=\"{x.At(mark):F1}\" y=\"{Top + Height + 18:F0}\" text-anchor=\"middle\">{mark}</text>");
        }
        foreach (var mark in y.Marks)
        {
            Add(svg, $"<path d=\"M{x.Start:F0} {y.At(mark):F1}h{Width:F0}\" stroke=\"#ddd\"/>");
            Add(svg, $"<text x=\"{x.Start - 6:F0}\" y=\"{y.At(mark) + 4:F1}\" text-anchor=\"end\">{mark}</text>");
        }
    }

    private static void Line(StringBuilder svg, string colour, string dashes, IEnumerable<(double X, double Y)> points)
    {
        var path = string.Join(' ', points.Select(static point => FormattableString.Invariant($"{point.X:F1},{point.Y:F1}")));
        Add(svg, $"<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-dasharray=\"{dashes}\"/>");
    }

    private static void Add(StringBuilder svg, FormattableString text) => svg.AppendLine(FormattableString.Invariant(text));

    /// <summary>A logarithmic axis.</summary>
    private readonly record struct Axis(double Start, double Length, double Least, double Most, double[] Marks)
    {
        public double At(double value) =>
            Start + Length * Math.Log(Math.Clamp(value, Least, Most) / Least) / Math.Log(Most / Least);
    }
}
