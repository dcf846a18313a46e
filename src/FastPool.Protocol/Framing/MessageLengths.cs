using System.Runtime.CompilerServices;

namespace FastPool.Protocol;

/// <summary>
/// The least and the greatest length of each type of message, type byte included. Any other length is refused before a session
/// looks into it, so that a field of fixed place is always there. Types without a row here have no length that is wrong.
/// Source: PostgreSQL, Message Formats; for what clients send, the bound that PostgreSQL 14 has set for small messages.
/// </summary>
public static class MessageLengths
{
    /// <summary>A parameter's name and value. PostgreSQL reports no values that come near.</summary>
    public const int ParameterStatusMax = 128 * 1024;

    private const int Empty = MessageHeader.Size;
    private const int FormatsMax = 2 * ushort.MaxValue;
    private const int CancelKeyMax = 256;
    private const int SmallMax = 10_000 + 1;

    /// <summary>A message of a server.</summary>
    /// <param name="length">Of the whole message, type byte included; at least <see cref="MessageHeader.Size"/>.</param>
    public static bool FitsServer(byte type, int length) => type switch
    {
        BackendMessage.ReadyForQuery => length == Empty + 1,
        BackendMessage.BindComplete => length == Empty,
        BackendMessage.ParseComplete => length == Empty,
        BackendMessage.CloseComplete => length == Empty,
        BackendMessage.NoData => length == Empty,
        BackendMessage.EmptyQueryResponse => length == Empty,
        BackendMessage.PortalSuspended => length == Empty,
        BackendMessage.CopyDone => length == Empty,
        BackendMessage.CommandComplete => length >= Empty + 1,
        BackendMessage.ErrorResponse => length >= Empty + 1,
        BackendMessage.NoticeResponse => length >= Empty + 1,
        BackendMessage.DataRow => length >= Empty + 2,
        BackendMessage.RowDescription => length >= Empty + 2,
        BackendMessage.ParameterDescription => length >= Empty + 2,
        BackendMessage.ParameterStatus => length is >= Empty + 1 + 1 and <= ParameterStatusMax,
        BackendMessage.Authentication => length >= Empty + 4,
        BackendMessage.FunctionCallResponse => length >= Empty + 4,
        BackendMessage.NotificationResponse => length >= Empty + 4 + 1 + 1,
        BackendMessage.NegotiateProtocolVersion => length >= Empty + 4 + 4,
        BackendMessage.BackendKeyData => length is >= Empty + 4 + 4 and <= Empty + 4 + CancelKeyMax,
        BackendMessage.CopyInResponse => length is >= Empty + 3 and <= Empty + 3 + FormatsMax,
        BackendMessage.CopyOutResponse => length is >= Empty + 3 and <= Empty + 3 + FormatsMax,
        BackendMessage.CopyBothResponse => length is >= Empty + 3 and <= Empty + 3 + FormatsMax,
        _ => true,
    };

    /// <summary>A message of a client. If PostgreSQL itself answers a wrong length, the message is passed on to it.</summary>
    /// <inheritdoc cref="FitsServer" path="/param"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool FitsClient(byte type, int length) => length <= SmallMax || MayBeLarge(type);

    private static bool MayBeLarge(byte type) => type is not (FrontendMessage.Close or FrontendMessage.CopyDone
        or FrontendMessage.Describe or FrontendMessage.Execute or FrontendMessage.Flush or FrontendMessage.Sync
        or FrontendMessage.Terminate);
}
