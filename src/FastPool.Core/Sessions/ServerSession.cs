using System.Text;
using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;
using Microsoft.Extensions.Logging;

namespace FastPool.Core.Sessions;

/// <summary>
/// A server connection: what it owes, what it has set, whether it is ready. Looks at each message and says what is to be
/// done with it; it knows neither sockets nor threads. Belongs to its loop.
/// </summary>
public sealed partial class ServerSession : PooledServer
{
    private const int HeaderLength = 5;

    private static ReadOnlySpan<byte> ReadOnlyTransaction => "25006"u8;

    private bool _hasQueryFailed;
    private bool _hasTransactionFailed;
    private int _segment;

    /// <param name="only">The replication client that it alone is for; null: it serves all.</param>
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
        Link = new Link(this);
        Copy = new CopyTracker(Outstanding);
    }

    /// <summary>The present loop's; changes with the loop.</summary>
    public SessionContext Context { get; private set; }

    public long Id { get; }
    public int UnixPort { get; }
    public EndAddress Remote { get; set; }
    public EndAddress Local { get; set; }
    public long ConnectWallUs { get; }

    /// <summary>Null once the server is in.</summary>
    public ServerLogin? Login { get; private set; }

    public ServerPhase Phase { get; private set; } = ServerPhase.Login;

    /// <summary>Which client has this server.</summary>
    public Link Link { get; }

    /// <summary>The linked client; null: none.</summary>
    public ClientSession? Client => Link.Client;

    /// <summary>Its transport, from the moment it has one.</summary>
    public IServerEnd Transport { get; set; } = null!;

    public OutstandingQueue Outstanding { get; } = new();

    public ParameterValues Parameters { get; set; }

    /// <summary>Process id and secret, as PostgreSQL sent them.</summary>
    public ulong CancelKey { get; set; }

    /// <summary>The use of a replication client's connection.</summary>
    public ReplicationKind Replication => OnlyClient is ClientSession only ? only.Replication : ReplicationKind.None;

    /// <summary>The welcome of the only client, if it has not had one yet.</summary>
    public WelcomeParameters? OwnWelcome { get; private set; }

    /// <summary>A client has it to its own end: in session pooling, and in replication whatever the pool's mode is.</summary>
    public bool IsKeptByClient => OnlyClient is not null || Pool.Limits.PoolMode == PoolMode.Session;

    /// <summary>All of a key that is longer than 8 bytes; null: <see cref="CancelKey"/> is all of it.</summary>
    public byte[]? LongCancelKey { get; set; }

    /// <summary>The key that a CancelRequest must have.</summary>
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

    /// <summary>
    /// Ready, and nothing that the client has sent is unanswered: with a pipeline under way it is ready again and again.
    /// </summary>
    public bool OwesNothing => IsReady && Outstanding.IsEmpty;

    /// <summary>Something that a client has sent is unanswered, and the server has been told all it needs to go on.</summary>
    public bool RunsQuery => Login is null && (!Outstanding.IsEmpty || MayRunAbandoned);

    /// <summary>When the last ReadyForQuery came: the next query of a pipeline begins there.</summary>
    public long LastReadyUs { get; private set; }

    /// <summary>The last ReadyForQuery said T or E, and the client has sent nothing since.</summary>
    public bool IsIdleInTransaction { get; private set; }

    /// <summary>COPY IN, and the Syncs that it makes doubtful.</summary>
    public CopyTracker Copy { get; }

    /// <summary>Cancel requests on their way to this server: it serves no other client before they are through.</summary>
    public int CancelsInFlight { get; set; }

    public Ending Ending { get; private set; }

    public string LogPrefix => ConnectionName.Prefix('S', Id, Pool.Database.Name, Pool.User.Name, Remote, 0, UnixPort);

    public void EndLogin()
    {
        if (OnlyClient is null)
        {
            Parameters = Context.Interner.FillOwn(Parameters);
            Pool.TryPublishWelcome(Login!.Welcome);
        }
        else
        {
            OwnWelcome = Login!.Welcome; // Its variables are the client's: no other client is to begin with them.
        }
        Login = null;
        Pool.Stats[Context.Loop].OpenLatency(Context.HistogramBlocks).Connect.Record(Context.NowUs - DialStartUs);
        IsReady = true;
        Move(ServerEvent.LogIn);
    }

    /// <summary>The one place where the phase changes.</summary>
    private void Move(ServerEvent what)
    {
        if (Phase == ServerPhase.Free) Transport.OnBusy();
        Phase = ServerLife.Next(Phase, what);
    }

    /// <summary>It leaves its loop, for that of the client that it was granted to.</summary>
    public void Leave(byte loop)
    {
        Move(ServerEvent.Leave);
        Loop = loop;
    }

    /// <summary>It has come to another loop.</summary>
    public void Arrive(SessionContext context)
    {
        Move(ServerEvent.Arrive);
        Context = context;
    }

    /// <summary>The client has this server: what it counts on is set first.</summary>
    /// <returns>The SET batch to run, or null when the variables fit already.</returns>
    internal string? OnLinked(ClientSession client)
    {
        ForgetRestore(isFenced: false);
        _workSinceUs = Context.NowUs;
        Copy.Begin();
        _unnamedSegment = -1;
        // It belongs to one client, whose variables went along with the login.
        BeginKeeping();
        _hasParsed = false;
        if (OnlyClient is null && (!client.Parameters.Fits(Parameters) || !KeptState.AreSame(client.Kept, Kept)))
            return BeginSet(client);
        if (client.Deferred != DeferredBegin.None) return BeginDeferred(client);
        Move(ServerEvent.Link);
        // Same values, same object: the next link compares references.
        if (OnlyClient is null && !ReferenceEquals(client.Parameters, Parameters) && client.Parameters.Equals(Parameters))
            client.Parameters = Parameters;
        return null;
    }

    internal void OnParted()
    {
        if (_keeps) EndKeeping();
        Move(ServerEvent.Part);
    }

    /// <param name="what">Reset or Check.</param>
    public void BeginTest(ServerEvent what)
    {
        Move(what);
        IsReady = false;
        ForgetUnnamed();
    }

    /// <summary>A message of the client's goes to this server: its reply is outstanding.</summary>
    /// <returns>True: <see cref="CopyTracker.Fence"/> must go out right behind it.</returns>
    public bool Expect(byte type)
    {
        switch (type)
        {
            case FrontendMessage.CopyData:
                Copy.NoteData();
                return false;
            case FrontendMessage.CopyDone or FrontendMessage.CopyFail:
                Copy.NoteEnd();
                Client!.IsInCopyIn = false;
                return false;
            case FrontendMessage.Flush: // It is no request, and ends no idleness.
                return false;
        }
        IsReady = false;
        IsIdleInTransaction = false;
        if (type == FrontendMessage.Sync) return ExpectSync() ? ForgetRestore(isFenced: true) : BeginRestoreBehindSync();
        if (type == FrontendMessage.Query)
        {
            ExpectQuery();
            return BeginRestore();
        }
        NoteRequest();
        Outstanding.Add(type);
        if (_restore is not null && type == FrontendMessage.Execute) _isRestoreRun = true;
        return false;
    }

    /// <summary>A request goes to the server, and ends a COPY that the client has not ended.</summary>
    private void NoteRequest()
    {
        Client!.IsInCopyIn = false;
        Copy.NoteRequest();
    }

    private bool ExpectSync()
    {
        if (!Copy.IsOn) Client!.IsInCopyIn = false;
        var isFenced = Copy.NeedsFence(IsSkipping);
        _segment++;
        Outstanding.Add(FrontendMessage.Sync);
        if (isFenced) Copy.AddFence();
        return isFenced;
    }

    /// <summary>A message of the extended protocol has failed: the server reads past everything up to a Sync.</summary>
    private bool IsSkipping =>
        _hasQueryFailed && !Outstanding.IsEmpty && !OutstandingQueue.EndsWithReadyForQuery(Outstanding.Head.Type);

    /// <summary>
    /// The client's messages are through, as far as can be told, and only Syncs are left that may never be answered. Before its
    /// next message <see cref="CopyTracker.Fence"/> goes out: behind it each reply has its own place again.
    /// </summary>
    public bool IsFenceDue => Copy.HasOnlyDoubtfulSyncs && (IsReady || IsIdleInTransaction);

    /// <summary>The fence is answered: so is everything before it that ever will be.</summary>
    private void PassFence()
    {
        while (Outstanding.Pop() is { IsFence: false } unanswered) NoteUndone(unanswered, RequestEnd.Skipped);
    }

    /// <summary>
    /// So much of a message is held, and looked at, before it is judged: what is behind streams. Never more than a few kilobytes,
    /// but for a parameter's value, whose length has a bound of its own.
    /// </summary>
    public int BytesToJudge(byte type, int length) => type switch
    {
        BackendMessage.ReadyForQuery or BackendMessage.ParameterStatus => length,
        BackendMessage.ErrorResponse => Math.Min(length, Limits.ErrorBytesLookedAt),
        BackendMessage.NoticeResponse when Phase == ServerPhase.Questioned => Math.Min(length, Limits.ErrorBytesLookedAt),
        BackendMessage.DataRow when IsInHostCheck => Math.Min(length, Limits.TagBytesLookedAt),
        _ when Phase == ServerPhase.Asked => Math.Min(length, Limits.AnswerBytesMax),
        BackendMessage.CommandComplete => Math.Min(length, Limits.TagBytesLookedAt),
        BackendMessage.DataRow when Phase == ServerPhase.Questioned => Math.Min(length, Limits.StateBytesMax),
        BackendMessage.NotificationResponse => BytesToJudgeNotification(length),
        _ => HeaderLength,
    };

    /// <summary>Judges a message by its first bytes, of which <see cref="BytesToJudge"/> are here.</summary>
    public Verdict Judge(byte type, ReadOnlySpan<byte> message)
    {
        switch (Phase)
        {
            case ServerPhase.Linked: return JudgeLinked(type, message);
            case ServerPhase.SettingParameters: return JudgeSetting(type, message);
            case ServerPhase.Questioned: return JudgeQuestion(type, message);
            case ServerPhase.Unlistening: return JudgeUnlistening(type, message);
            case ServerPhase.Listening: return JudgeListening(type, message);
            case ServerPhase.Abandoned: return JudgeAbandoned(type, message);
            case ServerPhase.Resetting or ServerPhase.Checking: return JudgeTesting(type, message);
            case ServerPhase.Asked: return JudgeAsked(type, message);
            default: return JudgeFree(type, message);
        }
    }

    /// <summary>I, T or E; 0 where the message has none.</summary>
    private static byte StatusOf(ReadOnlySpan<byte> message) =>
        ReadyForQuery.TryRead(MessageHeader.Body(message), out var ready) ? ready.Status : (byte)0;

    private Verdict JudgeLinked(byte type, ReadOnlySpan<byte> message)
    {
        if (type == BackendMessage.ReadyForQuery)
            return _setsUnreported > 0 && EndSets() ? Verdict.FakesFirst : OnReadyForQuery(StatusOf(message));
        if (type is not (BackendMessage.NotificationResponse or BackendMessage.NoticeResponse or BackendMessage.ParameterStatus))
            IsReady = IsIdleInTransaction = false;
        if ((Copy.IsInDoubt || Copy.IsOffBeat) && PassDoubt(type)) return Verdict.FakesFirst;
        if (_restoresUnderWay > 0 && IsOfRestore(type) && !IsEnd(message)) return Verdict.Skip;
        switch (type)
        {
            case BackendMessage.CommandComplete: OnCommandComplete(message); break;
            case BackendMessage.EmptyQueryResponse:
            case BackendMessage.PortalSuspended: OnNothingDone(); break;
            case BackendMessage.ParseComplete: return Pop(FrontendMessage.Parse);
            case BackendMessage.BindComplete: return Pop(FrontendMessage.Bind);
            case BackendMessage.CloseComplete: return Pop(FrontendMessage.Close);
            case BackendMessage.NoData:
            case BackendMessage.RowDescription: Outstanding.TryPop(FrontendMessage.Describe); break;
            case BackendMessage.ErrorResponse: return OnError(message);
            case BackendMessage.CopyInResponse:
            case BackendMessage.CopyBothResponse:
                Copy.IsOn = Client!.IsInCopyIn = true;
                break;
            case BackendMessage.ParameterStatus: return OnParameterStatus(message);
            case BackendMessage.NotificationResponse: return NotificationVerdict(message);
            case BackendMessage.DataRow:
            case BackendMessage.ParameterDescription:
            case BackendMessage.FunctionCallResponse:
            case BackendMessage.CopyData:
            case BackendMessage.CopyDone:
            case BackendMessage.CopyOutResponse:
            case BackendMessage.NoticeResponse:
            case (byte)'f':
                break;
            default: return Unknown(type);
        }
        return Verdict.Forward;
    }

    private void OnCommandComplete(ReadOnlySpan<byte> message)
    {
        if (Outstanding.TryPop(FrontendMessage.Execute, out var executed)) Copy.EndExecute();
        Copy.IsOn = false;
        if (_statements is not null || Client!.HasNames) NoteCommand(executed, message);
        NoteDone(message[HeaderLength..]);
    }

    /// <summary>Another portal of the name was run: nothing has been dropped.</summary>
    private void OnNothingDone()
    {
        if (Outstanding.TryPop(FrontendMessage.Execute, out var run) && run.Kind == RequestKind.Drops)
            EndDrops(run, RequestEnd.Failed);
    }

    private Verdict OnError(ReadOnlySpan<byte> message)
    {
        Pool.Stats[Loop].Errors++;
        _hasQueryFailed = true;
        HasToldEnd = IsEnd(message);
        if (MustWrite) NoteReadOnly(message);
        _bound = null;
        _textUse = SafetyUse.None;
        _localSets = 0;
        Copy.IsOn = false;
        if (!Outstanding.IsEmpty && Outstanding.Head is { IsTracked: true } failed) return NoteFailed(failed, message);
        return Verdict.Forward;
    }

    /// <summary>A reply may tell that requests before its own will never be answered.</summary>
    /// <returns>True: replies of the pooler's own come before it.</returns>
    private bool PassDoubt(byte type)
    {
        if (!AnswersNoSync(type)) return false;
        while (Copy.IsHeadPassedBy(type))
        {
            if (Outstanding.Pop() is { Kind: not RequestKind.Plain } query) EndCommand(query);
        }
        return Outstanding is { FakeCount: > 0, Head.Action: ReplyAction.Fake };
    }

    /// <summary>
    /// Types that answer a request, but never a Sync: an error may answer a Sync, and unasked messages may come at any
    /// time.
    /// </summary>
    private static bool AnswersNoSync(byte type) => type is not
        (BackendMessage.ErrorResponse or BackendMessage.NoticeResponse or BackendMessage.NotificationResponse
            or BackendMessage.ParameterStatus);

    private Verdict OnReadyForQuery(byte status)
    {
        var wasInDoubt = Copy.IsInDoubt;
        var action = PopReadyForQuery();
        Copy.EndStretch(wasInDoubt);
        _hasQueryFailed = false;
        IsReady = status == 'I';
        _hasTransactionFailed = status == 'E';
        LastReadyUs = Context.NowUs;
        IsIdleInTransaction = !IsReady;
        EndNotes();
        _statements?.EndStretch();
        if (!IsReady && !IsKeptByClient && Pool.Limits.PoolMode == PoolMode.Statement)
            return End("transaction blocks not allowed in statement pooling mode");
        // Faked replies alone go out right behind this message.
        if (Outstanding.Count <= Outstanding.FakeCount) Client!.EndQuery(isTransactionOver: IsReady);
        return action == ReplyAction.Forward ? Verdict.Forward : Verdict.Skip;
    }

    /// <summary>
    /// ReadyForQuery answers a Sync, Query or FunctionCall at the head. When the head is something else the server has
    /// skipped it, with everything up to the next Sync, because of an error.
    /// </summary>
    /// <returns>The owner of the reply.</returns>
    private ReplyAction PopReadyForQuery()
    {
        if (Outstanding.IsEmpty) return ReplyAction.Forward;
        if (OutstandingQueue.EndsWithReadyForQuery(Outstanding.Head.Type))
        {
            var answered = Outstanding.Pop();
            if (answered.Kind != RequestKind.Plain) EndCommand(answered);
            return answered.Action;
        }
        if (!_hasQueryFailed) return ReplyAction.Forward;
        for (var end = RequestEnd.Failed; !Outstanding.IsEmpty; end = RequestEnd.Skipped)
        {
            var undone = Outstanding.Pop();
            if (undone.IsTracked || undone.Action == ReplyAction.Fake) NoteUndone(undone, end);
            if (undone.Type == FrontendMessage.Sync) return undone.Action;
        }
        return ReplyAction.Forward;
    }

    private Verdict OnParameterStatus(ReadOnlySpan<byte> message)
    {
        if (!ParameterStatus.TryRead(message[HeaderLength..], out var status)) return End("broken ParameterStatus packet");
        if (status.Name.SequenceEqual("in_hot_standby"u8)) OnRole(status.Value);
        var readBefore = _statements is null ? null : TextSettings;
        if (!TryTrack(status.Name, status.Value) || Client is null) return Verdict.Forward;
        if (Phase == ServerPhase.Linked) _setsUnreported--; // Not one that the pooler's own SET brings.
        if (_statements is not null && !TextSettings.Equals(readBefore)) _statements.DoubtRecent();
        var index = Context.Tracked.IndexOf(status.Name);
        if (!TakesReport(index)) return Verdict.Skip;
        var before = Client.Parameters;
        Client.Parameters = Context.Interner.With(before, index, Parameters[index]);
        if (Phase == ServerPhase.SettingParameters) Client.TakeCanonicalLogin(before);
        return Verdict.Forward;
    }

    private void NoteReadOnly(ReadOnlySpan<byte> error)
    {
        if (!new ErrorFields(error[HeaderLength..]).SqlState.SequenceEqual(ReadOnlyTransaction)) return;
        MarkMisplaced();
        DoubtHost();
    }

    /// <summary>A promotion is told to every session of the standby.</summary>
    private void OnRole(ReadOnlySpan<byte> value)
    {
        var role = value.SequenceEqual("on"u8) ? HostRole.Standby : HostRole.Primary;
        if (NoteRole(role, Context.NowUs)) Context.Registry.Stir();
    }

    /// <summary>Notes a reported value if the variable is tracked.</summary>
    public bool TryTrack(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var index = Context.Tracked.IndexOf(name);
        if (index < 0) return false;
        NoteReported(index);
        var text = Context.Interner.Intern(value);
        if (index == TrackedParameters.SessionAuthorization && text == _role) text = ParameterValues.OwnDefault;
        Parameters = Context.Interner.With(Parameters, index, text);
        return true;
    }

    /// <summary>The linked client has been told by the server itself that the connection ends, and why.</summary>
    public bool HasToldEnd { get; private set; }

    /// <summary>After this error the server closes the connection.</summary>
    private static bool IsEnd(ReadOnlySpan<byte> message)
    {
        var fields = new ErrorFields(message[HeaderLength..]);
        var severity = fields.TryGet(ErrorFields.PlainSeverityCode, out var plain) ? plain : fields.Severity;
        return severity.SequenceEqual("FATAL"u8) || severity.SequenceEqual("PANIC"u8);
    }

    private Verdict JudgeTesting(byte type, ReadOnlySpan<byte> message)
    {
        if (type == BackendMessage.ParameterStatus)
            return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
        if (_repliesAhead > 0)
        {
            if (type == BackendMessage.ReadyForQuery) _repliesAhead--;
            return Verdict.Skip;
        }
        if (type == BackendMessage.CommandComplete && _statements is not null && DropsStatements(message[HeaderLength..]))
            _statements.Clear();
        if (type == BackendMessage.CommandComplete)
        {
            NoteReset(message[HeaderLength..]);
            if (Phase == ServerPhase.Resetting) NoteStateGone(message[HeaderLength..]);
        }
        if (type == BackendMessage.DataRow && IsInHostCheck) OnHostRow(message[HeaderLength..]);
        if (type == BackendMessage.ErrorResponse && Phase == ServerPhase.Resetting)
            return FailReset(ServerError.Read(message[HeaderLength..]));
        if (type != BackendMessage.ReadyForQuery) return Verdict.Skip;
        // It left a transaction open: nothing more will come.
        if (StatusOf(message) != 'I') return End(Phase == ServerPhase.Resetting ? "reset query failed" : "test query failed");
        IsReady = true;
        Move(ServerEvent.TestDone);
        EndHostCheck();
        return Verdict.Tested;
    }

    /// <summary>The last client's traces are still there: the next client must not find them.</summary>
    private Verdict FailReset(ServerError error)
    {
        if (Pool.MayComplain(Context.NowUs)) Context.Log.ResetFailed(LogPrefix, error.Severity, error.SqlState, error.Message);
        return End("reset query failed");
    }

    private Verdict JudgeAsked(byte type, ReadOnlySpan<byte> message)
    {
        var body = message[HeaderLength..];
        if (type == BackendMessage.ReadyForQuery)
        {
            if (!Query!.IsAnswered()) return Verdict.Skip;
            IsReady = StatusOf(message) == 'I';
            return Verdict.Answered;
        }
        if (type == BackendMessage.ParameterStatus)
            return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
        return Query!.Take(type, body) is { } problem ? End(problem) : Verdict.Skip;
    }

    /// <summary>The auth_query that this server answers. Parameters that it sets are the server's, not a client's.</summary>
    public AuthQuery? Query { get; private set; }

    public void BeginQuery(AuthQuery query)
    {
        Query = query;
        Move(ServerEvent.Ask);
        IsReady = false;
        ForgetUnnamed();
        Pool.Stats[Context.Loop].ServerAssignments++;
    }

    public void EndQuery()
    {
        Query = null;
        Move(ServerEvent.AskDone);
    }

    /// <summary>
    /// No client has it: a notification or a changed parameter may come, anything else makes the server dirty.
    /// </summary>
    private Verdict JudgeFree(byte type, ReadOnlySpan<byte> message)
    {
        if (type == BackendMessage.NotificationResponse) return Verdict.Skip;
        if (type == BackendMessage.ParameterStatus)
            return OnParameterStatus(message) == Verdict.Disconnect ? Verdict.Disconnect : Verdict.Skip;
        Context.Log.PacketWhenNotLinked(LogPrefix, (char)type);
        IsReady = false;
        return Verdict.Skip;
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
