namespace FastPool.Protocol;

/// <summary>
/// The types that a client sends, for switches. Those that the pooler reads or writes field by field are messages of their own.
/// SASLInitialResponse, SASLResponse and GSSResponse share the type of PasswordMessage.
/// </summary>
public static class FrontendMessage
{
    public const byte Bind = Protocol.Bind.Type;
    public const byte Close = Protocol.Close.Type;
    public const byte CopyData = (byte)'d';
    public const byte CopyDone = (byte)'c';
    public const byte CopyFail = (byte)'f';
    public const byte Describe = Protocol.Describe.Type;
    public const byte Execute = Protocol.Execute.Type;
    public const byte Flush = (byte)'H';
    public const byte FunctionCall = (byte)'F';
    public const byte Parse = Protocol.Parse.Type;
    public const byte PasswordMessage = Protocol.PasswordMessage.Type;
    public const byte Query = Protocol.Query.Type;
    public const byte Sync = (byte)'S';
    public const byte Terminate = (byte)'X';
}
