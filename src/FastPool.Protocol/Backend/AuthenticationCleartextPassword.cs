namespace FastPool.Protocol;

/// <summary>
/// AuthenticationCleartextPassword (B): asks for the password as it is.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('R', From.Backend, Code = 3)]
public readonly ref partial struct AuthenticationCleartextPassword;
