namespace FastPool.Protocol;

/// <summary>BindComplete (B): a Bind is done. Source: PostgreSQL, Message Formats.</summary>
[Message('2', From.Backend)]
public readonly ref partial struct BindComplete;
