namespace FastPool.Protocol;

/// <summary>NoData (B): the described statement or portal gives no rows. Source: PostgreSQL, Message Formats.</summary>
[Message('n', From.Backend)]
public readonly ref partial struct NoData;
