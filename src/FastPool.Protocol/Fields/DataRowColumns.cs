namespace FastPool.Protocol;

/// <summary>The values of a DataRow: an Int32 length each, -1 for NULL, then that many bytes.</summary>
public ref struct DataRowColumns(DataRow row)
{
    private const int NullLength = -1;

    private BodyReader _reader = new(row.Columns);
    private int _leftCount = (ushort)row.ColumnCount;

    /// <summary>The current column is NULL, and <see cref="Value"/> is empty.</summary>
    public bool IsNull { get; private set; }

    /// <summary>The current column's value in the format its RowDescription announced.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>After the last column: a value was cut off, or bytes followed the last one.</summary>
    public bool IsMalformed { get; private set; }

    public bool MoveNext()
    {
        if (_leftCount == 0) return End(malformed: IsMalformed || !_reader.AtEnd);
        if (!_reader.TryReadInt32(out var length)) return End(malformed: true);
        ReadOnlySpan<byte> value = default;
        if (length != NullLength && !_reader.TryReadBytes(length, out value)) return End(malformed: true);
        _leftCount--;
        IsNull = length == NullLength;
        Value = value;
        return true;
    }

    private bool End(bool malformed)
    {
        _leftCount = 0;
        IsMalformed = malformed;
        IsNull = false;
        Value = default;
        return false;
    }
}
