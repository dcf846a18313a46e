namespace FastPool.Protocol;

/// <summary>RowDescription (B): the columns of the rows that follow. Source: PostgreSQL, Message Formats.</summary>
[Message('T', From.Backend)]
public readonly ref partial struct RowDescription
{
    [Int16] public short ColumnCount { get; init; }
    [Rest] public ReadOnlySpan<byte> Columns { get; init; } // Written by RowWriter.
}
