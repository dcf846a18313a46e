namespace FastPool.Protocol;

/// <summary>
/// AuthenticationSASL (B): offers SASL mechanisms, the preferred one first.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('R', From.Backend, Code = 10)]
public readonly ref partial struct AuthenticationSASL
{
    [Rest] public ReadOnlySpan<byte> Mechanisms { get; init; } // Read them with SaslMechanisms.
}
