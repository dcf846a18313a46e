namespace FastPool.Protocol;

/// <summary>AuthenticationOk (B): the login is accepted. Source: PostgreSQL, Message Formats.</summary>
[Message('R', From.Backend, Code = 0)]
public readonly ref partial struct AuthenticationOk;
