namespace FastPool.Core.Settings;

/// <summary>Text between quotes, in which a doubled quote stands for one: the only quoting of all these files.</summary>
public static class QuotedText
{
    /// <param name="text">Begins with the opening quote.</param>
    /// <param name="quote">Which one.</param>
    /// <param name="value">The text between the quotes, unescaped.</param>
    /// <param name="length">Chars up to and with the closing quote.</param>
    /// <returns>False when it is not closed.</returns>
    public static bool TryRead(ReadOnlySpan<char> text, char quote, out string value, out int length)
    {
        value = "";
        length = 1;
        var isEscaped = false;
        while (true)
        {
            var next = text[length..].IndexOf(quote);
            if (next < 0) return false;
            length += next + 1;
            if (length == text.Length || text[length] != quote) break;
            length++;
            isEscaped = true;
        }

        value = text[1..(length - 1)].ToString();
        if (isEscaped) value = value.Replace(new string(quote, 2), quote.ToString(), StringComparison.Ordinal);
        return true;
    }
}
