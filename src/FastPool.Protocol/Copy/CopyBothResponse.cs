namespace FastPool.Protocol;

/// <summary>
/// CopyBothResponse (B): COPY data go both ways, in streaming replication.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('W', From.Backend)]
public readonly ref partial struct CopyBothResponse
{
    [Byte] public byte Format { get; init; } // 0: text; 1: binary.
    [Int16] public short ColumnCount { get; init; }
    [Rest] public ReadOnlySpan<byte> ColumnFormats { get; init; } // An Int16 each.
}
