using System.Text;

namespace FastPool.Core.Settings;

/// <summary>Takes secrets out of the configuration's texts before people see them, in the log and on the console.</summary>
public static class SecretMask
{
    private const string Mask = "****";

    private static readonly string[] Words = ["password", "passwd", "secret"];

    /// <summary>A setting as the console shows it. Its text is sound: only the secret itself is taken out.</summary>
    public static string Shown(string key, string value)
    {
        if (IsSecret(key)) return Mask;
        var shown = new StringBuilder();
        var at = 0;
        for (var from = 0; EndOfWord(value, from) is var end and >= 0;)
        {
            from = end;
            if (StartOfValue(value, end) is not (>= 0 and var start)) continue;
            shown.Append(value, at, start - at).Append(Mask);
            from = at = EndOfValue(value, start);
        }

        return at == 0 ? value : shown.Append(value, at, value.Length - at).ToString();
    }

    /// <summary>The secret behind a word that stands for one.</summary>
    /// <returns>-1: none is there; the word is the name of a column (auth_query), or ends the text.</returns>
    private static int StartOfValue(string text, int end)
    {
        var at = end;
        while (at < text.Length && text[at] is ' ' or '\t' or '=') at++;
        if (text.AsSpan(at).StartsWith("to ", StringComparison.OrdinalIgnoreCase)) // As in SET.
        {
            at += "to ".Length;
            while (at < text.Length && text[at] is ' ' or '\t') at++;
            return at;
        }
        return text.IndexOf('=', end, at - end) >= 0 || (at < text.Length && text[at] is '\'' or '"') ? at : -1;
    }

    /// <summary>
    /// A text that could not be read, for the log. The end of its secret is unknown, so all is cut from the secret on; a text
    /// that looks like a URL is not shown at all.
    /// </summary>
    public static string Broken(string key, string value)
    {
        if (IsSecret(key) || value.Contains("://", StringComparison.Ordinal)) return Mask;
        var end = EndOfWord(value, 0);
        return end < 0 || end == value.Length ? value : string.Concat(value.AsSpan(0, end), "=", Mask);
    }

    private static bool IsSecret(string key) => EndOfWord(key, 0) >= 0;

    /// <summary>Behind the first word that stands for a secret; -1: there is none.</summary>
    private static int EndOfWord(string text, int from)
    {
        var first = -1;
        foreach (var word in Words)
        {
            var at = text.IndexOf(word, from, StringComparison.OrdinalIgnoreCase);
            if (at >= 0 && (first < 0 || at + word.Length < first)) first = at + word.Length;
        }

        return first;
    }

    /// <summary>Blanks and commas separate, but within quotes, which are doubled to stand for themselves.</summary>
    private static int EndOfValue(string text, int at)
    {
        var quote = '\0';
        for (; at < text.Length; at++)
        {
            var c = text[at];
            if (quote != '\0') quote = c == quote ? '\0' : quote;
            else if (c is '"' or '\'') quote = c;
            else if (c is ' ' or '\t' or ',') break;
        }

        return at;
    }
}
