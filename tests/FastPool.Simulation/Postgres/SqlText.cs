using System.Text;

namespace FastPool.Simulation.Postgres;

/// <summary>As much of SQL's lexing as the fake servers need: statements by semicolon, literals with their escapes.</summary>
internal static class SqlText
{
    internal static List<string> Split(string text)
    {
        var statements = new List<string>();
        var current = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\'')
            {
                var end = EndOfLiteral(text, i);
                current.Append(text, i, end - i);
                i = end - 1;
            }
            else if (text[i] == ';')
            {
                Add(current, statements);
            }
            else
            {
                current.Append(text[i]);
            }
        }
        Add(current, statements);
        return statements;
    }

    private static void Add(StringBuilder current, List<string> statements)
    {
        var statement = current.ToString().Trim();
        if (statement.Length > 0) statements.Add(statement);
        current.Clear();
    }

    internal static int EndOfLiteral(string text, int quote)
    {
        var isEscaped = quote > 0 && text[quote - 1] == 'E';
        for (var i = quote + 1; i < text.Length; i++)
        {
            if (isEscaped && text[i] == '\\') i++;
            else if (text[i] == '\'' && i + 1 < text.Length && text[i + 1] == '\'') i++;
            else if (text[i] == '\'') return i + 1;
        }
        throw new SimulationException($"unterminated literal reached a server: {text}");
    }

    /// <summary>The value of <c>'…'</c>, <c>E'…'</c> or a bare word.</summary>
    internal static string Value(string literal)
    {
        if (literal.StartsWith("E'", StringComparison.Ordinal)) return literal[2..^1].Replace("''", "'").Replace("\\\\", "\\");
        return literal.StartsWith('\'') ? literal[1..^1].Replace("''", "'") : literal;
    }

    internal static string Literal(string value)
    {
        var quoted = value.Replace("'", "''");
        return value.Contains('\\') ? $"E'{quoted.Replace("\\", "\\\\")}'" : $"'{quoted}'";
    }

    /// <summary>The client of the first token <c>#client.serial</c>; -1: none.</summary>
    internal static int ClientIn(ReadOnlySpan<byte> bytes)
    {
        var at = bytes.IndexOf((byte)'#');
        if (at < 0) return -1;
        var client = 0;
        for (at++; at < bytes.Length && bytes[at] is >= (byte)'0' and <= (byte)'9'; at++) client = client * 10 + bytes[at] - '0';
        return client;
    }
}
