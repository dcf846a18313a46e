namespace FastPool.Protocol;

/// <summary>
/// The types a client sends, for switches. SASLInitialResponse, SASLResponse and GSSResponse share the type of PasswordMessage.
/// </summary>
public static class FrontendMessage
{
    public const byte Bind = Protocol.Bind.Type;
    public const byte Close = Protocol.Close.Type;
    public const byte CopyData = Protocol.CopyData.Type;
    public const byte CopyDone = Protocol.CopyDone.Type;
    public const byte CopyFail = Protocol.CopyFail.Type;
    public const byte Describe = Protocol.Describe.Type;
    public const byte Execute = Protocol.Execute.Type;
    public const byte Flush = Protocol.Flush.Type;
    public const byte FunctionCall = Protocol.FunctionCall.Type;
    public const byte Parse = Protocol.Parse.Type;
    public const byte PasswordMessage = Protocol.PasswordMessage.Type;
    public const byte Query = Protocol.Query.Type;
    public const byte Sync = Protocol.Sync.Type;
    public const byte Terminate = Protocol.Terminate.Type;
}
