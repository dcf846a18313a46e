namespace FastPool.Core.Sessions;

/// <summary>The reason that keeps a server with its client. Reasons are looked for in this order.</summary>
public enum LinkHold : byte
{
    /// <summary>Nothing: the server may go back to its pool.</summary>
    None,
    /// <summary>The last reply was not ReadyForQuery 'I'.</summary>
    ServerNotReady,
    RepliesOutstanding,
    /// <summary>The client keeps its server until it leaves: session pooling, or replication.</summary>
    SessionPooling,
    /// <summary>The client has begun a query, of which nothing has gone to the server yet.</summary>
    QueryBegun,
    /// <summary>The server has the beginning of a message of the client's.</summary>
    ClientMidMessage,
    /// <summary>The client has the beginning of a message of the server's.</summary>
    ServerMidMessage,
    /// <summary>
    /// Bytes of the client's are still on their way to the server: the next client's must not stand behind them.
    /// </summary>
    Unsent,
    /// <summary>The server has not said what the client has left in its session.</summary>
    StateUnknown,
    /// <summary>The client has left something there that cannot travel.</summary>
    Pinned,
    /// <summary>The client listens there, and not yet by its pool's listening connection.</summary>
    Listening,
}
