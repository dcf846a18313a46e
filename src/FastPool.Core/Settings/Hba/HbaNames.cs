namespace FastPool.Core.Settings;

/// <summary>The DATABASE or USER field of a rule: a list of names, of which some may be keywords.</summary>
internal sealed class HbaNames
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>all.</summary>
    internal bool IsAll { get; set; }

    /// <summary>sameuser: the database is named like the user.</summary>
    internal bool IsSameUser { get; set; }

    /// <summary>replication: physical replication, which nothing else covers.</summary>
    internal bool IsReplication { get; set; }

    internal void Add(string name) => _names.Add(name);

    internal bool Contains(string name) => IsAll || _names.Contains(name);
}
