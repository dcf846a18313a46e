using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>A request to a server whose reply is outstanding.</summary>
/// <param name="Type">The frontend message.</param>
/// <param name="Statement">The prepared statement it is about, if it is tracked.</param>
public readonly record struct Request(byte Type, ReplyAction Action, Statement? Statement, RequestKind Kind = RequestKind.Plain)
{
    /// <summary>Its end changes what is known of statements.</summary>
    internal bool IsTracked => Statement is not null || Kind != RequestKind.Plain;

    /// <summary>The Close of the pooler's that stands behind a COPY whose Syncs are in doubt.</summary>
    internal bool IsFence =>
        Type == FrontendMessage.Close && Action == ReplyAction.Swallow && Statement is null && Kind == RequestKind.Plain;
}
