using System.Text;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>What a server connection is busy with, as far as its replies go.</summary>
public enum ServerPhase : byte
{
    Login,
    /// <summary>Without a client: only notifications are in place.</summary>
    Free,
    /// <summary>Running the SET batch for the client just linked.</summary>
    SettingParameters,
    Linked,
    /// <summary>Running the reset or check query.</summary>
    Testing,
    /// <summary>Answering an auth_query.</summary>
    Asked,
}

/// <summary>
/// A server connection: what it owes, what it has set, whether it is ready. Looks at each message and says what is to be
/// done with it; it knows neither sockets nor threads. Belongs to its loop.
/// </summary>
public sealed partial class ServerSession : PooledServer
{
    private const int HeaderLength = 5;

    private bool _hasQueryFailed;
    private long _earlyCopyDataAt = -1;
    private bool _isCopyFed;
    private int _segment;
    private bool _isInTransaction;
    private SafetyUse _textUse;
    private short _setCount;
    private Statement? _bound;
    private long _workSinceUs;

    /// <param name="only">Whom alone it is for: a replication client; null: whoever comes.</param>
    public ServerSession(SessionContext context, Pool pool, long id, int unixPort, ClientSession? only = null)
        : base(pool, context.Loop, context.NowUs)
    {
        OnlyClient = only;
        Context = context;
        Id = id;
        UnixPort = unixPort;
        ConnectWallUs = context.WallUs;
        LastActivityUs = context.NowUs;
        Parameters = context.Tracked.Unknown;
        Login = new ServerLogin(this, context);
    }

    /// <summary>The present loop's; changes with the loop.</summary>
    public SessionContext Context { get; set; }

    public long Id { get; }
    public int UnixPort { get; }
    public EndAddress Remote { get; set; }
    public EndAddress Local { get; set; }
    public long ConnectWallUs { get; }

    /// <summary>Null once the server is in.</summary>
    public ServerLogin? Login { get; private set; }

    public ServerPhase Phase { get; private set; } = ServerPhase.Login;

    /// <summary>The linked client; null: none.</summary>
    public ClientSession? Client { get; private set; }

    /// <summary>The transport's own object for this session.</summary>
    public object? Transport { get; set; }

    public OutstandingQueue Outstanding { get; } = new();

    public ParameterValues Parameters { get; set; }

    /// <summary>Process id and secret, as PostgreSQL sent them.</summary>
    public ulong CancelKey { get; set; }

    /// <summary>What the connection of a replication client is for.</summary>
    public ReplicationKind Replication => OnlyClient is ClientSession only ? only.Replication : ReplicationKind.None;

    /// <summary>What the only client is welcomed with, if it has not been yet.</summary>
    public WelcomeParameters? OwnWelcome { get; private set; }

    /// <summary>A replication client keeps its server, whatever the pool's mode.</summary>
    public PoolMode Mode => OnlyClient is null ? Pool.Limits.PoolMode : PoolMode.Session;

    /// <summary>All of a key that is longer than 8 bytes; null: <see cref="CancelKey"/> is all of it.</summary>
    public byte[]? LongCancelKey { get; set; }

    /// <summary>What a CancelRequest must say.</summary>
    public byte[] WholeCancelKey
    {
        get
        {
            if (LongCancelKey is { } whole) return whole;
            var key = new byte[sizeof(ulong)];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(key, CancelKey);
            return key;
        }
    }

    public int BackendPid => (int)(CancelKey >> 32);

    /// <summary>Between ReadyForQuery 'I' and whatever comes next.</summary>
    public bool IsReady { get; private set; }

    /// <summary>The last ReadyForQuery said T or E, and the client has sent nothing since.</summary>
    public bool IsIdleInTransaction { get; private set; }

    public bool IsInCopy { get; private set; }

    /// <summary>Cancel requests on their way to this server: it serves nobody else before they are through.</summary>
    public int CancelsInFlight { get; set; }

    public Ending Ending { get; private set; }

    public string LogPrefix => ConnectionName.Prefix('S', Id, Pool.Database.Name, Pool.User.Name, Remote, 0, UnixPort);

    public void EndLogin()
    {
        if (OnlyClient is null) Pool.TryPublishWelcome(Login!.Welcome);
        else OwnWelcome = Login!.Welcome; // Its variables are the client's: nobody else is to begin with them.
        Login = null;
        Pool.Stats[Context.Loop].OpenLatency(Context.HistogramBlocks).Connect.Record(Context.NowUs - DialStartUs);
        IsReady = true;
        Phase = ServerPhase.Free;
    }

