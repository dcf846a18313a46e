namespace FastPool.Core.Sessions;

/// <summary>What a session says of a message; the relay carries it out.</summary>
public enum Verdict : byte
{
    /// <summary>On to the other side, byte for byte; the body streams.</summary>
    Forward,
    /// <summary>To nobody.</summary>
    Skip,
    /// <summary>Not before the whole message is here.</summary>
    Collect,
    /// <summary>Close this connection with the session's <c>Ending</c>.</summary>
    Disconnect,
    /// <summary>Server: replies that the pooler gives stand before this message; when they are out, it is judged again.</summary>
    FakesFirst,
    /// <summary>Server: that was the last of the SET batch; the client goes on.</summary>
    ParametersSet,
    /// <summary>Server: the reset or check query is done.</summary>
    Tested,
    /// <summary>Server: the auth_query is answered.</summary>
    Answered,
    /// <summary>Client: rewritten or answered by the prepared-statement rules.</summary>
    Tracked,
    /// <summary>Client: for the admin console.</summary>
    Console,
}

/// <summary>Why a connection ends and what its peer is told.</summary>
/// <param name="Reason">For the log: <c>closing because: …</c>.</param>
/// <param name="Message">What a client gets as FATAL, or null for silence.</param>
public readonly record struct Ending(string Reason, string? Message = null, string SqlState = "08P01")
{
    /// <summary>The client is told the reason itself.</summary>
    public static Ending Told(string reason) => new(reason, reason);

    public bool IsSet => Reason is not null;

    /// <summary>Reasons are formatted into 128 bytes.</summary>
    public static string Cut(string reason) => reason.Length > 127 ? reason[..127] : reason;
}
