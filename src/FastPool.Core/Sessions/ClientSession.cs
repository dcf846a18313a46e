using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// A client: who it is, what it asked for, which clocks run for it. Looks at each message and says what is to be done
/// with it; it knows neither sockets nor threads. Belongs to its loop.
/// </summary>
public sealed partial class ClientSession : PoolClient
{
    private readonly SessionContext _context;
    private PoolUser? _countedUser;
    private bool _isCountedInDatabase;
    private bool _isCounted;
    private bool _hasJoined;
    private bool _hasWelcome;
    private PoolLatency? _latency;
    private long _readyInXactUs;
    private long _clientUs;

    public ClientSession(SessionContext context, long id, EndAddress remote, EndAddress local, int unixPort, int peerPid)
        : this(context, id, (remote, local, unixPort, peerPid), ageUs: 0)
    {
        Login = new ClientLogin(this, context);
    }

    private ClientSession(SessionContext context, long id, (EndAddress Remote, EndAddress Local, int UnixPort, int PeerPid) ends,
        long ageUs)
        : base(context.Loop, context.NowUs - ageUs)
    {
        _context = context;
        Id = id;
        (Remote, Local, UnixPort, PeerPid) = ends;
        ConnectWallUs = context.WallUs - ageUs;
        RequestUs = context.NowUs;
        Parameters = context.Tracked.Unknown;
        context.Registry.Clients.Enter();
        _isCounted = true;
    }

    /// <summary>Serial number over clients and servers, in order of creation.</summary>
    public long Id { get; }
    public EndAddress Remote { get; }
    public EndAddress Local { get; }
    /// <summary>listen_port: what stands for a port where the socket is a Unix one.</summary>
    public int UnixPort { get; }
    public int PeerPid { get; }
    /// <summary>Over a Unix socket, and the peer runs under our own uid.</summary>
    public bool IsOwnUser { get; init; }
    /// <summary>The peer's system user over a Unix socket; null otherwise.</summary>
    public string? PeerUserName { get; init; }

    /// <summary>Null once the client is in.</summary>
    public ClientLogin? Login { get; private set; }

    public string? DatabaseName { get; set; }
    public string? UserName { get; set; }
    public Database? Database { get; set; }
    public ReplicationKind Replication { get; set; }

    public override bool NeedsOwnServer => Replication != ReplicationKind.None;

    /// <summary>A replication client's <c>options</c>, passed on unread; null: none.</summary>
    public string? ReplicationOptions { get; set; }

    /// <summary>Console rights: everything, or SHOW only.</summary>
    public bool IsAdmin { get; set; }
    public ParameterValues Parameters { get; set; }
    public ulong CancelKey { get; private set; }

    /// <summary>Which server this client has; null: none. Set by the link itself.</summary>
    public Link? Link { get; internal set; }

    /// <summary>The linked server; null: none.</summary>
    public ServerSession? Server => Link?.Server;

    /// <summary>Its transport, from the moment it has one.</summary>
    public ILinkEnd Transport { get; set; } = null!;

    public long ConnectWallUs { get; }
    /// <summary>Last packet handled.</summary>
    public long RequestUs { get; set; }
    /// <summary>Clock of the running query, from its arrival; 0: none runs.</summary>
    public long QueryStartUs { get; private set; }
    /// <summary>Clock of the running transaction; 0: none runs.</summary>
    public long XactStartUs { get; private set; }

    /// <summary>The server said CopyIn and the client has not sent CopyDone or CopyFail yet.</summary>
    public bool IsInCopyIn { get; set; }

    public bool IsConsole => ReferenceEquals(Pool, _context.Registry.AdminPool);

    public Ending Ending { get; private set; }

    public string HostText => ConnectionName.Host(Remote, PeerPid, UnixPort);

    /// <summary>db/user appear once the client is told apart from a mere connection.</summary>
    public string LogPrefix => ConnectionName.Prefix('C', Id, DatabaseName, UserName, Remote, PeerPid, UnixPort);

