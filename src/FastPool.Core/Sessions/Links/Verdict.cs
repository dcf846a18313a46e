namespace FastPool.Core.Sessions;

/// <summary>A session's decision on a message; the relay carries it out.</summary>
public enum Verdict : byte
{
    /// <summary>On to the other side, byte for byte; the body streams.</summary>
    Forward,
    /// <summary>Dropped: it goes nowhere.</summary>
    Skip,
    /// <summary>Close this connection with the session's <c>Ending</c>.</summary>
    Disconnect,
    /// <summary>Server: replies that the pooler gives stand before this message; when they are out, it is judged again.</summary>
    FakesFirst,
    /// <summary>Server: that was the last of the SET batch; the client goes on.</summary>
    ParametersSet,
    /// <summary>Server: the reset or check query is done.</summary>
    Tested,
    /// <summary>Server: a notification of the client's own: forwarded with its process id in place of the server's.</summary>
    OwnNotification,
    /// <summary>Server: a step towards the pool's listening connection is through, or has failed.</summary>
    Unlistened,
    /// <summary>Server: the BEGIN that its client had put off has failed.</summary>
    BeginFailed,
    /// <summary>Server: what its client has left under way is through; now its transaction is rolled back.</summary>
    RollBack,
    /// <summary>Server: nothing is left of its client that has gone.</summary>
    RolledBack,
    /// <summary>Server: the auth_query is answered.</summary>
    Answered,
    /// <summary>Client: rewritten or answered by the prepared-statement rules.</summary>
    Tracked,
    /// <summary>Client: a query that may need no server.</summary>
    MayDefer,
    /// <summary>Client: for the admin console.</summary>
    Console,
}
