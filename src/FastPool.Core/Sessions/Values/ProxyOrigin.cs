using FastPool.Base;

namespace FastPool.Core.Sessions;

/// <summary>A proxy that has told who is behind it.</summary>
/// <param name="Proxy">Its own end of the connection.</param>
/// <param name="Authority">The name that the client asked it for; empty: not told.</param>
/// <param name="Tls">Version between client and proxy; empty: none, or not told.</param>
/// <param name="CommonName">Of the client's certificate, verified by the proxy; empty: none.</param>
public sealed record ProxyOrigin(EndAddress Proxy, string Authority, string Tls, string CommonName);
