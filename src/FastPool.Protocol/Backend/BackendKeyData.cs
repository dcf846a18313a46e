namespace FastPool.Protocol;

/// <summary>
/// BackendKeyData (B): what a CancelRequest for this session must say.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('K', From.Backend)]
public readonly ref partial struct BackendKeyData
{
    [Int32] public int ProcessId { get; init; }
    [Rest] public ReadOnlySpan<byte> SecretKey { get; init; } // 4 bytes; up to 256 since protocol 3.2.
}
