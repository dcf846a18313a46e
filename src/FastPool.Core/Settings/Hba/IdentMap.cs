namespace FastPool.Core.Settings;

/// <summary>One named map: which system names (OS users, names in certificates) may log in as which PostgreSQL users.</summary>
public sealed class IdentMap(string name)
{
    private readonly List<(string SystemName, string? PgUser)> _lines = [];

    public string Name { get; } = name;

    /// <summary>
    /// In the file's order, for callers that compare system names by rules of their own. A null user is any.
    /// </summary>
    public IReadOnlyList<(string SystemName, string? PgUser)> Lines => _lines;

    /// <summary>Exact comparison of both names.</summary>
    public bool Matches(string systemName, string pgUser)
    {
        foreach (var (knownName, knownUser) in _lines)
        {
            if (knownName == systemName && (knownUser is null || knownUser == pgUser)) return true;
        }

        return false;
    }

    internal void Add(string systemName, string? pgUser) => _lines.Add((systemName, pgUser));
}