    /// <summary>Links the client.</summary>
    /// <returns>The SET batch to run first, or null when the variables fit already.</returns>
    public string? Link(ClientSession client)
    {
        Check.That(Client is null && client.Server is null && Outstanding.IsEmpty);
        Client = client;
        client.Server = this;
        client.NoteAssignment();
        _workSinceUs = Context.NowUs;
        Phase = ServerPhase.Linked;
        if (OnlyClient is not null) return null; // The client's variables went along with the login.
        if (client.Parameters.Fits(Parameters))
        {
            client.Parameters = client.Parameters.Equals(Parameters) ? Parameters : client.Parameters; // Same values, same object: the next link compares references.
            return null;
        }
        Phase = ServerPhase.SettingParameters;
        IsReady = false;
        var batch = SetBatch.Build(Context.Tracked, client.Parameters, Parameters);
        if (Context.Log.IsEnabled(LogLevel.Debug)) Context.Log.Detail(LogPrefix, "varcache_apply: " + batch);
        return batch;
    }

    public void Unlink()
    {
        if (Client is null) return;
        Client.Server = null;
        Client = null;
        Phase = ServerPhase.Free;
    }

    public void BeginTest()
    {
        IsReady = false;
        Phase = ServerPhase.Testing;
    }

    /// <summary>A message of the client's goes to this server: its reply is outstanding.</summary>
    public void Expect(byte type)
    {
        if (type is FrontendMessage.CopyData or FrontendMessage.CopyDone or FrontendMessage.CopyFail)
        {
            ExpectCopy(type);
            return;
        }
        IsReady = false;
        IsIdleInTransaction = false;
        if (type == FrontendMessage.Sync && IsInCopy && !_isCopyFed && Client!.IsInCopyIn) return; // Read past, since no data can have failed.
        if (type != FrontendMessage.Flush) Outstanding.Add(type);
        if (type == FrontendMessage.Sync) _segment++;
    }

    /// <summary>
    /// COPY data and its end owe no reply of their own. The end keeps a place behind the request that it may belong to, whether or not the server
    /// has said CopyIn yet; the rest of a COPY that failed early is read past.
    /// </summary>
    private void ExpectCopy(byte type)
    {
        if (type == FrontendMessage.CopyData)
        {
            NoteCopyData();
            if (!IsInCopy && _earlyCopyDataAt < Outstanding.PoppedCount) _earlyCopyDataAt = Outstanding.PoppedCount + Outstanding.Count;
            return;
        }
        Client!.IsInCopyIn = false;
        if (!Outstanding.IsEmpty) Outstanding.Add(type);
    }

    /// <summary>Rows of COPY data go to the server.</summary>
    public void NoteCopyData() => _isCopyFed = true;

    /// <summary>Whether a message of this type is judged by more than its header, or must be through before a faked reply goes out behind it.</summary>
    public bool NeedsWhole(byte type) => type switch
    {
        _ when Phase == ServerPhase.Asked => true,
        BackendMessage.ReadyForQuery or BackendMessage.ParameterStatus or BackendMessage.CommandComplete => true,
        BackendMessage.ErrorResponse => Phase != ServerPhase.Linked || _statements is not null,
        BackendMessage.DataRow or BackendMessage.CopyData => false,
        _ => Outstanding.FakeCount > 0,
    };

    /// <summary>Judges a message; whole if <see cref="NeedsWhole"/> or while no client is linked, else at least its header.</summary>
    public Verdict Judge(byte type, ReadOnlySpan<byte> message)
    {
        switch (Phase)
        {
            case ServerPhase.Linked: return JudgeLinked(type, message);
            case ServerPhase.SettingParameters: return JudgeSetting(type, message);
            case ServerPhase.Testing: return JudgeTesting(type, message);
            case ServerPhase.Asked: return JudgeAsked(type, message);
            default: return JudgeFree(type, message);
        }
    }

