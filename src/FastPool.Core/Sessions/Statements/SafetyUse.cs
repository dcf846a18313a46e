using FastPool.Core.Pools;

namespace FastPool.Core.Sessions;

/// <summary>
/// A use that leaves something behind in a session: under transaction pooling another client finds it, or the client that made
/// it misses it.
/// </summary>
public enum SafetyUse : byte
{
    None,
    /// <summary>SET outside a transaction, of a variable that the pooler does not carry over.</summary>
    Set,
    Listen,
    /// <summary>PREPARE as an SQL command.</summary>
    Prepare,
    /// <summary>A temporary table.</summary>
    TemporaryTable,
    /// <summary>An advisory lock of the session.</summary>
    AdvisoryLock,
    /// <summary>DECLARE … WITH HOLD.</summary>
    HoldCursor,
}
