namespace FastPool.Protocol;

/// <summary>
/// CancelRequest (F): on a connection of its own, asks to cancel what another session runs.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message(From.Frontend, Code = 80877102)]
public readonly ref partial struct CancelRequest
{
    [Int32] public int ProcessId { get; init; } // As in that session's BackendKeyData.
    [Rest] public ReadOnlySpan<byte> SecretKey { get; init; } // 4 bytes; up to 256 since protocol 3.2.
}
