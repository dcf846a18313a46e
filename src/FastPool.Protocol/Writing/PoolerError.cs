namespace FastPool.Protocol;

/// <summary>
/// The pooler's own ErrorResponse: the fields S, C and M in this order, as PgBouncer's clients know it, without the V field of a
/// server; and D where there is one.
/// </summary>
public static class PoolerError
{
    /// <summary>Bytes of the whole packet.</summary>
    public static int Size(ReadOnlySpan<byte> severity, ReadOnlySpan<byte> sqlState, ReadOnlySpan<byte> message,
        ReadOnlySpan<byte> detail = default) =>
        PoolerFields.PacketSize(severity, sqlState, message, detail);

    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    /// <param name="severity">FATAL when the connection is closed afterwards, else ERROR.</param>
    /// <param name="sqlState">Five characters.</param>
    /// <param name="message">The text, without a NUL.</param>
    /// <param name="detail">Empty: the field is left out.</param>
    /// <returns>The bytes written.</returns>
    /// <exception cref="ArgumentException">The destination is too short, or a field holds a NUL.</exception>
    public static int Write(
        Span<byte> destination, ReadOnlySpan<byte> severity, ReadOnlySpan<byte> sqlState, ReadOnlySpan<byte> message,
        ReadOnlySpan<byte> detail = default) =>
        PoolerFields.Write(destination, BackendMessage.ErrorResponse, severity, sqlState, message, detail);
}
