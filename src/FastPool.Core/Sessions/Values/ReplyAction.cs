using FastPool.Base;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>The treatment of the reply to an outstanding request.</summary>
public enum ReplyAction : byte
{
    /// <summary>It goes to the client.</summary>
    Forward,
    /// <summary>The pooler asked; the client sees nothing.</summary>
    Swallow,
    /// <summary>Nothing was sent to the server: the pooler answers when its turn comes.</summary>
    Fake,
}
