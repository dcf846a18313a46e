namespace FastPool.Protocol;

/// <summary>CopyInResponse (B): the server awaits COPY data. Source: PostgreSQL, Message Formats.</summary>
[Message('G', From.Backend)]
public readonly ref partial struct CopyInResponse
{
    [Byte] public byte Format { get; init; } // 0: text; 1: binary.
    [Int16] public short ColumnCount { get; init; }
    [Rest] public ReadOnlySpan<byte> ColumnFormats { get; init; } // An Int16 each.
}
