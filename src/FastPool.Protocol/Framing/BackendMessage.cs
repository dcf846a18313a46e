namespace FastPool.Protocol;

/// <summary>The types a server sends, for switches.</summary>
public static class BackendMessage
{
    /// <summary>All authentication requests; <see cref="AuthenticationCode"/> tells them apart.</summary>
    public const byte Authentication = AuthenticationRequest.Type;
    public const byte BackendKeyData = Protocol.BackendKeyData.Type;
    public const byte BindComplete = Protocol.BindComplete.Type;
    public const byte CloseComplete = Protocol.CloseComplete.Type;
    public const byte CommandComplete = Protocol.CommandComplete.Type;
    public const byte CopyBothResponse = Protocol.CopyBothResponse.Type;
    public const byte CopyData = Protocol.CopyData.Type;
    public const byte CopyDone = Protocol.CopyDone.Type;
    public const byte CopyInResponse = Protocol.CopyInResponse.Type;
    public const byte CopyOutResponse = Protocol.CopyOutResponse.Type;
    public const byte DataRow = Protocol.DataRow.Type;
    public const byte EmptyQueryResponse = Protocol.EmptyQueryResponse.Type;
    public const byte ErrorResponse = Protocol.ErrorResponse.Type;
    public const byte FunctionCallResponse = Protocol.FunctionCallResponse.Type;
    public const byte NegotiateProtocolVersion = Protocol.NegotiateProtocolVersion.Type;
    public const byte NoData = Protocol.NoData.Type;
    public const byte NoticeResponse = Protocol.NoticeResponse.Type;
    public const byte NotificationResponse = Protocol.NotificationResponse.Type;
    public const byte ParameterDescription = Protocol.ParameterDescription.Type;
    public const byte ParameterStatus = Protocol.ParameterStatus.Type;
    public const byte ParseComplete = Protocol.ParseComplete.Type;
    public const byte PortalSuspended = Protocol.PortalSuspended.Type;
    public const byte ReadyForQuery = Protocol.ReadyForQuery.Type;
    public const byte RowDescription = Protocol.RowDescription.Type;
}
