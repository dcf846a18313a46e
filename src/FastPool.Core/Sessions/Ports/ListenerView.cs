using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Core.Sessions;

/// <summary>A listening socket, for SHOW FDS.</summary>
/// <param name="Address">Local IP or <c>unix</c>.</param>
public sealed record ListenerView(int Descriptor, string Address, int Port);
