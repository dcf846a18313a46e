namespace FastPool.Protocol;

/// <summary>AuthenticationSASLContinue (B): a challenge. Source: PostgreSQL, Message Formats.</summary>
[Message('R', From.Backend, Code = 11)]
public readonly ref partial struct AuthenticationSASLContinue
{
    [Rest] public ReadOnlySpan<byte> Data { get; init; }
}
