using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace FastPool.Protocol;

/// <summary>
/// Frames the stream: what packet begins at a position, and how long is it? Invariant: a Complete length is at least the header's
/// own and at most max_packet_size, so that position + length never moves backwards.
/// Source: PostgreSQL, Message Formats: the length word counts itself and not the type byte.
/// </summary>
public static class MessageHeader
{
    /// <summary>Type byte and length word.</summary>
    public const int Size = 5;

    /// <summary>Length word and code word.</summary>
    public const int UntypedSize = 8;

    /// <summary>The upper half of an untyped length word is always 0: its first byte says that the packet is untyped.</summary>
    public const int UntypedLengthMax = ushort.MaxValue;

    /// <summary>
    /// Reads the header at the start of <paramref name="data"/>. A first byte of 0 is an untyped packet at any time of the
    /// conversation.
    /// </summary>
    /// <param name="data">The unread bytes.</param>
    /// <param name="maxPacketSize">max_packet_size, in bytes, of the whole packet.</param>
    /// <param name="type">The type byte; 0 for an untyped packet, whose code <see cref="ReadCode"/> gives.</param>
    /// <param name="totalLength">Bytes of the whole packet, type byte included.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeaderStatus TryRead(ReadOnlySpan<byte> data, uint maxPacketSize, out byte type, out int totalLength)
    {
        if (data.Length < Size)
        {
            type = 0;
            totalLength = 0;
            return HeaderStatus.NeedMore;
        }
        type = data[0];
        if (type == 0) return TryReadUntyped(data, maxPacketSize, out _, out totalLength);

        // The sum wraps for a length of 0xFFFFFFFF and turns negative for one of 0x7FFFFFFF, so one signed and one unsigned
        // comparison see all.
        totalLength = (int)(BinaryPrimitives.ReadUInt32BigEndian(data.Slice(1)) + 1);
        return totalLength < Size || (uint)totalLength > maxPacketSize ? HeaderStatus.Bad : HeaderStatus.Complete;
    }

    /// <summary>
    /// Reads the header of a packet whose first byte is 0: StartupMessage and the requests that may come before it.
    /// </summary>
    /// <param name="data">The unread bytes.</param>
    /// <param name="maxPacketSize">max_packet_size, in bytes, of the whole packet.</param>
    /// <param name="code">The code word, one of <see cref="RequestCode"/> when the header is Complete.</param>
    /// <param name="totalLength">Bytes of the whole packet.</param>
    [MethodImpl(MethodImplOptions.NoInlining)] // Once or twice in a connection's life.
    public static HeaderStatus TryReadUntyped(ReadOnlySpan<byte> data, uint maxPacketSize, out uint code, out int totalLength)
    {
        code = 0;
        totalLength = 0;
        if (data.Length < UntypedSize) return HeaderStatus.NeedMore;

        var length = BinaryPrimitives.ReadUInt32BigEndian(data);
        if (length is < UntypedSize or > UntypedLengthMax || length > maxPacketSize) return HeaderStatus.Bad;

        totalLength = (int)length;
        code = ReadCode(data);
        return RequestCode.IsKnown(code) ? HeaderStatus.Complete : HeaderStatus.Bad;
    }

    /// <summary>The code word of an untyped packet whose header is Complete.</summary>
    public static uint ReadCode(ReadOnlySpan<byte> data) => BinaryPrimitives.ReadUInt32BigEndian(data.Slice(sizeof(uint)));

    /// <summary>The body of a whole packet: what TryRead of its message takes.</summary>
    /// <remarks>An untyped body begins with the code word, which the manual lists as its first field.</remarks>
    public static ReadOnlySpan<byte> Body(ReadOnlySpan<byte> packet) => packet.Slice(packet[0] == 0 ? sizeof(uint) : Size);
}
