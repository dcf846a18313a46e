using FastPool.Core.Pools;
using FastPool.Core.Sessions.Handover;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>A server connection on its way from one process to another.</summary>
public sealed partial class ServerSession
{
    /// <summary>A server that another process has given up; its pool hears of it by <see cref="Pool.Adopt"/>.</summary>
    public ServerSession(SessionContext context, Pool pool, long id, HandedServer handed, IReadOnlyDictionary<long,
        Statement> statements)
        : base(pool, context.Loop, context.NowUs - handed.Ages.DialUs, handed.Flags.HasFlag(ServerFlags.CloseNeeded))
    {
        Context = context;
        Link = new Link(this);
        Id = id;
        UnixPort = handed.UnixPort;
        Remote = handed.Remote;
        Local = handed.Local;
        ConnectWallUs = context.WallUs - handed.Ages.DialUs;
        LastActivityUs = context.NowUs - handed.Ages.ActivityUs;
        Parameters = context.Interner.FillOwn(context.ValuesOf(handed.Parameters));
        _role = pool.ServerUserName;
        _hasLabels = true; // Perhaps.
        Kept = handed.Kept;
        _handedPin = handed.Pin;
        _hasUnknownNames = handed.Flags.HasFlag(ServerFlags.UnknownNames);
        foreach (var name in handed.CustomNames) context.Questions.TryAddName(pool, System.Text.Encoding.Latin1.GetBytes(name));
        CancelKey = handed.CancelKey;
        LongCancelKey = handed.LongCancelKey.Length > 0 ? handed.LongCancelKey : null;
        Move(ServerEvent.LogIn);
        IsReady = handed.Flags.HasFlag(ServerFlags.Ready);
        IsIdleInTransaction = handed.Flags.HasFlag(ServerFlags.IdleInTransaction);
        _hasTransactionFailed = IsIdleInTransaction; // Perhaps.
        Copy = new CopyTracker(Outstanding) { IsOn = handed.Flags.HasFlag(ServerFlags.InCopy) };
        _hasQueryFailed = handed.Flags.HasFlag(ServerFlags.QueryFailed);
        _isInTransaction = handed.Flags.HasFlag(ServerFlags.InTransaction);
        pool.Stats[context.Loop].OpenLatency(context.HistogramBlocks);
        foreach (var (number, isStale) in handed.Statements)
        {
            if (!statements.TryGetValue(number, out var statement)) continue;
            Statements.Add(statement);
            if (isStale) Statements.MarkStale(statement);
        }
        foreach (var (type, action, number, kind) in handed.Outstanding)
        {
            var statement = statements.GetValueOrDefault(number);
            if (kind == RequestKind.Unnamed || (kind == RequestKind.Drops && type == FrontendMessage.Query)) _unnamedUnderWay++;
            if (kind is RequestKind.Own or RequestKind.OwnInDoubt && type == FrontendMessage.Query) _restoresUnderWay++;
            if (type == FrontendMessage.Close && statement is not null)
            {
                statement.TryHold(); // Until the server has closed it.
                Statements.AddClosing(statement);
            }
            Outstanding.Add(type, action, statement, kind);
            if (type == FrontendMessage.Parse && statement is not null && action != ReplyAction.Fake && kind == RequestKind.Plain)
                Statements.AddParsing(statement, _segment);
        }
        if (handed.Flags.HasFlag(ServerFlags.CopyInDoubt)) Copy.NoteHandedDoubt();
    }

    /// <summary>Linked as it was in the old process, in the middle of whatever it is.</summary>
    internal void OnLinkedBefore(ClientSession client)
    {
        if (client.NeedsOwnServer) OnlyClient = client;
        Move(ServerEvent.Link);
        GoOnKeeping();
        _workSinceUs = Context.NowUs;
        for (var i = 0; i < Outstanding.Count; i++)
        {
            switch (Outstanding[i])
            {
                case { Kind: RequestKind.Refused }:
                    client.NoteRefused();
                    break;
                case { Type: FrontendMessage.Parse, Statement: not null } and not { Action: ReplyAction.Swallow }:
                case { Type: FrontendMessage.Close, Action: ReplyAction.Fake }:
                    client.NoteChangeUnderWay();
                    break;
            }
        }
    }

    /// <summary>The state for a process that takes over. The server stands still.</summary>
    public HandedServer Save(int descriptor, string path, HandedStream stream, HandedState state) => new()
    {
        OldDescriptor = descriptor,
        Database = Pool.Database.Name,
        User = Pool.User.Name,
        Remote = Remote,
        Local = Local,
        Path = path,
        UnixPort = UnixPort,
        CancelKey = CancelKey,
        LongCancelKey = LongCancelKey ?? [],
        IsLinked = Client is not null,
        Parameters = state.Named(Context.Tracked, Parameters),
        Ages = (state.NowUs - DialStartUs, state.NowUs - LastActivityUs),
        Flags = FlagIf(IsReady, ServerFlags.Ready)
            | FlagIf(IsIdleInTransaction, ServerFlags.IdleInTransaction)
            | FlagIf(Copy.IsOn, ServerFlags.InCopy)
            | FlagIf(_hasQueryFailed, ServerFlags.QueryFailed)
            | FlagIf(Copy.IsInDoubt, ServerFlags.CopyInDoubt)
            | FlagIf(_isInTransaction, ServerFlags.InTransaction)
            | FlagIf(_hasUnknownNames, ServerFlags.UnknownNames)
            | FlagIf(IsCloseNeeded || HasGivenNames, ServerFlags.CloseNeeded),
        Outstanding =
            [.. Enumerable.Range(0, Outstanding.Count)
            .Select(i => Outstanding[i])
            .Select(static request => (request.Type, request.Action, request.Statement?.Number ?? 0, request.Kind))],
        Statements = _statements is null ? []
            : [.. _statements.All.Select(static entry => (entry.Statement.Number, entry.IsStale))],
        Kept = Kept,
        Pin = Pin ?? "",
        CustomNames = _keeps ? [.. Context.Questions.NamesOf(Pool).Sorted] : [],
        Mark = Hub?.Mark ?? "",
        Stream = stream,
    };

    private static ServerFlags FlagIf(bool condition, ServerFlags flag) => condition ? flag : ServerFlags.None;
}
