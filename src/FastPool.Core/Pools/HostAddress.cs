using System.Net;

namespace FastPool.Core.Pools;

/// <summary>
/// An address that a host name stood for. Servers that were connected through the name keep it: when a later answer lacks
/// the address they are to be replaced, and one word that they all look at says so, wherever they are.
/// </summary>
public sealed class HostAddress(IPAddress ip)
{
    private bool _isGone;

    public IPAddress Ip { get; } = ip;

    /// <summary>The name no longer stands for it. Never taken back: an address that returns is a new object.</summary>
    public bool IsGone => Volatile.Read(ref _isGone); // Pairs: MarkGone.

    public void MarkGone() => Volatile.Write(ref _isGone, true); // Pairs: IsGone.
}
