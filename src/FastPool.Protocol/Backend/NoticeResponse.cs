namespace FastPool.Protocol;

/// <summary>NoticeResponse (B): a warning or message, at any time. Source: PostgreSQL, Message Formats.</summary>
[Message('N', From.Backend)]
public readonly ref partial struct NoticeResponse
{
    [Rest] public ReadOnlySpan<byte> Fields { get; init; } // Read them with ErrorFields.
}
