using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// The owner of the server's unnamed statement. A client's own stays with the client. Where a server has another client's, or
/// none, the client's is prepared once more before it is bound. The reply to that is not for the client.
/// </summary>
public sealed partial class ServerSession
{
    private long _unnamedClient; // 0: none, or an unknown one's.
    private long _unnamedSerial;
    private int _unnamedUnderWay;
    private int _unnamedSegment = -1; // In which the present client has last seen to it.
    private bool _wasUnnamedRight; // Before what is under way.

    /// <summary>
    /// Whether it is the client's cannot be told before replies are here: a Parse of an earlier segment may have been skipped,
    /// and then the server has another client's. Or a query of the pooler's own is on its way, which drops it.
    /// </summary>
    internal bool IsUnnamedInDoubt =>
        _unnamedSegment != _segment && ((_unnamedUnderWay > 0 && !_wasUnnamedRight) || _restoresUnderWay > 0);

    /// <summary>Number of the present stretch between two Syncs.</summary>
    internal int Segment => _segment;

    private bool HasUnnamedOf(ClientSession client) =>
        client.Unnamed is { Serial: > 0 } unnamed && _unnamedClient == client.Id && _unnamedSerial == unnamed.Serial;

    /// <summary>A Parse of the unnamed statement, or what drops it, goes to the server.</summary>
    internal void ExpectUnnamed(byte type, ReplyAction action, RequestKind kind = RequestKind.Unnamed)
    {
        if (_unnamedUnderWay++ == 0) _wasUnnamedRight = HasUnnamedOf(Client!) && _restoresUnderWay == 0;
        _unnamedSegment = _segment;
        NoteRequest();
        IsReady = false;
        IsIdleInTransaction = false;
        Outstanding.Add(type, action, null, kind);
    }

    /// <summary>
    /// The client is about to bind or describe its unnamed statement. Writes the messages that must go to the server before
    /// that.
    /// </summary>
    internal void EnsureUnnamed(MessageBuffer output)
    {
        if (_unnamedSegment == _segment || (_unnamedUnderWay > 0 ? _wasUnnamedRight : HasUnnamedOf(Client!))) return;
        if (Client!.Unnamed is { Text: { IsEmpty: false } text })
        {
            Statement.WriteParse(default, text, output);
            ExpectUnnamed(FrontendMessage.Parse, ReplyAction.Swallow);
            Context.Figures.UnnamedHealed++;
            AddUse(SafetyUse.UnnamedHealed);
            return;
        }
        // There is none, and PostgreSQL says so.
        output.Write(new Close { Kind = (byte)'S', Name = default });
        ExpectUnnamed(FrontendMessage.Close, ReplyAction.Swallow);
    }

    /// <summary>A simple query goes to the server: that drops it.</summary>
    private void ExpectQuery()
    {
        if (Client!.Unnamed is { } unnamed)
        {
            unnamed.SendDrop();
            ExpectUnnamed(FrontendMessage.Query, ReplyAction.Forward);
            return;
        }
        _unnamedClient = 0;
        NoteRequest();
        Outstanding.Add(FrontendMessage.Query);
    }

    /// <summary>A query of the pooler's own drops it.</summary>
    private void ForgetUnnamed() => _unnamedClient = 0;

    /// <summary>A request that changes it is through.</summary>
    private void EndUnnamed(ReplyAction action, RequestEnd end)
    {
        _unnamedUnderWay--;
        var unnamed = Client?.Unnamed;
        if (action == ReplyAction.Forward) unnamed?.End(end);
        if (end == RequestEnd.Skipped) return;
        var isTheirs = end == RequestEnd.Done && unnamed is not null;
        (_unnamedClient, _unnamedSerial) = isTheirs ? (Client!.Id, unnamed!.Serial) : (0, 0);
    }
}
