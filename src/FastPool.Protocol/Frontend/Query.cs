namespace FastPool.Protocol;

/// <summary>Query (F): a simple query, of one statement or several. Source: PostgreSQL, Message Formats.</summary>
[Message('Q', From.Frontend)]
public readonly ref partial struct Query
{
    [CString] public ReadOnlySpan<byte> Text { get; init; }
}