    private PoolStats Stats => Pool!.Stats[Loop];

    public int CountDatabase()
    {
        _isCountedInDatabase = true;
        return Database!.Clients.Enter();
    }

    public int CountUser(PoolUser user)
    {
        _countedUser = user;
        return user.Clients.Enter();
    }

    /// <summary>Login is over: the client gets a pool and a key, and the login's memory goes.</summary>
    public void EnterPool(Pool pool, IPoolHost host)
    {
        Login = null;
        do
        {
            CancelKey = NewCancelKey();
        }
        while (!_context.Registry.CancelKeys.TryAdd(CancelKey, this));
        Join(pool, host);
    }

    private void Join(Pool pool, IPoolHost host)
    {
        Pool = pool;
        _latency = pool.Stats[Loop].OpenLatency(_context.HistogramBlocks);
        State = ClientState.Active;
        pool.Join(this, host);
        _hasJoined = true;
    }

    /// <summary>8 random bytes; the top bit is clear, so that a driver's process id is never negative.</summary>
    private ulong NewCancelKey()
    {
        Span<byte> bytes = stackalloc byte[8];
        _context.Random.Fill(bytes);
        bytes[0] &= 0x7f;
        var key = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var peerId = _context.Registry.Settings.PeerId;
        return peerId > 0 ? PeerKey.Of(peerId, key) : key;
    }

    public bool HasWelcome => _hasWelcome;

    /// <summary>
    /// The welcome block for this client; what the pool knows and the client did not name is the client's from now on.
    /// </summary>
    public void TakeWelcome(WelcomeParameters welcome, MessageBuffer output)
    {
        _hasWelcome = true;
        Parameters = _context.Interner.Fill(Parameters, welcome.Tracked);
        welcome.Write(_context.Tracked, Parameters, CancelKey, output);
    }

    /// <summary>
    /// Judges a message of a client that is logged in. The header is complete and sound; the body may still be under way.
    /// </summary>
    public Verdict Judge(byte type, int totalLength)
    {
        switch (type)
        {
            case FrontendMessage.Query:
                if (Pool!.Limits.DisablePqexec) return RefusePqexec();
                break;
            case FrontendMessage.Parse:
            case FrontendMessage.Bind:
            case FrontendMessage.Describe:
            case FrontendMessage.Close:
                if (TracksStatements) return Verdict.Tracked;
                break;
            case FrontendMessage.Execute:
            case FrontendMessage.Sync:
            case FrontendMessage.Flush:
            case FrontendMessage.FunctionCall:
                break;
            case FrontendMessage.CopyData:
            case FrontendMessage.CopyDone:
            case FrontendMessage.CopyFail:
                if (IsConsole) break;
                // They belong to a query that runs, or to a COPY that failed early: no query begins here.
                return Server is null ? Verdict.Skip : Verdict.Forward;
            case FrontendMessage.Terminate:
                return End(new Ending("client close request"));
            default:
                return RefuseUnknown(type);
        }
        if (QueryStartUs == 0) BeginQuery();
        return IsConsole ? Verdict.Console : Verdict.Forward;
    }

    // ---- prepared statements --------------------------------------------------------------------------------------

    private ClientStatements? _statements;
    private bool _isDropUnderWay;

    public int StatementCount => _statements?.Count ?? 0;

    public bool HasStatements => StatementCount > 0;

    private bool TracksStatements => Pool!.Limits.MaxPreparedStatements > 0 && Replication == ReplicationKind.None && !IsConsole;

