namespace FastPool.Control.Commands;

internal enum StatementKind
{
    /// <summary>No form of the grammar.</summary>
    Invalid,
    /// <summary>A form of the grammar with a token that is too long.</summary>
    TooLong,
    /// <summary>A word, perhaps with another one.</summary>
    Command,
    /// <summary>set name = value.</summary>
    Set,
}

/// <summary>A query of the console, taken apart.</summary>
/// <param name="Kind">Which form it has.</param>
/// <param name="Word">The command, or the name of the setting; unquoted.</param>
/// <param name="Argument">The argument, empty when there is none; or the value of the setting.</param>
internal readonly record struct ConsoleStatement(StatementKind Kind, string Word = "", string Argument = "")
{
    // Of a token as it stands in the query, its quotes included.
    private const int CommandMax = 15;
    private const int NameMax = 63;
    private const int ValueMax = 255;

    /// <summary>Form 1 first: a word or two. Else forms 2 and 3: set name = value, or to in place of the sign.</summary>
    public static ConsoleStatement Parse(string query) =>
        ParseCommand(query) ?? ParseSet(query) ?? new ConsoleStatement(StatementKind.Invalid);

    private static ConsoleStatement? ParseCommand(string query)
    {
        var reader = new StatementReader(query);
        reader.SkipBlanks();
        if (reader.ReadWord() is not { } word) return null;
        var argument = reader.SkipBlanks() ? reader.ReadWord() : null;
        if (argument is { } item && TakesDetail(word.Text, item.Text) && reader.SkipBlanks() && reader.ReadWord() is { } detail)
            argument = new Token($"{item.Text} {detail.Text}", item.RawLength + 1 + detail.RawLength, IsQuoted: false);
        if (!reader.IsAtEnd()) return null;
        if (word.RawLength > CommandMax || argument is { RawLength: > NameMax })
            return new ConsoleStatement(StatementKind.TooLong);
        return new ConsoleStatement(StatementKind.Command, word.Text, argument?.Text ?? "");
    }

    /// <summary>SHOW LATENCY alone may be told of what; everything else has two words at most.</summary>
    private static bool TakesDetail(string command, string item) =>
        item.Equals("LATENCY", StringComparison.OrdinalIgnoreCase)
        && (command.Equals("SHOW", StringComparison.OrdinalIgnoreCase)
            || command.Equals("SELECT", StringComparison.OrdinalIgnoreCase));

    private static ConsoleStatement? ParseSet(string query)
    {
        var reader = new StatementReader(query);
        reader.SkipBlanks();
        if (!reader.TryTake("set") || !reader.SkipBlanks() || reader.ReadWord() is not { } name) return null;
        reader.SkipBlanks();
        if (!reader.TryTake("=") && !reader.TryTake("to") && !TryDetachTo(ref name)) return null;
        reader.SkipBlanks();
        if ((reader.ReadString() ?? reader.ReadWord()) is not { } value || !reader.IsAtEnd()) return null;
        if (name.Text.Length == 0 || name.RawLength > NameMax || value.RawLength > ValueMax)
            return new ConsoleStatement(StatementKind.TooLong);
        return new ConsoleStatement(StatementKind.Set, name.Text, value.Text);
    }

    /// <summary>The grammar wants no blank before to: <c>set ato 'b'</c> sets a.</summary>
    private static bool TryDetachTo(ref Token name)
    {
        const string To = "to";
        if (name.IsQuoted || name.RawLength <= To.Length || !name.Text.EndsWith(To, StringComparison.OrdinalIgnoreCase))
            return false;
        name = new Token(name.Text[..^To.Length], name.RawLength - To.Length, IsQuoted: false);
        return true;
    }
}
