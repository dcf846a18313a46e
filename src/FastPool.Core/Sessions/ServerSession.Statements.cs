using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>The prepared statements of a server connection: which it has, which are on their way, which a client may count on.</summary>
public sealed partial class ServerSession
{
    private ServerStatements? _statements;

    public int StatementCount => _statements?.Count ?? 0;

    private ServerStatements Statements => _statements ??= new ServerStatements(Context.Statements);

    /// <summary>A reply that answers the head; the client does not see it if the pooler asked.</summary>
    private Verdict Pop(byte type)
    {
        if (Outstanding.TryPop(type, out var request) && type == FrontendMessage.Parse && request.Statement is { } parsed) Statements.EndParse(parsed, hasFailed: false);
        if (request.Action == ReplyAction.Forward)
        {
            if (type == FrontendMessage.Bind) _bound = request.Statement;
            else if (type == FrontendMessage.Parse && request.Statement is not null) Client!.EndParse(hasFailed: false);
            return Verdict.Forward;
        }
        if (type == FrontendMessage.Close && request.Statement is { } closed)
        {
            Statements.EndClose(closed);
            Context.Statements.LetGo(closed);
        }
        return Verdict.Skip;
    }

    /// <summary>The client names a statement for the first time.</summary>
    /// <returns>True when nothing goes to the server: the reply is faked.</returns>
    internal bool ParseFor(Statement statement, MessageBuffer output)
    {
        if (Statements.Has(statement, _segment)) return true;
        if (Statements.TakeStale(statement)) CloseStale(statement, output);
        Prepare(statement, ReplyAction.Forward, output);
        return false;
    }

    /// <summary>Sees to it that the server has the statement before what comes next.</summary>
    internal void EnsurePrepared(Statement statement, MessageBuffer output)
    {
        if (Statements.TryUse(statement, _segment)) return;
        if (Statements.TakeStale(statement)) CloseStale(statement, output);
        Prepare(statement, ReplyAction.Swallow, output);
    }

    private void CloseStale(Statement statement, MessageBuffer output)
    {
        statement.WriteClose(output);
        statement.TryHold();
        ExpectClose(statement);
    }

    private void Prepare(Statement statement, ReplyAction action, MessageBuffer output)
    {
        IsReady = false;
        statement.WriteParse(output);
        Outstanding.Add(FrontendMessage.Parse, action, statement);
        Pool.Stats[Context.Loop].ServerParses++;
        Statements.AddParsing(statement, _segment);
        var most = Math.Max(1, Pool.Limits.MaxPreparedStatements);
        while (Statements.Count > most)
        {
            var evicted = Statements.TakeOldest();
            evicted.WriteClose(output);
            ExpectClose(evicted);
        }
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

    /// <summary>Writes the faked replies whose turn has come.</summary>
    public void TakeFakes(MessageBuffer output)
    {
        while (Outstanding.FakeCount > 0 && Outstanding.Head.Action == ReplyAction.Fake)
        {
            var isParse = Outstanding.Pop().Type == FrontendMessage.Parse;
            if (isParse) Client?.EndParse(hasFailed: false);
            output.Write(isParse ? PreparedMessages.ParseComplete : PreparedMessages.CloseComplete);
        }
    }

    /// <summary>The server skipped the request after an error: what it would have done to its statements has not happened.</summary>
    private void NoteSkipped(Request skipped)
    {
        if (skipped.Type == FrontendMessage.Parse)
        {
            if (skipped.Action != ReplyAction.Fake) Statements.EndParse(skipped.Statement!, hasFailed: true);
            if (skipped.Action != ReplyAction.Swallow) Client!.EndParse(hasFailed: true);
            return;
        }
        if (skipped.Type != FrontendMessage.Close) return;
        Statements.EndClose(skipped.Statement!);
        Statements.Add(skipped.Statement!);
        Statements.MarkStale(skipped.Statement!); // The server has it, or not: the next use closes it first, which is right in both cases.
        Context.Statements.LetGo(skipped.Statement!);
    }

    /// <summary>
    /// "cached plan must not change result type": the server would say so for ever, and the others too. The next use on each closes the
    /// statement and prepares it anew.
    /// </summary>
    private void NoteFailedBind(Statement statement, ReadOnlySpan<byte> message)
    {
        var error = new ErrorFields(message[HeaderLength..]);
        if (error.SqlState.SequenceEqual("0A000"u8)) _statements?.EndGeneration(statement);
    }

    /// <summary>Tags that tell of statements gone by SQL.</summary>
    private void NoteCommand(ReadOnlySpan<byte> message)
    {
        var tag = message[HeaderLength..];
        if (!tag.SequenceEqual("DEALLOCATE ALL\0"u8) && !tag.SequenceEqual("DISCARD ALL\0"u8)) return;
        _statements?.ForgetAllBut(Outstanding);
        Client!.DropStatements();
    }

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
