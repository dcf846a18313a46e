using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// Names of the linked client's that the server has for a while, each for an empty statement, so that DEALLOCATE finds it. Those
/// that the command has not dropped are closed before another client could find them.
/// </summary>
public sealed partial class ServerSession
{
    private List<byte[]>? _givenNames;

    /// <summary>Some must be closed before the server is another client's.</summary>
    public bool HasGivenNames => _givenNames is not null;

    /// <summary>
    /// The server gets a statement of that name, which it cannot refuse, not even in a failed transaction: closed first, and
    /// with an empty text.
    /// </summary>
    internal void GiveName(byte[] name, MessageBuffer output)
    {
        output.Write(new Close { Kind = (byte)'S', Name = name });
        ExpectOwn(FrontendMessage.Close);
        Statement.WriteParse(name, "\0\0\0"u8, output);
        ExpectOwn(FrontendMessage.Parse);
        _givenNames ??= [];
        if (!HasGivenName(name)) _givenNames.Add(name);
        if (name.AsSpan().StartsWith("PGBOUNCER_"u8)) _statements?.MarkAllStale(); // It may have been one of ours.
    }

    private bool HasGivenName(byte[] name) => _givenNames!.Exists(given => given.AsSpan().SequenceEqual(name));

    /// <summary>A query that is in no segment is not to be in that of the pooler's messages before it.</summary>
    internal void EndOwnSegment(MessageBuffer output)
    {
        output.Write(PreparedMessages.Sync);
        Outstanding.Add(FrontendMessage.Sync, ReplyAction.Swallow);
    }

    private void ExpectOwn(byte type)
    {
        NoteRequest();
        IsReady = false;
        IsIdleInTransaction = false;
        Outstanding.Add(type, ReplyAction.Swallow, null, RequestKind.Own);
    }

    /// <summary>A request that drops statements by name goes to the server.</summary>
    internal void ExpectDrops(byte type)
    {
        if (type == FrontendMessage.Query)
        {
            Client!.Unnamed!.SendDrop();
            ExpectUnnamed(type, ReplyAction.Forward, RequestKind.Drops);
            return;
        }
        NoteRequest();
        IsReady = false;
        IsIdleInTransaction = false;
        Outstanding.Add(type, ReplyAction.Forward, null, RequestKind.Drops);
    }

    /// <summary>A command with the tag DEALLOCATE is through.</summary>
    private void PassDrop(in Request request)
    {
        if (request.Kind != RequestKind.Drops || Client!.PassDrop() is not { } name || _givenNames is null) return;
        _givenNames.RemoveAll(given => given.AsSpan().SequenceEqual(name));
        if (_givenNames.Count == 0) _givenNames = null;
    }

    /// <summary>A query is through, well or not.</summary>
    private void EndCommand(in Request query)
    {
        if (query.Kind == RequestKind.Drops) EndDrops(query, RequestEnd.Failed);
        else if (query.Kind is RequestKind.Own or RequestKind.OwnInDoubt) EndRestore(query.Kind);
        else if (query.Kind == RequestKind.Unnamed) EndUnnamed(query.Action, RequestEnd.Done);
    }

    private void EndDrops(in Request request, RequestEnd end)
    {
        Client!.EndDrops(end);
        if (request.Type == FrontendMessage.Query)
            EndUnnamed(request.Action, end == RequestEnd.Skipped ? RequestEnd.Skipped : RequestEnd.Done);
    }

    /// <summary>
    /// Before the client's next query: names that it has closed meanwhile are to be as free as it thinks they are.
    /// </summary>
    /// <returns>Whether anything was written.</returns>
    internal bool CloseNamesLeft(ClientStatements statements, MessageBuffer output)
    {
        if (_givenNames is null || !Outstanding.IsEmpty) return false;
        for (var i = _givenNames.Count - 1; i >= 0; i--)
        {
            if (statements.IsTaken(_givenNames[i])) continue;
            output.Write(new Close { Kind = (byte)'S', Name = _givenNames[i] });
            ExpectOwn(FrontendMessage.Close);
            _givenNames.RemoveAt(i);
        }
        if (_givenNames.Count == 0) _givenNames = null;
        return !Outstanding.IsEmpty;
    }

    /// <summary>No client has the server: writes what closes the names that are left. A Sync or a query must follow.</summary>
    public void TakeNamesLeft(MessageBuffer output)
    {
        foreach (var name in _givenNames ?? []) output.Write(new Close { Kind = (byte)'S', Name = name });
        _givenNames = null;
    }
}
