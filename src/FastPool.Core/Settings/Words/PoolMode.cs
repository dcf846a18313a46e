namespace FastPool.Core.Settings;

/// <summary>When a server goes back to its pool: at the client's exit, after a transaction, after a statement.</summary>
public enum PoolMode
{
    Session,
    Transaction,
    Statement,
}

/// <summary>The words of pool_mode, the same in all sections.</summary>
public static class PoolModes
{
    public static WordTable<PoolMode> Words { get; } = new(
        ("session", PoolMode.Session),
        ("transaction", PoolMode.Transaction),
        ("statement", PoolMode.Statement));
}
