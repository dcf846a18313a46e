using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Core.Sessions;

/// <summary>A cancel request between its arrival and its delivery.</summary>
/// <param name="Client">The connection that brought it; null: the pooler cancels a query whose client has gone.</param>
/// <param name="Pool">Of the client whose query is to be canceled; null: the request is for a peer.</param>
/// <param name="PeerId">0: not for a peer.</param>
/// <param name="Carrier">The connection that carries it; null: it still waits for one.</param>
public readonly record struct CancelView(ClientSession? Client, Pool? Pool, int PeerId, CancelCarrier? Carrier);

/// <summary>A server connection opened to deliver one cancel request.</summary>
/// <param name="Id">Serial number over clients and servers.</param>
/// <param name="IsConnecting">Not connected yet, so the request has not been sent.</param>
public sealed record CancelCarrier(long Id, EndAddress Remote, EndAddress Local, int UnixPort, long ConnectWallUs,
    bool IsConnecting);
