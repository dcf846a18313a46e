using System.Globalization;
using System.Text;

namespace FastPool.Core.Settings;

/// <summary>The parts of a URI, in which %xx stands for a byte. Source: RFC 3986, 2.1.</summary>
public static class PercentText
{
    /// <summary>With the byte in place of each %xx; null: an escape is wrong, or is a NUL.</summary>
    public static string? Decoded(ReadOnlySpan<char> text)
    {
        var decoded = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '%')
            {
                if (i + 2 >= text.Length || !byte.TryParse(text.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier,
                    CultureInfo.InvariantCulture, out var code) || code == 0) return null;
                c = (char)code;
                i += 2;
            }
            decoded.Append(c);
        }
        return decoded.ToString();
    }
}
