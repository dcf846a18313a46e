namespace FastPool.Protocol;

/// <summary>
/// Sync (F): ends a series of extended-query messages; the reply ends with ReadyForQuery.
/// Source: PostgreSQL, Message Formats.
/// </summary>
[Message('S', From.Frontend)]
public readonly ref partial struct Sync;
