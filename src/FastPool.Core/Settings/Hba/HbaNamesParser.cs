namespace FastPool.Core.Settings;

/// <summary>
/// Reads a list of names, and the files that it names by @. Keywords of the DATABASE field are plain names in the USER field,
/// as in PostgreSQL (PgBouncer takes them for keywords there too, which makes no sense).
/// </summary>
internal sealed class HbaNamesParser(IFileReader files, bool isDatabase, List<LogText> log)
{
    /// <summary>A file that names itself has to end somewhere.</summary>
    private const int NestingMax = 10;

    /// <param name="tokens">At the list's first token; left at the first one after it.</param>
    /// <param name="path">The file this line is of: names of other files start at its directory.</param>
    /// <returns>Null when the list is bad, which makes the rule bad.</returns>
    internal HbaNames? Parse(ref HbaTokens tokens, string path)
    {
        var names = new HbaNames();
        return TryList(ref tokens, path, names, level: 0) ? names : null;
    }

    private bool TryList(ref HbaTokens tokens, string path, HbaNames names, int level)
    {
        while (true)
        {
            if (tokens.Kind == HbaTokenKind.Quoted) names.Add(tokens.Text);
            else if (tokens.Kind != HbaTokenKind.Word || !TryWord(tokens.Text, path, names, level)) return false;
            tokens.Next();
            if (tokens.Kind != HbaTokenKind.Comma) return true;
            tokens.Next();
        }
    }

    private bool TryWord(string word, string path, HbaNames names, int level)
    {
        switch (word)
        {
            case "all": names.IsAll = true; return true;
            case "sameuser" when isDatabase: names.IsSameUser = true; return true;
            case "replication" when isDatabase: names.IsReplication = true; return true;
            case "samerole" or "samegroup" when isDatabase:
                log.Add(LogText.Warning($"{word} is not supported"));
                return false;
        }

        if (word[0] == '@') return TryFile(Beside(path, word[1..]), names, level + 1);
        if (word[0] == '+') return false; // Members of a role: the pooler does not know them.
        names.Add(word);
        return true;
    }

    /// <summary>A list on each line, of which only the list counts. A line without one is skipped.</summary>
    private bool TryFile(string path, HbaNames names, int level)
    {
        if (level > NestingMax || !files.TryRead(path, out var content, out _)) return false;
        foreach (var line in ByteText.Of(content).AsSpan().EnumerateLinesOf())
        {
            var tokens = new HbaTokens(line);
            if (!tokens.IsEnd && !TryList(ref tokens, path, names, level)) return false;
        }

        return true;
    }

    private static string Beside(string path, string name)
    {
        var slash = path.LastIndexOf('/');
        return name.StartsWith('/') || slash < 0 ? name : string.Concat(path.AsSpan(0, slash + 1), name);
    }
}
