namespace FastPool.Core.Settings;

/// <summary>
/// Names separated by commas and white space (admin_users, stats_users, ignore_startup_parameters), compared exactly: no quoting,
/// no wildcards.
/// </summary>
public sealed class TokenList
{
    private readonly HashSet<string> _tokens = new(StringComparer.Ordinal);

    public TokenList(string text)
    {
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            var end = 0;
            while (end < rest.Length && rest[end] != ',' && !ByteText.IsSpace(rest[end])) end++;
            if (end > 0) _tokens.Add(rest[..end].ToString());
            rest = rest[Math.Min(end + 1, rest.Length)..];
        }
    }

    public static TokenList Empty { get; } = new("");

    public int Count => _tokens.Count;

    public bool Contains(string token) => _tokens.Contains(token);
}
