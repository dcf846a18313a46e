namespace FastPool.Protocol;

/// <summary>
/// SSLRequest (F): asks for TLS before the StartupMessage. The answer is one byte, S or N.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message(From.Frontend, Code = 80877103)]
public readonly ref partial struct SSLRequest;
