namespace FastPool.Protocol;

/// <summary>
/// Flush (F): asks for the replies so far, without a ReadyForQuery.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('H', From.Frontend)]
public readonly ref partial struct Flush;
