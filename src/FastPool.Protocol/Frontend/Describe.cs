namespace FastPool.Protocol;

/// <summary>
/// Describe (F): asks for the row description of a statement or portal.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('D', From.Frontend)]
public readonly ref partial struct Describe
{
    [Byte] public byte Kind { get; init; } // S: a statement; P: a portal.
    [CString] public ReadOnlySpan<byte> Name { get; init; }
}
