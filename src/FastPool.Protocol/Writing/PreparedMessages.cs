namespace FastPool.Protocol;

/// <summary>Whole packets that never change, ready to send: the bytes stand in the binary.</summary>
public static class PreparedMessages
{
    public static ReadOnlySpan<byte> Sync => "S\0\0\0\u0004"u8;
    public static ReadOnlySpan<byte> Terminate => "X\0\0\0\u0004"u8;

    /// <summary>Not a literal: a code above 127 is not one byte in UTF-8.</summary>
    public static ReadOnlySpan<byte> SSLRequest => [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F];

    public static ReadOnlySpan<byte> AuthenticationOk => "R\0\0\0\u0008\0\0\0\0"u8;
    public static ReadOnlySpan<byte> AuthenticationCleartextPassword => "R\0\0\0\u0008\0\0\0\u0003"u8;

    public static ReadOnlySpan<byte> ReadyForQueryIdle => "Z\0\0\0\u0005I"u8;
    public static ReadOnlySpan<byte> ReadyForQueryInTransaction => "Z\0\0\0\u0005T"u8;
    public static ReadOnlySpan<byte> ReadyForQueryFailed => "Z\0\0\0\u0005E"u8;
    public static ReadOnlySpan<byte> ParseComplete => "1\0\0\0\u0004"u8;
    public static ReadOnlySpan<byte> BindComplete => "2\0\0\0\u0004"u8;
    public static ReadOnlySpan<byte> CloseComplete => "3\0\0\0\u0004"u8;
    public static ReadOnlySpan<byte> NoData => "n\0\0\0\u0004"u8;
    public static ReadOnlySpan<byte> EmptyQueryResponse => "I\0\0\0\u0004"u8;
}
