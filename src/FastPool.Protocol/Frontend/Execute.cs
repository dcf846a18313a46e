namespace FastPool.Protocol;

/// <summary>Execute (F): runs a portal. Source: PostgreSQL, Message Formats.</summary>
[Message('E', From.Frontend)]
public readonly ref partial struct Execute
{
    [CString] public ReadOnlySpan<byte> Portal { get; init; }
    [Int32] public int MaxRows { get; init; } // 0: no limit.
}
