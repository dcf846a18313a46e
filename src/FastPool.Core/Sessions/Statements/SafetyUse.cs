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
    /// <summary>set_config whose value outlives the transaction, of a variable that the pooler does not carry over.</summary>
    SetConfig,
    /// <summary>DEALLOCATE of a name that the pooler does not know.</summary>
    Deallocate,
    /// <summary>A Bind of a statement of an earlier transaction, where the pooler does not track statements.</summary>
    EarlierStatement,
    /// <summary>A Bind of an unnamed statement of an earlier transaction: the pooler has prepared it anew.</summary>
    UnnamedHealed,
    /// <summary>session_state is on, and what it cannot carry has kept the server with its client.</summary>
    Pinned,
}
