namespace FastPool.Core.Sessions;

/// <summary>What a login may know of the TLS it goes through.</summary>
/// <param name="Text">Version and cipher, as in the tls column.</param>
/// <param name="Names">Of the peer's verified certificate; null: it has shown none.</param>
/// <param name="EndPoint">What SCRAM binds to (tls-server-end-point); null: the server's certificate gives nothing.</param>
public sealed record TlsPeer(string Text, IReadOnlyList<string>? Names, byte[]? EndPoint);
