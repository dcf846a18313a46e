namespace FastPool.Protocol;

/// <summary>
/// ParameterDescription (B): the parameter types of a statement.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('t', From.Backend)]
public readonly ref partial struct ParameterDescription
{
    [Int16] public short ParameterCount { get; init; }
    [Rest] public ReadOnlySpan<byte> ParameterTypes { get; init; } // An Int32 OID each.
}
