namespace FastPool.Protocol;

/// <summary>
/// AuthenticationMD5Password (B): asks for the md5 hash of the password.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('R', From.Backend, Code = 5)]
public readonly ref partial struct AuthenticationMD5Password
{
    [Bytes(4)] public ReadOnlySpan<byte> Salt { get; init; }
}