    /// <summary>
    /// A message that is about a named statement counts like any other, but for a Close, which no server hears of.
    /// </summary>
    public void BeginTracked()
    {
        if (QueryStartUs == 0) BeginQuery();
    }

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
        if (known is null)
        {
            _context.Log.Failure(LogPrefix,
                $"prepared statement '{System.Text.Encoding.Latin1.GetString(names.Name)}' not found");
            End(Ending.Told("prepared statement did not exist"));
            return 0;
        }
        Server!.EnsurePrepared(known, toServer);
        names.WritePrefix(type, length, known, toServer);
        Server.ExpectNamed(type, known);
        if (type == FrontendMessage.Bind)
        {
            Stats.Binds++;
            if (known.DropsStatements) Server.DoubtStatements();
        }
        return names.PrefixLength;
    }

    private int ApplyParse(ReadOnlySpan<byte> message, in StatementNames names, MessageBuffer toServer, MessageBuffer toClient)
    {
        if (_statements is not null && !_statements.TryFree(names.Name, _isDropUnderWay))
        {
            _context.Log.Failure(LogPrefix,
                $"prepared statement '{System.Text.Encoding.Latin1.GetString(names.Name)}' was already prepared");
            End(Ending.Told("prepared statement name is already in use"));
            return 0;
        }
        if (!Parse.TryRead(message[MessageHeader.Size..], out var parse) || !parse.HasWholeParameterTypes)
        {
            End(Ending.Told("broken Parse packet"));
            return 0;
        }
        _statements ??= new ClientStatements(_context.Statements);
        var own = _context.Registry.Settings.Own;
        if (own.ClientStatementsMax > 0 && _statements.Count >= own.ClientStatementsMax)
            return RefuseMore($"{own.ClientStatementsMax} (client_statements_max)");
        if (own.ClientStatementBytesMax > 0 && _statements.Bytes + message.Length > own.ClientStatementBytesMax)
            return RefuseMore($"{own.ClientStatementBytesMax} bytes (client_statement_bytes_max)");
        var statement = _statements.Add(names.Name, message[names.PrefixLength..], Server!.TextSettings);
        _context.Statements.OpenLatency(statement, Loop, _context.Registry.LoopCount, _context.HistogramBlocks);
        Stats.ClientParses++;
        if (!Server.ParseFor(statement, toServer))
        {
            names.WritePrefix(FrontendMessage.Parse, message.Length, statement, toServer);
            return names.PrefixLength;
        }
        Fake(FrontendMessage.Parse, toClient, statement);
        if (toClient.Length > 0) EndParse(hasFailed: false);
        return message.Length;
    }

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
        _statements?.Remove(names.Name);
        Fake(FrontendMessage.Close, toClient);
    }

    private void Fake(byte type, MessageBuffer toClient, Statement? statement = null)
    {
        if (Server is { } server && (!server.Outstanding.IsEmpty || server.Transport.IsMidMessage))
            server.ExpectFake(type, statement);
        else toClient.Write(type == FrontendMessage.Parse ? PreparedMessages.ParseComplete : PreparedMessages.CloseComplete);
    }

    public void ForgetStatements() => _statements?.Clear();

    /// <summary>A command that drops all statements is on its way to the server.</summary>
    internal void NoteDropUnderWay()
    {
        _isDropUnderWay = true;
        _statements?.NoteDrop();
    }

    /// <summary>The server has dropped all statements.</summary>
    internal void DropStatements() => _statements?.Drop();

    /// <summary>Another process has sent a Parse of this client's.</summary>
    internal void NoteParseUnderWay() => (_statements ??= new ClientStatements(_context.Statements)).AddUnderWay();

    /// <summary>A Parse of this client's is answered.</summary>
    /// <param name="hasFailed">By an error, or it was skipped after one.</param>
    internal void EndParse(bool hasFailed) => _statements?.EndParse(hasFailed);

    /// <summary>Whether a message is to be seen whole, because it may be a command that drops statements.</summary>
    public bool WantsWhole(byte type, int length) =>
        length <= SessionUse.DropLengthMax && type is FrontendMessage.Query or FrontendMessage.Parse && TracksStatements;

    public Verdict RefuseStatement(byte type)
    {
        _context.Log.Failure(LogPrefix, $"failed to parse prepared statement packet type '{(char)type}'");
        return End(Ending.Told("failed to parse packet"));
    }

    /// <summary>A message of this client has a server; counted as the original counts.</summary>
    public void CountForwarded(int totalLength) => Stats.ReceivedBytes += totalLength;

    /// <summary>How many servers it has been linked to: tells one link from the next, even with the same server.</summary>
    public int Assignments { get; private set; }

    public void NoteAssignment()
    {
        Assignments++;
        Stats.ServerAssignments++;
    }

    /// <summary>The wait for a server or for the welcome is over.</summary>
    public void NoteWait()
    {
        var waitUs = _context.NowUs - WaitStartUs;
        Stats.WaitUs += waitUs;
        _latency!.Wait.Record(waitUs);
        WaitStartUs = 0;
    }

    /// <summary>A server was at hand.</summary>
    public void NoteNoWait()
    {
        _latency!.Wait.Record(0);
        WaitStartUs = 0;
    }

    private void BeginQuery()
    {
        QueryStartUs = _context.NowUs;
        var stats = Stats;
        stats.Queries++;
        if (XactStartUs != 0)
        {
            if (_readyInXactUs != 0) _clientUs += QueryStartUs - _readyInXactUs;
            return;
        }
        XactStartUs = QueryStartUs;
        stats.Xacts++;
    }

    /// <summary>ReadyForQuery with nothing outstanding.</summary>
    public void EndQuery(bool isTransactionOver)
    {
        var stats = Stats;
        var now = _context.NowUs;
        _isDropUnderWay = false;
        if (QueryStartUs != 0)
        {
            stats.QueryUs += now - QueryStartUs;
            _latency!.Query.Record(now - QueryStartUs);
            QueryStartUs = 0;
        }
        if (XactStartUs == 0) return;
        _readyInXactUs = now;
        if (!isTransactionOver) return;
        stats.XactUs += now - XactStartUs;
        _latency!.Transaction.Record(now - XactStartUs);
        _latency.Client.Record(_clientUs);
        XactStartUs = 0;
        _readyInXactUs = 0;
        _clientUs = 0;
    }

    /// <summary>Everything that counts this client lets go of it. The link, if any, has been dealt with.</summary>
    public void Leave(IPoolHost host)
    {
        Check.That(State != ClientState.Closed);
        State = ClientState.Closed;
        ForgetStatements();
        if (_isCounted) _context.Registry.Clients.Leave();
        if (_isCountedInDatabase) Database!.Clients.Leave();
        _countedUser?.Clients.Leave();
        if (CancelKey != 0) _context.Registry.CancelKeys.Remove(CancelKey);
        if (_hasJoined) Pool!.Leave(this, host);
    }

    private Verdict End(Ending ending)
    {
        Ending = ending;
        return Verdict.Disconnect;
    }

    private Verdict RefusePqexec()
    {
        _context.Log.Failure(LogPrefix, "client used \"Query\" packet type");
        return End(Ending.Told("PQexec disallowed"));
    }

    private Verdict RefuseUnknown(byte type)
    {
        _context.Log.Failure(LogPrefix, $"unknown pkt from client: {type}/0x{type:x}");
        return End(Ending.Told("unknown pkt"));
    }

    /// <summary>So many requests without a reply are kept for one client, and no more.</summary>
    public Verdict RefuseMore() => End(new Ending(TooManyOutstanding, TooManyOutstanding, "54000"));

    private const string TooManyOutstanding = "too many requests without a reply";

    /// <summary>A packet of the startup family after the login.</summary>
    public Verdict RefuseStartup(uint code)
    {
        _context.Log.Failure(LogPrefix, $"unknown pkt from client: {code}/0x{code:x}");
        return End(Ending.Told("unknown pkt"));
    }

    public Verdict RefuseHeader(ReadOnlySpan<byte> unread) =>
        End(Ending.Told($"bad packet header: '{Convert.ToHexStringLower(unread[..Math.Min(8, unread.Length)])}'"));
}
