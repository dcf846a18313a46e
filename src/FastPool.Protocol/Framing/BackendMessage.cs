namespace FastPool.Protocol;

/// <summary>
/// The types that a server sends, for switches. Those that the pooler reads or writes field by field are messages of their own.
/// </summary>
public static class BackendMessage
{
    /// <summary>All authentication requests; <see cref="AuthenticationCode"/> tells them apart.</summary>
    public const byte Authentication = AuthenticationRequest.Type;
    public const byte BackendKeyData = Protocol.BackendKeyData.Type;
    public const byte BindComplete = (byte)'2';
    public const byte CloseComplete = (byte)'3';
    public const byte CommandComplete = Protocol.CommandComplete.Type;
    public const byte CopyBothResponse = (byte)'W';
    public const byte CopyData = (byte)'d';
    public const byte CopyDone = (byte)'c';
    public const byte CopyInResponse = (byte)'G';
    public const byte CopyOutResponse = (byte)'H';
    public const byte DataRow = Protocol.DataRow.Type;
    public const byte EmptyQueryResponse = (byte)'I';
    public const byte ErrorResponse = (byte)'E';
    public const byte FunctionCallResponse = (byte)'V';
    public const byte NegotiateProtocolVersion = Protocol.NegotiateProtocolVersion.Type;
    public const byte NoData = (byte)'n';
    public const byte NoticeResponse = (byte)'N';
    public const byte NotificationResponse = (byte)'A';
    public const byte ParameterDescription = (byte)'t';
    public const byte ParameterStatus = Protocol.ParameterStatus.Type;
    public const byte ParseComplete = (byte)'1';
    public const byte PortalSuspended = (byte)'s';
    public const byte ReadyForQuery = Protocol.ReadyForQuery.Type;
    public const byte RowDescription = Protocol.RowDescription.Type;
}
