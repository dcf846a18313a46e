using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// The prepared statements of a server connection: which it has, which are on their way, which a client may count on.
/// </summary>
public sealed partial class ServerSession
{
    private ServerStatements? _statements;

    public int StatementCount => _statements?.Count ?? 0;

    private ServerStatements Statements => _statements ??= new ServerStatements(Context.Statements);

    /// <summary>A reply that answers the head; the client does not see it if the pooler asked.</summary>
    private Verdict Pop(byte type)
    {
        if (type == FrontendMessage.Close && Outstanding.FenceCount > 0
            && !(Outstanding.Head is { Type: FrontendMessage.Close, IsFence: false }))
        {
            PassFence();
            return Verdict.Skip;
        }
        if (Outstanding.TryPop(type, out var request))
        {
            if (request.Kind == RequestKind.Unnamed) EndUnnamed(request.Action, RequestEnd.Done);
            else if (request.Kind == RequestKind.Refused) AcceptRefused(request);
            else if (type == FrontendMessage.Parse && request.Statement is { } parsed)
                Statements.EndParse(parsed, hasFailed: false);
        }
        if (request.Action == ReplyAction.Forward)
        {
            if (type == FrontendMessage.Bind)
            {
                _bound = request.Statement;
                if (_keeps && _bound is { MayLeaveState: true } setter)
                    LookForState(setter.Key, isWhole: true, isBoundLater: true);
            }
            else if (type == FrontendMessage.Parse && request.Statement is not null)
            {
                Client!.EndChange(RequestEnd.Done);
            }
            return Verdict.Forward;
        }
        if (type == FrontendMessage.Close && request.Statement is { } closed)
        {
            Statements.EndClose(closed);
            Context.Statements.LetGo(closed);
        }
        return Verdict.Skip;
    }

    /// <summary>With what settings this server reads a text that comes now, as far as it has told.</summary>
    internal TextSettings TextSettings => Context.Statements.SettingsOf(Context.Tracked, Parameters);

    /// <summary>
    /// The client names a statement for the first time. Writes the messages that must go to the server before its Parse.
    /// </summary>
    /// <returns>True when nothing goes to the server: the reply is faked.</returns>
    internal bool ParseFor(Statement statement, MessageBuffer output)
    {
        NoteRequest();
        if (Statements.Has(statement, _segment))
        {
            if (!MayHaveFailed) return true;
            Statements.MarkStale(statement);
        }
        BeginPrepare(statement, ReplyAction.Forward, output);
        return false;
    }

    /// <summary>
    /// The transaction has failed, or may have by what is not answered yet: PostgreSQL refuses a Parse there, whatever the
    /// server has.
    /// </summary>
    private bool MayHaveFailed => _hasTransactionFailed || Outstanding.SyncCount > 0 || Outstanding.QueryCount > 0;

    /// <summary>A ReadyForQuery is on its way, whatever the client sends.</summary>
    internal bool AwaitsReady => !Copy.IsInDoubt && !Copy.IsOffBeat
        && (Outstanding.SyncCount > 0 || (Outstanding.QueryCount > 0 && !Outstanding.IsSegmentOpen));

    /// <summary>Sees to it that the server has the statement before what comes next.</summary>
    internal void EnsurePrepared(Statement statement, MessageBuffer output)
    {
        NoteRequest();
        if (Statements.TryUse(statement, _segment)) return;
        BeginPrepare(statement, ReplyAction.Swallow, output);
        statement.WriteParse(output);
    }

    private void CloseStale(Statement statement, MessageBuffer output)
    {
        statement.WriteClose(output);
        statement.TryHold();
        ExpectClose(statement);
    }

    /// <summary>Makes room for it, and expects the reply to its Parse, which the caller sends.</summary>
    private void BeginPrepare(Statement statement, ReplyAction action, MessageBuffer output)
    {
        IsReady = false;
        if (Statements.TakeStale(statement)) CloseStale(statement, output);
        var others = Math.Max(1, Pool.Limits.MaxPreparedStatements) - 1;
        while (Statements.Count > others)
        {
            var evicted = Statements.TakeOldest();
            evicted.WriteClose(output);
            ExpectClose(evicted);
        }
        Outstanding.Add(FrontendMessage.Parse, action, statement);
        Pool.Stats[Context.Loop].ServerParses++;
        Statements.AddParsing(statement, _segment);
    }

    /// <summary>The request holds the statement until the server has closed it.</summary>
    private void ExpectClose(Statement statement)
    {
        Statements.AddClosing(statement);
        Outstanding.Add(FrontendMessage.Close, ReplyAction.Swallow, statement);
    }

    /// <summary>A request about a statement of ours to which the server will reply.</summary>
    internal void ExpectNamed(byte type, Statement statement)
    {
        IsReady = false;
        IsIdleInTransaction = false;
        Outstanding.Add(type, ReplyAction.Forward, statement);
    }

    /// <summary>A request to which the pooler will reply, in its turn.</summary>
    internal void ExpectFake(byte type, Statement? statement)
    {
        NoteRequest();
        Outstanding.Add(type, ReplyAction.Fake, statement);
    }

