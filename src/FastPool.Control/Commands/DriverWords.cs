namespace FastPool.Control.Commands;

/// <summary>
/// Commands that drivers send to any server before their first question, accepted with console_extended on: transactions, of
/// which the console has none, a reset, a ping, and settings of their own.
/// </summary>
internal static class DriverWords
{
    private static readonly string[] Ignored = ["application_name", "extra_float_digits"];

    public static bool IsIgnoredSetting(string name) => Ignored.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <returns>The tag, empty for a query without text; null when it is no such word.</returns>
    public static string? TagOf(string query)
    {
        var text = query.AsSpan().Trim(" \t\r\n;");
        if (text.IsEmpty || (text.StartsWith("--", StringComparison.Ordinal) && !text.Contains('\n'))) return "";
        if (Is(text, "BEGIN") || Begins(text, "BEGIN ")) return "BEGIN";
        if (Is(text, "START TRANSACTION") || Begins(text, "START TRANSACTION ")) return "START TRANSACTION";
        if (Is(text, "COMMIT")) return "COMMIT";
        if (Is(text, "ROLLBACK")) return "ROLLBACK";
        return Is(text, "DISCARD ALL") ? "DISCARD ALL" : null;
    }

    private static bool Is(ReadOnlySpan<char> text, string word) => text.Equals(word, StringComparison.OrdinalIgnoreCase);

    private static bool Begins(ReadOnlySpan<char> text, string word) => text.StartsWith(word, StringComparison.OrdinalIgnoreCase);
}
