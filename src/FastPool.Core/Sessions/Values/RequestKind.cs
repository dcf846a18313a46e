namespace FastPool.Core.Sessions;

/// <summary>The kind of a request beside its type.</summary>
public enum RequestKind : byte
{
    Plain,
    /// <summary>A Parse of the unnamed statement, or a Close of it that the pooler sends.</summary>
    Unnamed,
    /// <summary>
    /// About a name that the client must not use so. The server is asked about a name of ours that fails in the same way, and
    /// its error goes to the client with the client's name in it.
    /// </summary>
    Refused,
    /// <summary>
    /// A Close or a Parse that the pooler sends under a name of the client's, or a Query that brings back what its login
    /// has given.
    /// </summary>
    Own,
    /// <summary>A Query or an Execute that drops statements by name.</summary>
    Drops,
    /// <summary>A Query of the pooler's that brings back what a login has given, if it has been reset.</summary>
    OwnInDoubt,
}
