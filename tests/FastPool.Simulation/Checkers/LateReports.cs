namespace FastPool.Simulation.Checkers;

/// <summary>
/// The reports of a client that has given values at its login: behind a RESET the pooler brings those back by a SET of its own,
/// whose report comes behind the reply to the RESET. So they are compared by themselves, each variable's in their order.
/// </summary>
internal sealed class LateReports(bool isOn)
{
    private readonly SortedDictionary<string, List<string>> _told = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, List<string>> _due = new(StringComparer.Ordinal);

    /// <summary>Takes a report off either stream.</summary>
    /// <returns>False: neither begins with one.</returns>
    internal bool TryTake(ReadOnlySpan<byte> actual, ReadOnlySpan<byte> expected, out int told, out int due)
    {
        told = Take(actual, _told);
        // It left in the middle of one.
        if (isOn && told == 0 && actual is [(byte)'S', ..] && Wire.Frame(actual, out _) == 0) told = actual.Length;
        due = told > 0 ? 0 : Take(expected, _due);
        return told + due > 0;
    }

    private int Take(ReadOnlySpan<byte> bytes, SortedDictionary<string, List<string>> reports)
    {
        var length = isOn ? Wire.Frame(bytes, out var type) : 0;
        if (length == 0 || bytes[0] != 'S') return 0;
        var texts = Wire.RawStrings(bytes[5..length]);
        if (!reports.TryGetValue(texts[0], out var values)) reports[texts[0]] = values = [];
        values.Add(texts[1]);
        return length;
    }

    /// <summary>But perhaps the last one of a variable: the client may have left before it.</summary>
    internal bool AreAllHere => _told.Keys.All(_due.ContainsKey)
        && _due.All(pair => IsBeginning(_told.GetValueOrDefault(pair.Key, []), pair.Value));

    private static bool IsBeginning(List<string> told, List<string> due) =>
        due.Count - told.Count is 0 or 1 && due.Take(told.Count).SequenceEqual(told);

    private static string InShort(SortedDictionary<string, List<string>> reports) =>
        string.Join("; ", reports.Select(static pair => $"{pair.Key}: {string.Join(", ", pair.Value)}"));

    public override string ToString() => $"it was told {InShort(_told)} in place of {InShort(_due)}";
}
