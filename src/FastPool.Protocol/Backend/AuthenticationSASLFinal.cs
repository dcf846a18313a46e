namespace FastPool.Protocol;

/// <summary>
/// AuthenticationSASLFinal (B): the end of the exchange, with the server's proof.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('R', From.Backend, Code = 12)]
public readonly ref partial struct AuthenticationSASLFinal
{
    [Rest] public ReadOnlySpan<byte> Data { get; init; }
}
