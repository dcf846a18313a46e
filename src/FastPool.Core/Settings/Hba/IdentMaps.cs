namespace FastPool.Core.Settings;

/// <summary>The maps of auth_ident_file. Bad lines are skipped with a warning.</summary>
public sealed class IdentMaps
{
    private readonly Dictionary<string, IdentMap> _maps = new(StringComparer.Ordinal);

    private IdentMaps()
    {
    }

    public static IdentMaps Empty { get; } = new();

    public int Count => _maps.Count;

    /// <summary>Reads the file; one that cannot be read has no maps.</summary>
    public static IdentMaps Load(string path, IFileReader files, List<LogText> log)
    {
        if (files.TryRead(path, out var content, out var error)) return Parse(ByteText.Of(content), log);
        log.Add(LogText.Error($"could not open ident config file {path}: {error}"));
        return Empty;
    }

    /// <summary>Reads lines of map, system user, PostgreSQL user.</summary>
    public static IdentMaps Parse(ReadOnlySpan<char> text, List<LogText> log)
    {
        var maps = new IdentMaps();
        var line = 0;
        foreach (var content in text.EnumerateLinesOf())
        {
            line++;
            var tokens = new HbaTokens(content);
            if (tokens.IsEnd || maps.TryAdd(ref tokens, line, log)) continue;
            log.Add(LogText.Warning($"could not parse ident config line {line}"));
        }

        return maps;
    }

    public IdentMap? Find(string name) => _maps.GetValueOrDefault(name);

    private bool TryAdd(ref HbaTokens tokens, int line, List<LogText> log)
    {
        if (tokens.Kind != HbaTokenKind.Word) return false;
        var name = tokens.Text;
        tokens.Next();
        if (!TryName(ref tokens, out var systemName)) return false;
        var isAny = tokens.IsWord("all");
        if (!TryName(ref tokens, out var pgUser)) return false;
        if (isAny) tokens.Next(); // One more token after all has never mattered.
        if (!tokens.IsEnd)
        {
            log.Add(LogText.Warning($"ident line {line}: unsupported parameters"));
            return false;
        }

        if (!_maps.TryGetValue(name, out var map)) _maps.Add(name, map = new IdentMap(name));
        map.Add(systemName, isAny ? null : pgUser);
        return true;
    }

    private static bool TryName(ref HbaTokens tokens, out string name)
    {
        name = tokens.Text;
        if (tokens.Kind is not (HbaTokenKind.Word or HbaTokenKind.Quoted)) return false;
        tokens.Next();
        return true;
    }
}
