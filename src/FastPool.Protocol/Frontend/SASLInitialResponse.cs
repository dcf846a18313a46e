namespace FastPool.Protocol;

/// <summary>
/// SASLInitialResponse (F): the mechanism that the client chose and its first message.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('p', From.Frontend, ByContext = true)]
public readonly ref partial struct SASLInitialResponse
{
    [CString] public ReadOnlySpan<byte> Mechanism { get; init; }
    [Int32] public int ResponseLength { get; init; } // Bytes of Response; -1: there is none.
    [Rest] public ReadOnlySpan<byte> Response { get; init; }
}
