namespace FastPool.Simulation.Postgres;

/// <summary>How much a server tells of its settings.</summary>
internal enum ServerVersion
{
    /// <summary>As little as any version that there is.</summary>
    Old,

    /// <summary>As PostgreSQL 15: search_path is not reported.</summary>
    V15,

    /// <summary>As PostgreSQL 18: all that the pooler tracks is reported.</summary>
    V18,
}
