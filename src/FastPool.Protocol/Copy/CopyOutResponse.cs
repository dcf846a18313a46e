namespace FastPool.Protocol;

/// <summary>CopyOutResponse (B): COPY data of the server follow. Source: PostgreSQL, Message Formats.</summary>
[Message('H', From.Backend)]
public readonly ref partial struct CopyOutResponse
{
    [Byte] public byte Format { get; init; } // 0: text; 1: binary.
    [Int16] public short ColumnCount { get; init; }
    [Rest] public ReadOnlySpan<byte> ColumnFormats { get; init; } // An Int16 each.
}