    /// <summary>Replies of the pooler's own are due, or will be.</summary>
    public bool HasOwnReplies => Outstanding.FakeCount > 0 || _nextWords is not null;

    /// <summary>Writes the replies of the pooler's own whose turn has come.</summary>
    public void TakeOwnReplies(MessageBuffer output)
    {
        if (_nextWords is not null)
        {
            output.Write(_nextWords);
            _nextWords = null;
        }
        while (Outstanding.FakeCount > 0 && Outstanding.Head.Action == ReplyAction.Fake)
        {
            var isParse = Outstanding.Pop().Type == FrontendMessage.Parse;
            Client?.EndChange(RequestEnd.Done);
            output.Write(isParse ? PreparedMessages.ParseComplete : PreparedMessages.CloseComplete);
        }
    }

    /// <summary>
    /// A request has failed, or the server has skipped it after an error: what it would have done to statements has not happened.
    /// </summary>
    private void NoteUndone(in Request request, RequestEnd end)
    {
        switch (request)
        {
            case { Kind: RequestKind.Unnamed }:
                EndUnnamed(request.Action, end);
                break;
            case { Kind: RequestKind.Drops }:
                EndDrops(request, end);
                break;
            case { Kind: RequestKind.Refused }:
                Client!.TakeRefusedName();
                break;
            case { Type: FrontendMessage.Query, Kind: RequestKind.Own or RequestKind.OwnInDoubt }:
                EndRestore(request.Kind);
                break;
            case { Type: FrontendMessage.Parse, Statement: { } parsed }:
                if (request.Action != ReplyAction.Fake) Statements.EndParse(parsed, hasFailed: true);
                if (request.Action != ReplyAction.Swallow) Client!.EndChange(end);
                break;
            case { Type: FrontendMessage.Close, Action: ReplyAction.Fake }:
                Client!.EndChange(end);
                break;
            case { Type: FrontendMessage.Close, Statement: { } closed }: DoubtClosed(closed); break;
        }
    }

    /// <summary>The server has it, or not: the next use closes it first, which is right in both cases.</summary>
    private void DoubtClosed(Statement closed)
    {
        Statements.EndClose(closed);
        Statements.Add(closed);
        Statements.MarkStale(closed);
        Context.Statements.LetGo(closed);
    }

    /// <summary>
    /// A message about a statement of ours has failed. "Cached plan must not change result type": the server would say so for
    /// ever, and the others too; the next use on each closes the statement and prepares it anew. That it does not exist:
    /// something has dropped it, and perhaps more, behind our back. That it does exist: something has kept it.
    /// </summary>
    private Verdict NoteFailed(in Request request, ReadOnlySpan<byte> message)
    {
        if (request.Kind == RequestKind.Refused) return Refuse(request, message);
        if (_statements is null || request.Statement is null) return Verdict.Forward;
        var sqlState = new ErrorFields(message[HeaderLength..]).SqlState;
        switch (request.Type)
        {
            case FrontendMessage.Bind
                or FrontendMessage.Describe when sqlState.SequenceEqual("0A000"u8):
                _statements.EndGeneration(request.Statement!);
                break;
            case FrontendMessage.Bind
                or FrontendMessage.Describe when sqlState.SequenceEqual("26000"u8):
                _statements.MarkAllStale(); break;
            case FrontendMessage.Bind when sqlState.SequenceEqual("08P01"u8): return TellOwnName(request.Statement!, message);
            case FrontendMessage.Parse when sqlState.SequenceEqual("42P05"u8): _statements.MarkStale(request.Statement!); break;
        }
        return Verdict.Forward;
    }

    /// <summary>Tags that tell of statements gone by SQL.</summary>
    /// <param name="executed">The Execute that is through; the default: a query is at the head.</param>
    private void NoteCommand(in Request executed, ReadOnlySpan<byte> message)
    {
        var tag = message[HeaderLength..];
        if (tag.SequenceEqual("DEALLOCATE\0"u8) && (executed.Type != 0 || !Outstanding.IsEmpty))
            PassDrop(executed.Type != 0 ? executed : Outstanding.Head);
        if (executed.Kind == RequestKind.Drops) EndDrops(executed, RequestEnd.Failed);
        if (tag.SequenceEqual("SET\0"u8) || tag.SequenceEqual("RESET\0"u8)) _statements?.NoteSet();
        if (!DropsStatements(tag)) return;
        _statements?.ForgetSettled();
        Client!.DropStatements();
    }

    private static bool DropsStatements(ReadOnlySpan<byte> tag) =>
        tag.SequenceEqual("DEALLOCATE ALL\0"u8) || tag.SequenceEqual("DISCARD ALL\0"u8);

    /// <summary>The connection is closed: lets go of everything shared.</summary>
    public void LetGoOfStatements()
    {
        while (!Outstanding.IsEmpty)
        {
            if (Outstanding.Pop() is { Type: FrontendMessage.Close, Statement: { } evicted }) Context.Statements.LetGo(evicted);
        }
        _statements?.Clear();
    }
}