    private Verdict JudgeLinked(byte type, ReadOnlySpan<byte> message)
    {
        if (type == BackendMessage.ReadyForQuery) return OnReadyForQuery(message[HeaderLength]);
        if (type is not (BackendMessage.NotificationResponse or BackendMessage.NoticeResponse or BackendMessage.ParameterStatus)) IsReady = false;
        switch (type)
        {
            case BackendMessage.CommandComplete:
                if (IsInCopy) EndCopy(hasFailed: false);
                else Outstanding.TryPop(FrontendMessage.Execute, out _);
                if (_statements is not null || Client!.HasStatements) NoteCommand(message);
                NoteDone(message[HeaderLength..]);
                break;
            case BackendMessage.EmptyQueryResponse:
            case BackendMessage.PortalSuspended: Outstanding.TryPop(FrontendMessage.Execute, out _); break;
            case BackendMessage.ParseComplete: return Pop(FrontendMessage.Parse);
            case BackendMessage.BindComplete: return Pop(FrontendMessage.Bind);
            case BackendMessage.CloseComplete: return Pop(FrontendMessage.Close);
            case BackendMessage.NoData:
            case BackendMessage.RowDescription: Outstanding.TryPop(FrontendMessage.Describe, out _); break;
            case BackendMessage.ErrorResponse:
                _hasQueryFailed = true;
                _bound = null;
                _textUse = SafetyUse.None;
                if (IsInCopy) EndCopy(hasFailed: true);
                if (!Outstanding.IsEmpty && Outstanding.Head is { Type: FrontendMessage.Bind, Statement: { } bound }) NoteFailedBind(bound, message);
                break;
            case BackendMessage.CopyInResponse:
            case BackendMessage.CopyBothResponse:
                BeginCopy();
                break;
            case BackendMessage.ParameterStatus: return OnParameterStatus(message);
            case BackendMessage.DataRow:
            case BackendMessage.ParameterDescription:
            case BackendMessage.FunctionCallResponse:
            case BackendMessage.CopyData:
            case BackendMessage.CopyDone:
            case BackendMessage.CopyOutResponse:
            case BackendMessage.NoticeResponse:
            case BackendMessage.NotificationResponse:
            case (byte)'f':
                break;
            default: return Unknown(type);
        }
        return Verdict.Forward;
    }

    private Verdict OnReadyForQuery(byte status)
    {
        PopReadyForQuery();
        _hasQueryFailed = false;
        IsInCopy = false;
        IsReady = status == 'I';
        IsIdleInTransaction = !IsReady;
        EndNotes();
        var mode = Mode;
        if (!IsReady && mode == PoolMode.Statement) return End("transaction blocks not allowed in statement pooling mode");
        if (Outstanding.Count > Outstanding.FakeCount) return Verdict.Forward; // Faked replies alone go out right behind this message.
        Client!.EndQuery(isTransactionOver: IsReady);
        return IsReady && mode != PoolMode.Session && !Client.IsInCopyIn ? Verdict.ForwardAndRelease : Verdict.Forward;
    }

    /// <summary>
    /// ReadyForQuery answers a Sync, Query or FunctionCall at the head. When the head is something else the server has
    /// skipped it, with everything up to the next Sync, because of an error.
    /// </summary>
    private void PopReadyForQuery()
    {
        if (Outstanding.IsEmpty) return;
        if (OutstandingQueue.EndsWithReadyForQuery(Outstanding.Head.Type))
        {
            Outstanding.Pop();
            return;
        }
        if (!_hasQueryFailed) return;
        while (!Outstanding.IsEmpty)
        {
            var skipped = Outstanding.Pop();
            if (skipped.Statement is not null) NoteSkipped(skipped);
            if (skipped.Type == FrontendMessage.Sync) return;
        }
    }

    // ---- prepared statements --------------------------------------------------------------------------------------

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

    // ---- notes for the console ------------------------------------------------------------------------------------

    /// <summary>A query, or the Parse of an unnamed statement, goes to this server: what its text says that its tag will not.</summary>
    public void LookAt(byte type, ReadOnlySpan<byte> message)
    {
        if (type is not (FrontendMessage.Query or FrontendMessage.Parse)) return;
        var text = SessionUse.TextOf(type, message);
        _textUse = SessionUse.OfText(text);
        if (SessionUse.DropsStatements(text)) DoubtStatements();
    }

    /// <summary>What follows DEALLOCATE ALL or DISCARD ALL in a pipeline must not count on statements from before it.</summary>
    internal void DoubtStatements()
    {
        _statements?.MarkAllStale();
        Client!.NoteDropUnderWay();
    }

