namespace FastPool.Protocol;

/// <summary>Close (F): forgets a statement or portal. Source: PostgreSQL, Message Formats.</summary>
[Message('C', From.Frontend)]
public readonly ref partial struct Close
{
    [Byte] public byte Kind { get; init; } // S: a statement; P: a portal.
    [CString] public ReadOnlySpan<byte> Name { get; init; }
}
