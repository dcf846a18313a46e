namespace FastPool.Protocol;

/// <summary>DataRow (B): one row. Source: PostgreSQL, Message Formats.</summary>
[Message('D', From.Backend)]
public readonly ref partial struct DataRow
{
    [Int16] public short ColumnCount { get; init; }
    [Rest] public ReadOnlySpan<byte> Columns { get; init; } // Read them with DataRowColumns.
}
