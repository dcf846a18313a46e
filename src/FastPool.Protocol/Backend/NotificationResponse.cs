namespace FastPool.Protocol;

/// <summary>
/// NotificationResponse (B): what a NOTIFY of another session sent.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('A', From.Backend)]
public readonly ref partial struct NotificationResponse
{
    [Int32] public int ProcessId { get; init; }
    [CString] public ReadOnlySpan<byte> Channel { get; init; }
    [CString] public ReadOnlySpan<byte> Payload { get; init; }
}
