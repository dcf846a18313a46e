using System.Runtime.CompilerServices;

namespace FastPool.Protocol;

/// <summary>
/// The least and the greatest length of each type of message, type byte included. Any other length is refused before a session
/// looks into it, so that a field of fixed place is always there. Types without a row here have no length that is wrong.
/// Source: PostgreSQL, Message Formats; for what clients send, the bound that PostgreSQL 14 has set for small messages.
/// </summary>
public sealed class MessageLengths
{
    /// <summary>A parameter's name and value. PostgreSQL reports no values that come near.</summary>
    public const int ParameterStatusMax = 128 * 1024;

    private const int Any = int.MaxValue;
    private const int Empty = MessageHeader.Size;
    private const int FormatsMax = 2 * ushort.MaxValue;
    private const int CancelKeyMax = 256;
    private const int SmallMax = 10_000 + 1;

    private readonly int[] _least = new int[256];
    private readonly int[] _most = new int[256];

    private MessageLengths(params ReadOnlySpan<(byte Type, int Least, int Most)> rows)
    {
        Array.Fill(_least, Empty);
        Array.Fill(_most, Any);
        foreach (var (type, least, most) in rows) (_least[type], _most[type]) = (least, most);
    }

    /// <summary>Messages of servers.</summary>
    public static MessageLengths OfServer { get; } = new(
        (BackendMessage.Authentication, Empty + 4, Any),
        (BackendMessage.BackendKeyData, Empty + 4 + 4, Empty + 4 + CancelKeyMax),
        (BackendMessage.BindComplete, Empty, Empty),
        (BackendMessage.CloseComplete, Empty, Empty),
        (BackendMessage.CommandComplete, Empty + 1, Any),
        (BackendMessage.CopyBothResponse, Empty + 3, Empty + 3 + FormatsMax),
        (BackendMessage.CopyData, Empty, Any),
        (BackendMessage.CopyDone, Empty, Empty),
        (BackendMessage.CopyInResponse, Empty + 3, Empty + 3 + FormatsMax),
        (BackendMessage.CopyOutResponse, Empty + 3, Empty + 3 + FormatsMax),
        (BackendMessage.DataRow, Empty + 2, Any),
        (BackendMessage.EmptyQueryResponse, Empty, Empty),
        (BackendMessage.ErrorResponse, Empty + 1, Any),
        (BackendMessage.FunctionCallResponse, Empty + 4, Any),
        (BackendMessage.NegotiateProtocolVersion, Empty + 4 + 4, Any),
        (BackendMessage.NoData, Empty, Empty),
        (BackendMessage.NoticeResponse, Empty + 1, Any),
        (BackendMessage.NotificationResponse, Empty + 4 + 1 + 1, Any),
        (BackendMessage.ParameterDescription, Empty + 2, Any),
        (BackendMessage.ParameterStatus, Empty + 1 + 1, ParameterStatusMax),
        (BackendMessage.ParseComplete, Empty, Empty),
        (BackendMessage.PortalSuspended, Empty, Empty),
        (BackendMessage.ReadyForQuery, Empty + 1, Empty + 1),
        (BackendMessage.RowDescription, Empty + 2, Any));

    /// <summary>Messages of clients. If PostgreSQL itself answers a wrong length, the message is passed on to it.</summary>
    public static MessageLengths OfClient { get; } = new(
        (FrontendMessage.Close, Empty, SmallMax),
        (FrontendMessage.CopyDone, Empty, SmallMax),
        (FrontendMessage.Describe, Empty, SmallMax),
        (FrontendMessage.Execute, Empty, SmallMax),
        (FrontendMessage.Flush, Empty, SmallMax),
        (FrontendMessage.Sync, Empty, SmallMax),
        (FrontendMessage.Terminate, Empty, SmallMax));

    /// <param name="length">Of the whole message, type byte included.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Fit(byte type, int length) => length >= _least[type] && length <= _most[type];
}