    /// <summary>A command is through: how long a prepared one took, and what it leaves behind.</summary>
    private void NoteDone(ReadOnlySpan<byte> tag)
    {
        var use = _textUse;
        _textUse = SafetyUse.None;
        if (_bound is { } statement)
        {
            statement.LatencyOn(Context.Loop)?.Record(Context.NowUs - Math.Max(_workSinceUs, Client!.QueryStartUs));
            _workSinceUs = Context.NowUs;
            _bound = null;
            use = statement.Use;
        }
        if (tag.IsEmpty || Pool.Limits.PoolMode == PoolMode.Session || Client!.Replication != ReplicationKind.None) return;
        switch (tag[0])
        {
            case (byte)'B' when tag.SequenceEqual("BEGIN\0"u8): _isInTransaction = true; return;
            case (byte)'C' when tag.SequenceEqual("COMMIT\0"u8): _isInTransaction = false; return;
            case (byte)'S' when tag.SequenceEqual("SET\0"u8):
                if (!_isInTransaction) _setCount++;
                return;
            case (byte)'S' when tag.SequenceEqual("START TRANSACTION\0"u8): _isInTransaction = true; return;
            case (byte)'R' when tag.SequenceEqual("ROLLBACK\0"u8): _isInTransaction = false; return;
            case (byte)'L' when tag.SequenceEqual("LISTEN\0"u8): use = SafetyUse.Listen; break;
            case (byte)'P' when tag.SequenceEqual("PREPARE\0"u8): use = SafetyUse.Prepare; break;
            case (byte)'D' when !_isInTransaction && tag.SequenceEqual("DECLARE CURSOR\0"u8): use = SafetyUse.HoldCursor; break; // Without HOLD it is an error there.
        }
        if (use != SafetyUse.None) Context.Safety.Add(use, Client, Context.WallUs);
    }

