namespace FastPool.Protocol;

/// <summary>The state of the bytes at a packet's start.</summary>
public enum HeaderStatus
{
    /// <summary>The header is not complete; nothing is decided.</summary>
    NeedMore,

    /// <summary>The header is complete and allowed; of the body nothing is known.</summary>
    Complete,

    /// <summary>No packet begins like this: the connection cannot be followed any further.</summary>
    Bad,
}
