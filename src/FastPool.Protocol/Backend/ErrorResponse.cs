namespace FastPool.Protocol;

/// <summary>ErrorResponse (B): an error, or the reason of a disconnect. Source: PostgreSQL, Message Formats.</summary>
[Message('E', From.Backend)]
public readonly ref partial struct ErrorResponse
{
    [Rest] public ReadOnlySpan<byte> Fields { get; init; } // Read them with ErrorFields.
}
