namespace FastPool.Protocol;

/// <summary>Terminate (F): the client goes. Source: PostgreSQL, Message Formats.</summary>
[Message('X', From.Frontend)]
public readonly ref partial struct Terminate;
