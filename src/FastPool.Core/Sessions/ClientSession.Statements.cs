using FastPool.Base;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>A client's prepared statements: the named ones, which it shares with others, and the unnamed one.</summary>
public sealed partial class ClientSession
{
    private ClientStatements? _statements;
    private RefusedNames? _refusedNames;
    private bool _isDropUnderWay;

    public int StatementCount => _statements?.Count ?? 0;

    /// <summary>Null: it has never had one.</summary>
    internal UnnamedStatement? Unnamed { get; private set; }

    internal bool TracksStatements => Pool!.Limits.MaxPreparedStatements > 0 && Replication == ReplicationKind.None && !IsConsole;

    /// <summary>
    /// A message that is about a named statement counts like any other, but for a Close, which no server hears of.
    /// </summary>
    public void BeginTracked()
    {
        if (QueryStartUs == 0) BeginQuery();
    }

    /// <summary>
    /// The meaning of a message depends on replies of the linked server that are not here yet: it waits for them. This happens
    /// only to a client that sends on behind a Sync or a query without reading its reply.
    /// </summary>
    public bool MustAwaitReplies(byte type, ReadOnlySpan<byte> message, in StatementNames names) =>
        Server is { Outstanding.IsEmpty: false } server && names.Case switch
        {
            StatementCase.Named or StatementCase.Close => IsNameInDoubt(server, names.Name) || IsBindInDoubt(server, type, names),
            StatementCase.Unnamed when type == FrontendMessage.Parse => false,
            StatementCase.Unnamed => server.IsUnnamedInDoubt || IsBindInDoubt(server, type, names),
            StatementCase.Command => IsDropInDoubt(server, type, message),
            _ => false,
        };

    private bool IsNameInDoubt(ServerSession server, ReadOnlySpan<byte> name) => _statements is { } statements
        && (statements.IsInDoubt(name, server.Segment) || (_isDropUnderWay && IsDropInDoubt(server, name)));

    private bool IsBindInDoubt(ServerSession server, byte type, in StatementNames names) =>
        type == FrontendMessage.Bind && _statements is not null && (_isDropUnderWay || _statements.HasUnderWay)
            && DroppedBy(names) is { } dropped && IsNameInDoubt(server, dropped);

    /// <summary>
    /// A command that drops all statements may not be answered, and the present message is run even if that has failed or was
    /// skipped. Nothing waits for a reply that comes only behind a Sync which has not been sent.
    /// </summary>
    private bool IsDropInDoubt(ServerSession server, ReadOnlySpan<byte> name) =>
        server.AwaitsReady && _statements!.IsDropped(name);

    /// <summary>
    /// Applies a Parse, Bind or Describe of a named statement to the linked server. The bytes that replace the
    /// message's prefix are written to <paramref name="toServer"/>, a reply that is due at once to <paramref name="toClient"/>.
    /// </summary>
    /// <returns>Bytes of the message that are dealt with: the prefix, or all of it; 0: disconnect with
    /// <see cref="Ending"/>.</returns>
    public int ApplyStatement(byte type, ReadOnlySpan<byte> message, int length, in StatementNames names, MessageBuffer toServer,
        MessageBuffer toClient)
    {
        if (type == FrontendMessage.Parse) return ApplyParse(message, names, toServer, toClient);
        var known = _statements?.Find(names.Name, Server!.TextSettings);
        if (known is null) return PassRefused(type, length, names, null, toServer);
        Server!.EnsurePrepared(known, toServer);
        if (type == FrontendMessage.Bind && (known.DroppedName is not null || _dropPortals is not null))
            ApplyBindOfDrop(names, known.DroppedName, toServer);
        names.WritePrefix(type, length, known.ServerName, toServer);
        Server.ExpectNamed(type, known);
        if (type == FrontendMessage.Bind)
        {
            Stats.Binds++;
            if (known.DropsStatements) Server.DoubtStatements();
            if (known.MayLeaveState) Server.LookAtValues(known.Key, message);
            if (known.Resets && AtLogin is not null) Server.LookForResetOf(known.Key);
        }
        return names.PrefixLength;
    }

    private int ApplyParse(ReadOnlySpan<byte> message, in StatementNames names, MessageBuffer toServer, MessageBuffer toClient)
    {
        if (!Parse.TryRead(message[MessageHeader.Size..], out var parse) || !parse.HasWholeParameterTypes)
        {
            End(Ending.Told("broken Parse packet"));
            return 0;
        }
        if (_statements is not null && _statements.IsTaken(names.Name)
            && !(_isDropUnderWay && _statements.IsDropped(names.Name))
            && _statements.Find(names.Name, Server!.TextSettings) is { } known)
        {
            Server.EnsurePrepared(known, toServer);
            return PassRefused(FrontendMessage.Parse, message.Length, names, known, toServer);
        }
        _statements ??= new ClientStatements(_context.Statements);
        var own = _context.Registry.Settings.Own;
        if (own.ClientStatementsMax > 0 && _statements.Count >= own.ClientStatementsMax)
            return RefuseMore($"{own.ClientStatementsMax} (client_statements_max)");
        if (own.ClientStatementBytesMax > 0 && _statements.Bytes + message.Length > own.ClientStatementBytesMax)
            return RefuseMore($"{own.ClientStatementBytesMax} bytes (client_statement_bytes_max)");
        var statement = _statements.Add(names.Name, message[names.PrefixLength..], Server!.TextSettings, Server.Segment);
        _context.Statements.OpenLatency(statement, Loop, _context.Registry.LoopCount, _context.HistogramBlocks);
        Stats.ClientParses++;
        if (!Server.ParseFor(statement, toServer))
        {
            names.WritePrefix(FrontendMessage.Parse, message.Length, statement.ServerName, toServer);
            return names.PrefixLength;
        }
        if (AnswersAtOnce)
        {
            toClient.Write(PreparedMessages.ParseComplete);
            EndChange(RequestEnd.Done);
        }
        else
        {
            Server.ExpectFake(FrontendMessage.Parse, statement);
        }
        return message.Length;
    }

