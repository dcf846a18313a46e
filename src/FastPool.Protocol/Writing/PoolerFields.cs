namespace FastPool.Protocol;

/// <summary>The common part of PoolerError and PoolerNotice: the fields S, C, M and perhaps D, then the terminator.</summary>
internal static class PoolerFields
{
    /// <summary>The code byte and the NUL.</summary>
    private const int FieldOverhead = 2;

    /// <summary>The header, the three fields that are always there, the terminator.</summary>
    private const int Overhead = MessageHeader.Size + (3 * FieldOverhead) + 1;

    public static int PacketSize(
        ReadOnlySpan<byte> severity, ReadOnlySpan<byte> sqlState, ReadOnlySpan<byte> message, ReadOnlySpan<byte> detail) =>
        Overhead + severity.Length + sqlState.Length + message.Length + (detail.IsEmpty ? 0 : FieldOverhead + detail.Length);

    public static int Write(
        Span<byte> destination, byte type, ReadOnlySpan<byte> severity, ReadOnlySpan<byte> sqlState,
        ReadOnlySpan<byte> message, ReadOnlySpan<byte> detail)
    {
        var size = PacketSize(severity, sqlState, message, detail);
        var writer = new BodyWriter(destination, size);
        writer.Byte(type);
        writer.Int32(size - 1);
        writer.Byte(ErrorFields.SeverityCode);
        writer.CString(severity);
        writer.Byte(ErrorFields.SqlStateCode);
        writer.CString(sqlState);
        writer.Byte(ErrorFields.MessageCode);
        writer.CString(message);
        if (!detail.IsEmpty)
        {
            writer.Byte(ErrorFields.DetailCode);
            writer.CString(detail);
        }
        writer.Byte(0);
        return size;
    }
}
