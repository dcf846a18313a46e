namespace FastPool.Simulation.Postgres;

/// <summary>
/// The variables of the fake servers, with their defaults. One with a dot in its name is a custom one: it is empty.
/// </summary>
internal static class Variables
{
    internal const string Role = "role";
    internal const string SessionAuthorization = "session_authorization";
    internal const string SearchPath = "search_path";

    /// <summary>In the order in which the pooler tracks them.</summary>
    private static readonly (string Name, string Default)[] Tracked =
    [
        .. Backend.Tracked, (SearchPath, "\"$user\", public"), (SessionAuthorization, ""),
        ("default_transaction_read_only", "off"), ("scram_iterations", "4096"),
    ];

    private static readonly (string Name, string Default)[] Others =
        [("work_mem", "4MB"), ("lock_timeout", "0"), ("statement_timeout", "0"), (Role, "none")];

    /// <summary>All but custom ones.</summary>
    internal static IEnumerable<string> Names => Tracked.Concat(Others).Select(static row => row.Name);

    /// <summary>Those whose changes a server tells.</summary>
    internal static IReadOnlyList<string> ReportedBy(ServerVersion version) => version switch
    {
        ServerVersion.Old => [.. Backend.Tracked.Select(static row => row.Name)],
        ServerVersion.V15 => [.. Tracked.Select(static row => row.Name).Where(IsReportedBy15)],
        _ => [.. Tracked.Select(static row => row.Name)],
    };

    private static bool IsReportedBy15(string name) => name is not (SearchPath or "scram_iterations");

    internal static bool IsTracked(string name) => Tracked.Any(row => row.Name == name);

    /// <summary>As it is spelled where it is tracked.</summary>
    internal static string NameOf(string name)
    {
        foreach (var (known, _) in Tracked)
        {
            if (known.Equals(name, StringComparison.OrdinalIgnoreCase)) return known;
        }
        return name.ToLowerInvariant();
    }

    /// <returns>Null: there is none of that name.</returns>
    internal static string? DefaultOf(string name)
    {
        foreach (var (known, value) in Tracked.Concat(Others))
        {
            if (known == name) return value;
        }
        return name.Contains('.') ? "" : null;
    }

    /// <summary>PostgreSQL reports some values in another form than they were given.</summary>
    internal static string Canonical(string name, string value) => name switch
    {
        "DateStyle" when !value.Contains(',') => value + ", MDY",
        _ => value,
    };
}
