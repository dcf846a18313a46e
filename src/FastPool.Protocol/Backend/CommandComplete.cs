namespace FastPool.Protocol;

/// <summary>CommandComplete (B): a statement is done. Source: PostgreSQL, Message Formats.</summary>
[Message('C', From.Backend)]
public readonly ref partial struct CommandComplete
{
    [CString] public ReadOnlySpan<byte> Tag { get; init; } // The command, with a row count where it has one.
}
