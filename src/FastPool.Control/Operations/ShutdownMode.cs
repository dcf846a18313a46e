namespace FastPool.Control.Operations;

/// <summary>Whether the pooler is on its way out, and what it waits for.</summary>
public enum ShutdownMode
{
    None,

    /// <summary>Until every server connection is released.</summary>
    WaitForServers,

    /// <summary>Until every client has left.</summary>
    WaitForClients,

    /// <summary>It waits for nothing.</summary>
    Immediate,
}
