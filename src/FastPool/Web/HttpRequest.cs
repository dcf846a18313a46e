using System.Text;

namespace FastPool.Web;

/// <summary>A client's request, as far as it matters here. Source: RFC 9112.</summary>
/// <param name="Path">Without the query behind it.</param>
/// <param name="Accept">The value of the header of that name; empty: none.</param>
/// <param name="TakesChunks">An answer may say as it goes on how long it is.</param>
internal readonly record struct HttpRequest(string Method, string Path, string Accept, bool TakesChunks = true)
{
    /// <summary>A longer head is refused.</summary>
    internal const int HeadMax = 8 * 1024;

    /// <summary>Bytes of the head with the empty line that ends it; 0: there is more to come.</summary>
    internal static int HeadLength(ReadOnlySpan<byte> received)
    {
        var end = received.IndexOf("\r\n\r\n"u8);
        if (end >= 0) return end + 4;
        end = received.IndexOf("\n\n"u8); // By hand, over netcat.
        return end >= 0 ? end + 2 : 0;
    }

    /// <returns>Null when this is no request of HTTP/1.</returns>
    internal static HttpRequest? TryParse(ReadOnlySpan<byte> head)
    {
        if (head.ContainsAnyInRange((byte)0, (byte)8)) return null;
        var lines = Encoding.Latin1.GetString(head).Split('\n', StringSplitOptions.TrimEntries);
        var words = lines[0].Split(' ');
        if (words.Length != 3 || !words[2].StartsWith("HTTP/1.", StringComparison.Ordinal) || words[0].Length == 0
            || !words[1].StartsWith('/')) return null;
        var accept = "";
        foreach (var line in lines.AsSpan(1))
        {
            if (line.Length == 0) break;
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0) return null;
            if (line.AsSpan(0, colon).Equals("Accept", StringComparison.OrdinalIgnoreCase)) accept = line[(colon + 1)..].Trim();
        }
        var query = words[1].IndexOf('?', StringComparison.Ordinal);
        return new HttpRequest(words[0], query < 0 ? words[1] : words[1][..query], accept,
            TakesChunks: words[2] != "HTTP/1.0");
    }

    /// <summary>Whether OpenMetrics is asked for, and not less than plain text.</summary>
    internal bool PrefersOpenMetrics
    {
        get
        {
            double open = 0, text = 0;
            foreach (var item in Accept.Split(','))
            {
                var parts = item.Split(';', StringSplitOptions.TrimEntries);
                var weight = 1.0;
                foreach (var part in parts.AsSpan(1))
                {
                    if (part.StartsWith("q=", StringComparison.OrdinalIgnoreCase)
                        && double.TryParse(part.AsSpan(2), System.Globalization.CultureInfo.InvariantCulture, out var q)) weight =
                        q;
                }
                if (parts[0].Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase))
                    open = Math.Max(open, weight);
                else if (parts[0] is "text/plain" or "text/*" or "*/*") text = Math.Max(text, weight);
            }
            return open > 0 && open >= text;
        }
    }
}
