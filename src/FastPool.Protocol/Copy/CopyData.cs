namespace FastPool.Protocol;

/// <summary>CopyData (F &amp; B): a piece of a COPY stream. Source: PostgreSQL, Message Formats.</summary>
[Message('d', From.Either)]
public readonly ref partial struct CopyData
{
    [Rest] public ReadOnlySpan<byte> Data { get; init; }
}
