namespace FastPool.Protocol;

/// <summary>
/// ReadyForQuery (B): the server waits for the next query cycle.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('Z', From.Backend)]
public readonly ref partial struct ReadyForQuery
{
    [Byte] public byte Status { get; init; } // I: idle; T: in a transaction block; E: in a failed one.
}
