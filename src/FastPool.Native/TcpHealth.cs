namespace FastPool.Native;

/// <summary>The state of a TCP connection's peer, as the kernel sees it (TCP_INFO).</summary>
/// <param name="IsKnown">False: the socket is none of TCP, or the kernel does not tell.</param>
/// <param name="Owed">Segments that are not acknowledged, and bytes that are not sent.</param>
/// <param name="HeardMs">Since the last acknowledgement of whatever kind, milliseconds.</param>
/// <param name="Retries">Timeouts of the same segment since it was last acknowledged anew.</param>
/// <param name="Probes">Of a window that is shut, or of keepalive: those that are not answered.</param>
public readonly record struct TcpHealth(bool IsKnown, long Owed, long HeardMs, int Retries, int Probes);
