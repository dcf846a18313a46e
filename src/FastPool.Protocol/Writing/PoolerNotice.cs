using System.Text;

namespace FastPool.Protocol;

/// <summary>
/// The pooler's own NoticeResponse: severity NOTICE, SQLSTATE 00000, the message and, where there is one, the detail.
/// </summary>
public static class PoolerNotice
{
    private static ReadOnlySpan<byte> Severity => "NOTICE"u8;

    private static ReadOnlySpan<byte> SuccessfulCompletion => "00000"u8;

    /// <summary>Bytes of the whole packet.</summary>
    public static int Size(ReadOnlySpan<byte> message, ReadOnlySpan<byte> detail = default) =>
        PoolerFields.PacketSize(Severity, SuccessfulCompletion, message, detail);

    /// <summary>The whole packet.</summary>
    /// <exception cref="ArgumentException">A text holds a NUL.</exception>
    public static byte[] Of(string message, string detail)
    {
        var (text, more) = (Encoding.UTF8.GetBytes(message), Encoding.UTF8.GetBytes(detail));
        var packet = new byte[Size(text, more)];
        Write(packet, text, more);
        return packet;
    }

    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    /// <param name="message">The text, without a NUL.</param>
    /// <param name="detail">The D field; empty: no such field.</param>
    /// <returns>The bytes written.</returns>
    /// <exception cref="ArgumentException">The destination is too short, or a field holds a NUL.</exception>
    public static int Write(Span<byte> destination, ReadOnlySpan<byte> message, ReadOnlySpan<byte> detail = default) =>
        PoolerFields.Write(destination, BackendMessage.NoticeResponse, Severity, SuccessfulCompletion, message, detail);
}
