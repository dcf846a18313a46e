namespace FastPool.Protocol;

/// <summary>ParseComplete (B): a Parse is done. Source: PostgreSQL, Message Formats.</summary>
[Message('1', From.Backend)]
public readonly ref partial struct ParseComplete;
