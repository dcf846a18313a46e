namespace FastPool.Protocol;

/// <summary>
/// EmptyQueryResponse (B): in place of CommandComplete for an empty query text.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('I', From.Backend)]
public readonly ref partial struct EmptyQueryResponse;
