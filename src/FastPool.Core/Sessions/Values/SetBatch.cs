using System.Text;

namespace FastPool.Core.Sessions;

/// <summary>
/// The one simple Query that brings a server's variables to a client's values. Source: spec, session variables.
/// </summary>
internal static class SetBatch
{
    /// <returns>Null when nothing differs.</returns>
    internal static string? Build(TrackedParameters tracked, ParameterValues client, ParameterValues server)
    {
        StringBuilder? batch = null;
        for (var i = 0; i < tracked.Count; i++)
        {
            if (!client.Differs(server, i)) continue;
            batch ??= new StringBuilder(128);
            batch.Append("SET ").Append(tracked[i]).Append('=');
            AppendValue(batch, tracked[i], client[i]!);
            batch.Append(';');
        }
        return batch?.ToString();
    }

    /// <summary>search_path is reported as a list that is already quoted; everything else becomes one literal.</summary>
    private static void AppendValue(StringBuilder batch, string name, string value)
    {
        if (name.Equals("search_path", StringComparison.OrdinalIgnoreCase))
        {
            batch.Append(value == "\"\"" ? "''" : value);
            return;
        }
        var hasBackslash = value.Contains('\\');
        if (hasBackslash) batch.Append('E');
        batch.Append('\'');
        foreach (var c in value)
        {
            if (c == '\'' || c == '\\') batch.Append(c);
            batch.Append(c);
        }
        batch.Append('\'');
    }
}
