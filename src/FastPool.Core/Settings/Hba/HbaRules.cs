namespace FastPool.Core.Settings;

/// <summary>
/// The rules of auth_hba_file in their order: the first that matches decides. Bad lines are skipped with a warning, if the
/// file is used at all then (hba_strict); one that cannot be read has no rules, so no login succeeds.
/// </summary>
public sealed class HbaRules
{
    private readonly HbaRule[] _rules;

    private HbaRules(HbaRule[] rules, bool hasBrokenLine)
    {
        _rules = rules;
        HasBrokenLine = hasBrokenLine;
        HasLdap = Array.Exists(rules, static rule => rule.Method == AuthType.Ldap);
    }

    public static HbaRules Empty { get; } = new([], hasBrokenLine: false);

    public int Count => _rules.Length;

    /// <summary>A line was left out: it may have been one that rejects.</summary>
    public bool HasBrokenLine { get; }

    /// <summary>Some users may be known to LDAP alone.</summary>
    public bool HasLdap { get; }

    /// <summary>Reads the file and those that it names.</summary>
    public static HbaRules Load(string path, IdentMaps maps, IFileReader files, List<LogText> log)
    {
        if (files.TryRead(path, out var content, out var error)) return Parse(path, ByteText.Of(content), maps, files, log);
        log.Add(LogText.Error($"could not open hba config file {path}: {error}"));
        return Empty;
    }

    /// <summary>Reads rules, one a line.</summary>
    public static HbaRules Parse(string path, ReadOnlySpan<char> text, IdentMaps maps, IFileReader files, List<LogText> log)
    {
        var rules = new List<HbaRule>();
        var parser = new HbaRuleParser(path, maps, files, log);
        var line = 0;
        var hasBrokenLine = false;
        foreach (var content in text.EnumerateLinesOf())
        {
            line++;
            var tokens = new HbaTokens(content);
            if (tokens.IsEnd) continue;
            if (parser.Parse(ref tokens, line) is { } rule)
            {
                rules.Add(rule);
                continue;
            }

            hasBrokenLine = true;
            log.Add(LogText.Warning($"could not parse hba config line {line}"));
        }

        return new HbaRules([.. rules], hasBrokenLine);
    }

    /// <returns>Null when no rule matches.</returns>
    public HbaRule? Match(in HbaRequest request)
    {
        HbaAddress? address = request.Address is { } client ? HbaAddress.Of(client) : null;
        foreach (var rule in _rules)
        {
            if (rule.Matches(request, address)) return rule;
        }

        return null;
    }
}
