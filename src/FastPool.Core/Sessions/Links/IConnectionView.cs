using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Core.Sessions;

/// <summary>The facts that a session's transport tells of itself, on its loop's thread.</summary>
public interface IConnectionView
{
    int Descriptor { get; }

    /// <summary>Empty, or <c>protocol/cipher…</c> as in the tls column.</summary>
    string Tls { get; }

    BufferView Buffer { get; }

    /// <summary>The peer has closed, as far as the kernel knows at this moment.</summary>
    bool IsPeerGone => false;
}

/// <summary>How far a connection's bytes have come; all 0 when it holds no buffer.</summary>
/// <param name="Received">Bytes in the buffer.</param>
/// <param name="Parsed">Of these, bytes judged.</param>
/// <param name="PacketRemain">Bytes of the present packet still to come.</param>
/// <param name="Sent">Bytes passed on.</param>
/// <param name="Unsent">Bytes from elsewhere that the peer has not taken.</param>
public readonly record struct BufferView(int Received, int Parsed, int PacketRemain, int Sent, int Unsent = 0);
