namespace FastPool.Core.Sessions;

/// <summary>The facts that a login may know of its TLS.</summary>
/// <param name="Text">Version and cipher, as in the tls column.</param>
/// <param name="Names">Of the peer's verified certificate; null: it has shown none.</param>
/// <param name="EndPoint">The hash that SCRAM binds to (tls-server-end-point); null: the server's certificate gives
/// nothing.</param>
public sealed record TlsPeer(string Text, IReadOnlyList<string>? Names, byte[]? EndPoint);
