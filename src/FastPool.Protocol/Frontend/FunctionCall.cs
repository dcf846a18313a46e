namespace FastPool.Protocol;

/// <summary>FunctionCall (F): the old fast path. Source: PostgreSQL, Message Formats.</summary>
[Message('F', From.Frontend)]
public readonly ref partial struct FunctionCall
{
    [Int32] public int FunctionOid { get; init; }
    [Rest] public ReadOnlySpan<byte> Arguments { get; init; } // Passed on unread.
}