    /// <summary>The server refuses the message in PostgreSQL's way, see <see cref="ServerSession.ExpectRefusal"/>.</summary>
    private int PassRefused(byte type, int length, in StatementNames names, Statement? taken, MessageBuffer toServer)
    {
        names.WritePrefix(type, length, taken is null ? ServerSession.NobodysName : taken.ServerName, toServer);
        (_refusedNames ??= new RefusedNames()).Add(names.Name);
        Server!.ExpectRefusal(type, taken);
        return names.PrefixLength;
    }

    /// <summary>The name that the oldest request to be refused is about.</summary>
    internal ReadOnlySpan<byte> RefusedName => _refusedNames is null ? default : _refusedNames.Oldest;

    /// <summary>A name that stands for the statement; null: none does any more.</summary>
    internal byte[]? NameOf(Statement statement) => _statements?.NameOf(statement);

    /// <summary>That request is through.</summary>
    internal void TakeRefusedName() => _refusedNames?.Take();

    /// <summary>Another process has sent one, about a name that it has not told.</summary>
    internal void NoteRefused() => (_refusedNames ??= new RefusedNames()).Add(ServerSession.NobodysName);

    private int RefuseMore(string bound)
    {
        var message = "too many prepared statements: no more than " + bound;
        _context.Log.Failure(LogPrefix, message);
        End(new Ending(message, message, "53400")); // configuration_limit_exceeded
        return 0;
    }

    /// <summary>The server keeps the statement; the client is told that it is closed, in its place among the replies.</summary>
    public void ApplyClose(in StatementNames names, MessageBuffer toClient)
    {
        if (AnswersAtOnce)
        {
            _statements?.Close(names.Name);
            toClient.Write(PreparedMessages.CloseComplete);
            return;
        }
        (_statements ??= new ClientStatements(_context.Statements)).SendClose(names.Name, Server!.Segment);
        Server.ExpectFake(FrontendMessage.Close, null);
    }

    /// <summary>No reply of a server's comes before a reply of the pooler's.</summary>
    private bool AnswersAtOnce => Server is not { } server || (server.Outstanding.IsEmpty && !server.Transport.IsMidMessage);

    /// <summary>A message about the unnamed statement goes to the linked server.</summary>
    /// <param name="names">Those in it.</param>
    /// <param name="message">The bytes of it that have come.</param>
    /// <param name="toServer">Gets what the server must hear before it.</param>
    /// <returns>The reply is expected as that of a request that changes it.</returns>
    public bool ApplyUnnamed(byte type, in StatementNames names, ReadOnlySpan<byte> message, int length, MessageBuffer toServer)
    {
        switch (type)
        {
            case FrontendMessage.Parse:
                Unnamed ??= new UnnamedStatement(_context.Buffers);
                if (message.Length == length) Unnamed.Send(message[(MessageHeader.Size + 1)..], Server!.TextMarks);
                else Unnamed.SendUnkept();
                break;
            case FrontendMessage.Close when Unnamed is not null:
                Unnamed.SendDrop();
                break;
            case FrontendMessage.Bind or FrontendMessage.Describe:
                Server!.EnsureUnnamed(toServer);
                if (type == FrontendMessage.Bind && Unnamed is not null) Server.LookAtUnnamed(Unnamed, message);
                if (type == FrontendMessage.Bind && HasNames) ApplyBindOfDrop(names, DroppedBy(names), toServer);
                return false;
            default:
                return false;
        }
        Server!.ExpectUnnamed(type, ReplyAction.Forward);
        return true;
    }

    public void ForgetStatements()
    {
        _dropPortals = null;
        _statements?.Clear();
        Unnamed?.Clear();
    }

    /// <summary>A command that drops all statements is on its way to the server.</summary>
    internal void NoteDropUnderWay()
    {
        _isDropUnderWay = true;
        _statements?.NoteDrop();
    }

    /// <summary>The server has dropped all statements.</summary>
    internal void DropStatements() => _statements?.Drop();

    /// <summary>Another process has sent a Parse or a Close of this client's.</summary>
    internal void NoteChangeUnderWay() => (_statements ??= new ClientStatements(_context.Statements)).AddUnderWay();

    /// <summary>The oldest Parse or Close of this client's is through.</summary>
    internal void EndChange(RequestEnd end) => _statements?.EndChange(end);

    private bool IsStateLookedAt => Pool!.Limits is { SessionState: not SessionStateMode.Off, PoolMode: not PoolMode.Session };

    /// <summary>
    /// Whether a message is to be seen whole: it may be a command that drops statements, or resets or sets variables, or bring a
    /// statement that may be wanted again.
    /// </summary>
    public bool WantsWhole(byte type, int length) => type switch
    {
        FrontendMessage.Query or FrontendMessage.Parse or FrontendMessage.Bind
            when IsStateLookedAt && length <= Limits.CommandBytesMax => true,
        FrontendMessage.Query or FrontendMessage.Parse when AtLogin is not null && length <= SessionUse.ResetLengthMax => true,
        _ when !TracksStatements => false,
        FrontendMessage.Query => length <= (HasNames ? Limits.CommandBytesMax : SessionUse.DropLengthMax),
        FrontendMessage.Execute => _dropPortals is not null && length <= Limits.CommandBytesMax,
        FrontendMessage.Parse => length <= Limits.UnnamedBytesMax,
        _ => false,
    };
}
