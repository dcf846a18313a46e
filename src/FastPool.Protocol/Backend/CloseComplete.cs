namespace FastPool.Protocol;

/// <summary>CloseComplete (B): a Close is done. Source: PostgreSQL, Message Formats.</summary>
[Message('3', From.Backend)]
public readonly ref partial struct CloseComplete;
