namespace FastPool.Core.Settings;

/// <summary>The two ways in which commas separate.</summary>
public static class CommaList
{
    /// <summary>Items trimmed, empty ones left out (listen_addr, track_extra_parameters).</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        var items = new List<string>();
        foreach (var item in text.Split(','))
        {
            var trimmed = ByteText.Trim(item);
            if (!trimmed.IsEmpty) items.Add(trimmed.ToString());
        }

        return items;
    }

    /// <summary>Items as they stand (host of a connect string): a blank belongs to the name, an empty item is kept.</summary>
    public static IReadOnlyList<string> SplitVerbatim(string text) => text.Length == 0 ? [] : text.Split(',');
}
