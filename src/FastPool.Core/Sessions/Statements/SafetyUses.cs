namespace FastPool.Core.Sessions;

/// <summary>The words for the uses of what transaction pooling breaks, and what would mend each.</summary>
public static class SafetyUses
{
    public static string WordOf(SafetyUse use) => use switch
    {
        SafetyUse.Set => "SET outside a transaction",
        SafetyUse.Listen => "LISTEN",
        SafetyUse.Prepare => "PREPARE",
        SafetyUse.TemporaryTable => "temporary table",
        SafetyUse.AdvisoryLock => "advisory lock",
        SafetyUse.SetConfig => "set_config",
        SafetyUse.Deallocate => "DEALLOCATE",
        SafetyUse.EarlierStatement => "statement of an earlier transaction",
        SafetyUse.UnnamedHealed => "unnamed statement of an earlier transaction",
        SafetyUse.Pinned => "pinned",
        _ => "WITH HOLD cursor",
    };

    /// <summary>The setting that would mend it; null: nothing is broken.</summary>
    public static string? CureOf(SafetyUse use) => use switch
    {
        SafetyUse.UnnamedHealed or SafetyUse.Pinned => null,
        SafetyUse.EarlierStatement => "max_prepared_statements above 0 mends it",
        SafetyUse.Listen => "session_state = keep makes it work, by one connection for all listeners of the pool",
        SafetyUse.TemporaryTable or SafetyUse.AdvisoryLock or SafetyUse.HoldCursor =>
            "session_state = keep keeps the server with the client",
        _ => "session_state = keep carries it along",
    };
}
