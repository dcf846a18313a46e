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

    /// <summary>Of the buffer, which grows for a name that is longer.</summary>
    private const int FirstBytes = 32 * 1024;

    private readonly HashSet<string> _families = new(StringComparer.Ordinal);
    private byte[] _bytes = new byte[FirstBytes];
    private int _count;

    /// <summary>The text written since <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _count);

    public bool IsLong => _count > FirstBytes / 2;

    /// <summary>It has been handed on.</summary>
    public void Clear() => _count = 0;

    /// <summary>Begins a family. Each comes once, or readers refuse the whole.</summary>
    /// <param name="name">That of a counter ends with _total.</param>
    /// <param name="type">counter, gauge or histogram.</param>
    public void Family(string name, string type, string help)
    {
        if (!_families.Add(name)) throw new InvalidOperationException($"metric {name} is there already");
        var family = isOpenMetrics && type == "counter" ? name.AsSpan(0, name.Length - CounterEnd.Length) : name;
        Append("# HELP ");
        Append(family);
        Append(" ");
        Append(help);
        Append("\n# TYPE ");
        Append(family);
        Append(" ");
        Append(type);
        Append("\n");
    }

    /// <param name="end">Of the name: _bucket, _sum; mostly empty.</param>
    /// <param name="labels">As <see cref="Labels"/> makes them; empty: none.</param>
    /// <param name="bound">Of a bucket, behind the labels; empty: it is none.</param>
    public void Sample(string name, string labels, double value, string end = "", string bound = "")
    {
        Append(name);
        Append(end);
        if (labels.Length > 0 || bound.Length > 0)
        {
            Append("{");
            Append(labels);
            if (bound.Length > 0)
            {
                Append(labels.Length > 0 ? ",le=\"" : "le=\"");
                Append(bound);
                Append("\"");
            }
            Append("}");
        }
        Append(" ");
        Append(value);
        Append("\n");
    }

    private void Append(ReadOnlySpan<char> text)
    {
        MakeRoom(text.Length);
        _count += Encoding.Latin1.GetBytes(text, _bytes.AsSpan(_count));
    }

    private void Append(double value)
    {
        const int DigitsMax = 32;
        MakeRoom(DigitsMax);
        value.TryFormat(_bytes.AsSpan(_count), out var length, "R", CultureInfo.InvariantCulture);
        _count += length;
    }

    private void MakeRoom(int count)
    {
        if (_bytes.Length - _count < count) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _count + count));
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

    /// <summary>The last line, if the form has one.</summary>
    public void End()
    {
        if (isOpenMetrics) Append("# EOF\n");
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
