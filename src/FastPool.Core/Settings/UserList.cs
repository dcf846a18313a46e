namespace FastPool.Core.Settings;

/// <summary>
/// The users of auth_file. A broken record ends the reading, never the loading: those before it are known, those after are not.
/// </summary>
public sealed class UserList
{
    private readonly Dictionary<string, Secret> _secrets;

    private UserList(Dictionary<string, Secret> secrets) => _secrets = secrets;

    public static UserList Empty { get; } = new([]);

    public int Count => _secrets.Count;

    /// <summary>The names, for SHOW USERS.</summary>
    public IReadOnlyCollection<string> Names => _secrets.Keys;

    public IReadOnlyCollection<Secret> Secrets => _secrets.Values;

    /// <summary>Reads records "user" "secret"; what follows on the line is ignored.</summary>
    /// <param name="text">The file.</param>
    /// <param name="log">Gets the reason when reading ended early.</param>
    public static UserList Load(string text, List<LogText> log)
    {
        const int BytesPerRecord = 64; // A guess that spares the table most of its growing.
        var secrets = new Dictionary<string, Secret>(text.Length / BytesPerRecord, StringComparer.Ordinal);
        ReadOnlySpan<char> rest = text;
        while (SkipToRecord(ref rest))
        {
            string? error = ReadRecord(ref rest, secrets);
            if (error is null) continue;
            log.Add(LogText.Error(error));
            break;
        }

        return new UserList(secrets);
    }

    /// <returns>False when the name is not in the file.</returns>
    public bool TryGet(string name, out Secret secret)
    {
        bool found = _secrets.TryGetValue(name, out var known);
        secret = known ?? Secret.Empty;
        return found;
    }

    /// <summary>Past white space and lines that begin with a semicolon.</summary>
    private static bool SkipToRecord(ref ReadOnlySpan<char> rest)
    {
        while (!rest.IsEmpty && (ByteText.IsSpace(rest[0]) || rest[0] == ';'))
        {
            if (rest[0] == ';') SkipLine(ref rest);
            else rest = rest[1..];
        }

        return !rest.IsEmpty;
    }

    private static string? ReadRecord(ref ReadOnlySpan<char> rest, Dictionary<string, Secret> secrets)
    {
        const string Broken = "broken auth file";
        const int Quotes = 2;
        if (rest[0] != '"' || !QuotedText.TryRead(rest, '"', out string user, out int userLength)) return Broken;
        if (userLength - Quotes > UserEntry.NameBytesMax) return "username too long in auth file";
        rest = rest[userLength..];

        // Anything may stand between the two.
        int open = rest.IndexOf('"');
        if (open < 0 || !QuotedText.TryRead(rest[open..], '"', out string secret, out int secretLength)) return Broken;
        if (secretLength - Quotes > Secret.BytesMax) return "password too long in auth file";
        rest = rest[(open + secretLength)..];
        SkipLine(ref rest);
        secrets[user] = Secret.Of(secret);
        return null;
    }

    private static void SkipLine(ref ReadOnlySpan<char> rest)
    {
        int end = rest.IndexOf('\n');
        rest = end < 0 ? [] : rest[(end + 1)..];
    }
}
