namespace FastPool.Protocol;

/// <summary>
/// PasswordMessage (F): the password, plain or as md5 hash, as the authentication request asked.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('p', From.Frontend, ByContext = true)]
public readonly ref partial struct PasswordMessage
{
    [CString] public ReadOnlySpan<byte> Password { get; init; }
}
