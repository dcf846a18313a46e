namespace FastPool.Simulation.Postgres;

/// <summary>A call of set_config, plain to see or hidden in a function: <c>hidden('name','value',false)</c>.</summary>
/// <param name="Value">A literal; null: NULL, which resets.</param>
/// <param name="IsOwn">It is the pooler's.</param>
internal sealed record SetConfigCall(string Name, string? Value, bool IsLocal, bool IsOwn)
{
    private static readonly string[] Functions =
        ["SELECT pg_catalog.set_config(", "select set_config(", "select hidden(", "call hidden(", "do hidden("];

    /// <returns>Null: it is none.</returns>
    internal static SetConfigCall? TryRead(string statement)
    {
        if (Array.Find(Functions, function => statement.StartsWith(function, StringComparison.Ordinal)) is not { } function)
            return null;
        var rest = statement[function.Length..];
        var name = Take(ref rest);
        var value = Take(ref rest);
        return new SetConfigCall(SqlText.Value(name), value == "NULL" ? null : value,
            rest.StartsWith("true", StringComparison.Ordinal), function[0] == 'S');
    }

    /// <summary>An argument: a literal or a word, and the comma behind it.</summary>
    private static string Take(ref string rest)
    {
        var quote = rest.StartsWith("E'", StringComparison.Ordinal) ? 1 : 0;
        var end = rest[quote] == '\'' ? SqlText.EndOfLiteral(rest, quote) : rest.IndexOf(',');
        var argument = rest[..end];
        rest = rest[(end + 1)..];
        return argument;
    }
}
