using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace FastPool.Control.Figures;

/// <summary>
/// Writes metrics as Prometheus' text format 0.0.4 or as OpenMetrics 1.0. Family by family: its head, then its samples.
/// Outside text is one char a byte here, and leaves as the UTF-8 it was.
/// </summary>
internal sealed class MetricText(bool isOpenMetrics)
{
    private const string CounterEnd = "_total";

    private readonly StringBuilder _text = new();
    private readonly HashSet<string> _families = new(StringComparer.Ordinal);

    /// <summary>Begins a family. Each comes once, or readers refuse the whole.</summary>
    /// <param name="name">That of a counter ends with _total.</param>
    /// <param name="type">counter, gauge or histogram.</param>
    public void Family(string name, string type, string help)
    {
        if (!_families.Add(name)) throw new InvalidOperationException($"metric {name} is there already");
        var family = isOpenMetrics && type == "counter" ? name[..^CounterEnd.Length] : name;
        _text.Append("# HELP ").Append(family).Append(' ').Append(help).Append('\n');
        _text.Append("# TYPE ").Append(family).Append(' ').Append(type).Append('\n');
    }

    /// <param name="labels">As <see cref="Labels"/> makes them; empty: none.</param>
    public void Sample(string name, string labels, double value)
    {
        _text.Append(name);
        if (labels.Length > 0) _text.Append('{').Append(labels).Append('}');
        _text.Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
    }

    /// <summary>A family of one sample without labels.</summary>
    public void Single(string name, string type, string help, double value)
    {
        Family(name, type, help);
        Sample(name, "", value);
    }

    /// <summary>Names and values in turn.</summary>
    public static string Labels(params ReadOnlySpan<string?> namesAndValues)
    {
        var text = new StringBuilder();
        for (var i = 0; i < namesAndValues.Length; i += 2)
        {
            if (i > 0) text.Append(',');
            text.Append(namesAndValues[i]).Append("=\"").Append(Escaped(namesAndValues[i + 1] ?? "")).Append('"');
        }
        return text.ToString();
    }

    /// <summary>The value of an upper bound, in seconds.</summary>
    public static string Bound(double seconds)
    {
        var text = seconds.ToString("0.############", CultureInfo.InvariantCulture);
        return text.Contains('.', StringComparison.Ordinal) ? text : text + ".0";
    }

    public byte[] ToBytes()
    {
        if (isOpenMetrics) _text.Append("# EOF\n");
        return Encoding.Latin1.GetBytes(_text.ToString());
    }

    /// <summary>Names are whatever their owner's encoding was; what is no UTF-8 would make readers refuse everything.</summary>
    private static string Escaped(string value)
    {
        var bytes = Encoding.Latin1.GetBytes(value);
        if (!Utf8.IsValid(bytes)) value = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes)));
        return value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", @"\n", StringComparison.Ordinal);
    }
}
