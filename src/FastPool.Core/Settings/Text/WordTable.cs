namespace FastPool.Core.Settings;

/// <summary>The words of an enumerated setting. Found in any case, printed as they stand here.</summary>
public sealed class WordTable<T>(params (string Word, T Value)[] rows) where T : struct, Enum
{
    /// <returns>False when the word is not in the table.</returns>
    public bool TryParse(ReadOnlySpan<char> text, out T value)
    {
        foreach (var (word, found) in rows)
        {
            if (!text.Equals(word, StringComparison.OrdinalIgnoreCase)) continue;
            value = found;
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>The canonical word, the first of those with this value.</summary>
    public string WordOf(T value)
    {
        foreach (var (word, found) in rows)
        {
            if (EqualityComparer<T>.Default.Equals(found, value)) return word;
        }

        return value.ToString();
    }
}