    /// <summary>ReadyForQuery. A SET that brought a report of a tracked variable is carried over by the pooler: no harm.</summary>
    private void EndNotes()
    {
        _isInTransaction = !IsReady;
        _bound = null;
        if (_setCount > 0) Context.Safety.Add(SafetyUse.Set, Client!, Context.WallUs);
        _setCount = 0;
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

    /// <summary>A Sync sent right behind the request, before any data, is read past by a server in COPY. Where data came first, that may have failed before.</summary>
    private void BeginCopy()
    {
        IsInCopy = true;
        var isDataLater = _earlyCopyDataAt < 0 || _earlyCopyDataAt > Outstanding.PoppedCount;
        var syncsMost = !isDataLater ? 0 : _earlyCopyDataAt < 0 ? int.MaxValue : _earlyCopyDataAt - Outstanding.PoppedCount - 1;
        for (; syncsMost > 0 && Outstanding.Count > 1 && Outstanding[1].Type == FrontendMessage.Sync; syncsMost--) Outstanding.RemoveAt(1);
        _isCopyFed = _earlyCopyDataAt >= 0;
        _earlyCopyDataAt = -1;
        Client!.IsInCopyIn = Outstanding.FindCopyEnd() < 0; // A client that did not wait for this message may be through already.
    }

    /// <summary>
    /// COPY IN is over. If it went well, the server has read past every Sync up to the end marker, so their places go, and the marker's with them;
    /// if not, who knows which Sync it will answer: a place too many keeps the server with its client, one too few would give it to another too early.
    /// A Query that started the COPY stays until its ReadyForQuery, an Execute that failed until the next one.
    /// </summary>
    private void EndCopy(bool hasFailed)
    {
        IsInCopy = false;
        var end = Outstanding.FindCopyEnd();
        if (end >= 0)
        {
            Outstanding.RemoveAt(end);
            for (var i = end - 1; !hasFailed && i > 0; i--)
            {
                if (Outstanding[i].Type == FrontendMessage.Sync) Outstanding.RemoveAt(i);
            }
        }
        if (!hasFailed) Outstanding.TryPop(FrontendMessage.Execute, out _);
    }

    private Verdict OnParameterStatus(ReadOnlySpan<byte> message)
    {
        if (!ParameterStatus.TryRead(message[HeaderLength..], out var status)) return End("broken ParameterStatus packet");
        if (!TryTrack(status.Name, status.Value) || Client is null) return Verdict.Forward;
        if (_setCount > 0) _setCount--;
        var index = Context.Tracked.IndexOf(status.Name);
        Client.Parameters = Context.Interner.With(Client.Parameters, index, Parameters[index]);
        return Verdict.Forward;
    }

    /// <summary>Notes a reported value if the variable is tracked.</summary>
    public bool TryTrack(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var index = Context.Tracked.IndexOf(name);
        if (index < 0) return false;
        Parameters = Context.Interner.With(Parameters, index, Context.Interner.Intern(value));
        return true;
    }

    private Verdict JudgeSetting(byte type, ReadOnlySpan<byte> message)
    {
        switch (type)
        {
            case BackendMessage.ParameterStatus:
                return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
            case BackendMessage.ErrorResponse:
                var error = ServerError.Read(message[HeaderLength..]);
                Context.Log.ServerError("varcache_apply failed", error.Severity, error.Message);
                return End("invalid server parameter");
            case BackendMessage.ReadyForQuery:
                IsReady = message[HeaderLength] == 'I';
                TakeCanonical(Client!);
                Phase = ServerPhase.Linked;
                return Verdict.ParametersSet;
            default:
                return Verdict.Skip;
        }
    }

    private void TakeCanonical(ClientSession client)
    {
        var before = client.Parameters;
        client.Parameters = Context.Interner.Canonical(before, Parameters);
        if (ReferenceEquals(before, client.Parameters) || !Context.Log.IsEnabled(LogLevel.Debug)) return;
        for (var i = 0; i < before.Count; i++)
        {
            if (before[i] != client.Parameters[i]) Context.Log.Detail(LogPrefix, $"varcache_set_canonical: setting {Context.Tracked[i]} to its canonical version {before[i]} -> {client.Parameters[i]}");
        }
    }

    private Verdict JudgeTesting(byte type, ReadOnlySpan<byte> message)
    {
        if (type == BackendMessage.ParameterStatus) return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
        if (type == BackendMessage.CommandComplete && _statements is not null && message[HeaderLength..].SequenceEqual("DISCARD ALL\0"u8)) _statements.Clear();
        if (type != BackendMessage.ReadyForQuery || message[HeaderLength] != 'I') return Verdict.Skip;
        IsReady = true;
        Phase = ServerPhase.Free;
        return Verdict.Tested;
    }

    private Verdict JudgeAsked(byte type, ReadOnlySpan<byte> message)
    {
        var body = message[HeaderLength..];
        if (type == BackendMessage.ReadyForQuery)
        {
            if (!Query!.IsAnswered()) return Verdict.Skip;
            IsReady = body[0] == 'I';
            return Verdict.Answered;
        }
        if (type == BackendMessage.ParameterStatus) return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
        return Query!.Take(type, body) is { } problem ? End(problem) : Verdict.Skip;
    }

    /// <summary>The auth_query that this server answers; what it sets is the server's and nobody else's.</summary>
    public AuthQuery? Query { get; private set; }

    public void BeginQuery(AuthQuery query)
    {
        Query = query;
        Phase = ServerPhase.Asked;
        IsReady = false;
        Pool.Stats[Context.Loop].ServerAssignments++;
    }

    public void EndQuery()
    {
        Query = null;
        Phase = ServerPhase.Free;
    }

    /// <summary>Nobody asked: a notification or a changed parameter may come, anything else makes the server dirty.</summary>
    private Verdict JudgeFree(byte type, ReadOnlySpan<byte> message)
    {
        if (type == BackendMessage.NotificationResponse) return Verdict.Skip;
        if (type == BackendMessage.ParameterStatus) return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
        Context.Log.PacketWhenNotLinked(LogPrefix, (char)type);
        IsReady = false;
        return Verdict.Skip;
    }

    /// <summary>Why this server cannot be released to others now that its client is gone; null: it can.</summary>
    public string? ReasonNotToRelease(bool hasUnsent)
    {
        if (!IsReady) return "client disconnect while server was not ready";
        if (!Outstanding.IsEmpty) return "client disconnected with query in progress";
        return hasUnsent ? "client disconnect before everything was sent to the server" : null;
    }

    private Verdict Unknown(byte type)
    {
        Context.Log.Failure(LogPrefix, $"unknown pkt: '{(char)type}'");
        return End("unknown pkt");
    }

    private Verdict End(string reason)
    {
        Ending = Ending.Told(reason);
        return Verdict.Disconnect;
    }
}
