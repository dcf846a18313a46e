namespace FastPool.Protocol;

/// <summary>
/// GSSENCRequest (F): asks for GSSAPI encryption before the StartupMessage. The answer is one byte, G or N.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message(From.Frontend, Code = 80877104)]
public readonly ref partial struct GSSENCRequest;
