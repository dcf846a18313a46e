namespace FastPool.Protocol;

/// <summary>FunctionCallResponse (B): the result of a FunctionCall. Source: PostgreSQL, Message Formats.</summary>
[Message('V', From.Backend)]
public readonly ref partial struct FunctionCallResponse
{
    [Int32] public int ResultLength { get; init; } // -1: NULL.
    [Rest] public ReadOnlySpan<byte> Result { get; init; }
}
