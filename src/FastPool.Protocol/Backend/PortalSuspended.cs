namespace FastPool.Protocol;

/// <summary>PortalSuspended (B): Execute reached its row limit. Source: PostgreSQL, Message Formats.</summary>
[Message('s', From.Backend)]
public readonly ref partial struct PortalSuspended;
