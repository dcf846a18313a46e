namespace FastPool.Protocol;

/// <summary>Parse (F): query text → prepared statement. Source: PostgreSQL, Message Formats.</summary>
[Message('P', From.Frontend)]
public readonly ref partial struct Parse
{
    [CString] public ReadOnlySpan<byte> Statement { get; init; } // Empty: the unnamed statement.
    [CString] public ReadOnlySpan<byte> Query { get; init; }
    [Rest] public ReadOnlySpan<byte> ParameterTypes { get; init; } // Int16 count, then an Int32 OID each. Passed on unread.

    /// <summary>Whether <see cref="ParameterTypes"/> is a count and that many OIDs, with nothing behind them.</summary>
    public bool HasWholeParameterTypes
    {
        get
        {
            var reader = new BodyReader(ParameterTypes);
            return reader.TryReadInt16(out var count) && reader.Rest.Length == (ushort)count * sizeof(int);
        }
    }
}
