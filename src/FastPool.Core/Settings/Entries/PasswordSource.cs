namespace FastPool.Core.Settings;

/// <summary>The kinds of a <see cref="PasswordSource"/>.</summary>
public enum PasswordSourceKind
{
    /// <summary>password_file: its first line.</summary>
    File,

    /// <summary>password_command: the first line that it prints.</summary>
    Command,
}

/// <summary>
/// The place that has the password for a server when it does not stand in the configuration: it is asked when a server wants
/// it, so it may change at any time.
/// </summary>
/// <param name="Kind">Of the two.</param>
/// <param name="Text">The path, or the command line, as it was given.</param>
/// <param name="Owner">The database or the user whose line it stands in, for the log: <c>database "shop"</c>.</param>
public sealed record PasswordSource(PasswordSourceKind Kind, string Text, string Owner)
{
    /// <summary>The key in the ini file.</summary>
    public string Key => Kind == PasswordSourceKind.File ? "password_file" : "password_command";

    /// <summary>
    /// The program and its arguments, of a command: blanks separate, "…" keeps a word together, and within it \ takes the next
    /// sign as it is. Nothing is expanded, and no shell is asked.
    /// </summary>
    public IReadOnlyList<string> Arguments => Split(Text) ?? [];

    /// <param name="key">password_file or password_command.</param>
    /// <param name="value">As it stands in the line.</param>
    /// <param name="owner">See <see cref="PasswordSource"/>.</param>
    /// <param name="error">Set when the value is wrong.</param>
    internal static PasswordSource? TryParse(ReadOnlySpan<char> key, string value, string owner, out string? error)
    {
        var kind = key is "password_file" ? PasswordSourceKind.File : PasswordSourceKind.Command;
        error = kind == PasswordSourceKind.File ? null
            : Split(value) is not { } words ? "password_command has a quote that is not closed"
            // A name would be looked for where others may have put something.
            : words is not [['/', ..], ..] ? "password_command must begin with the program's path, from / on" : null;
        return error is null ? new PasswordSource(kind, value, owner) : null;
    }

    private static List<string>? Split(string text)
    {
        var words = new List<string>();
        var word = new System.Text.StringBuilder();
        var (isInWord, isQuoted) = (false, false);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c is ' ' or '\t' && !isQuoted)
            {
                if (isInWord) words.Add(word.ToString());
                word.Clear();
                isInWord = false;
                continue;
            }

            isInWord = true;
            if (c == '"') isQuoted = !isQuoted;
            else word.Append(c == '\\' && isQuoted && i + 1 < text.Length ? text[++i] : c);
        }

        if (isQuoted) return null;
        if (isInWord) words.Add(word.ToString());
        return words;
    }
}
