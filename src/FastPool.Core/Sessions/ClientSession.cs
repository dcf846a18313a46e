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
    private SessionContext _context; // The present loop's.
    private PoolUser? _countedUser;
    private bool _isCountedInDatabase;
    private bool _isCounted;
    private bool _hasJoined;
    private bool _hasWelcome;
    private PoolLatency? _latency;
    private long _readyInXactUs;
    private bool _isSlowTold;
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
    /// <summary>The client's own address, though a proxy be in between.</summary>
    public EndAddress Remote { get; private set; }
    public EndAddress Local { get; }
    /// <summary>listen_port: what stands for a port where the socket is a Unix one.</summary>
    public int UnixPort { get; }
    public int PeerPid { get; }
    /// <summary>Over a Unix socket, and the peer runs under our own uid.</summary>
    public bool IsOwnUser { get; init; }
    /// <summary>The peer's system user over a Unix socket; null otherwise.</summary>
    public string? PeerUserName { get; init; }

    /// <summary>The proxy that has told <see cref="Remote"/>; null: none.</summary>
    public ProxyOrigin? Origin { get; private set; }

    /// <summary>Nothing is taken from it before the header of its proxy.</summary>
    public bool AwaitsProxy { get; set; }

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

    /// <summary>The values that it gave at its login, to which RESET and DISCARD ALL go back; null: none.</summary>
    public ParameterValues? AtLogin { get; set; }

    /// <summary>
    /// The same of settings that are not tracked; null: none. Never without <see cref="AtLogin"/>, which may have no value then.
    /// </summary>
    public LoginSettings? SettingsAtLogin { get; set; }

    /// <summary>The state of its session that goes with it from server to server; null: none.</summary>
    public KeptState? Kept { get; internal set; }

    /// <summary>It listens by its pool's listening connection while it has no server; null: it does not.</summary>
    public Subscription? Subscription { get; set; }

    /// <summary>The process id that the client takes for its own.</summary>
    public int Pid => (int)(CancelKey >> 32);

    public void EndSubscription()
    {
        Subscription?.Leave();
        Subscription = null;
    }

    /// <summary>session_warning has told of it.</summary>
    internal bool HasBeenWarned { get; set; }

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

    public bool IsConsole { get; private set; }

    public Ending Ending { get; private set; }

    /// <summary>Descriptors have run out: it has one of those that are kept for the console.</summary>
    public bool MayOnlyUseConsole { get; init; }

    /// <summary>db/user appear once the client is told apart from a mere connection.</summary>
    public string LogPrefix => ConnectionName.Prefix('C', Id, DatabaseName, UserName, Remote, PeerPid, UnixPort);

    /// <summary>The counters of its pool on its loop, from the moment it has a pool.</summary>
    private PoolStats Stats { get; set; } = null!;

    /// <summary>The first bytes of a proxy's connection.</summary>
    /// <param name="length">Bytes of the header; behind them the client begins.</param>
    /// <returns>False: it is not whole yet, or wrong, and then <see cref="Ending"/> says so.</returns>
    public bool TryTakeProxy(ReadOnlySpan<byte> unread, out int length)
    {
        var status = ProxyHeader.TryRead(unread, out var header, out var problem);
        length = header.Length;
        if (status == HeaderStatus.Bad) End(Ending.Told($"bad PROXY header: {problem}"));
        if (status != HeaderStatus.Complete) return false;
        AwaitsProxy = false;
        if (!header.Client.IsKnown) return true;
        (Origin, Remote) = (new ProxyOrigin(Remote, header.Authority, header.Tls, header.CommonName), header.Client);
        if (_context.Registry.Settings.LogConnections)
            _context.Log.Proxied(
                LogPrefix, ConnectionName.Host(Origin.Proxy, 0, 0), Origin.Authority, Origin.Tls, Origin.CommonName);
        return true;
    }

    /// <summary>It says who is behind it, and nobody has asked.</summary>
    public void RefuseProxy() => End(Ending.Told($"PROXY header from {Remote}, which proxy_protocol_from does not name"));

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
        GiveCancelKey();
        Join(pool, host);
        if (IsConsole) Stats.Logins++; // Others are in when they are welcomed.
    }

    private void Join(Pool pool, IPoolHost host)
    {
        Pool = pool;
        IsConsole = ReferenceEquals(pool, _context.Registry.AdminPool);
        if (Kept is not null) _context.Questions.TryAddNames(pool, System.Text.Encoding.Latin1.GetBytes(Kept.Set));
        Stats = pool.Stats[Loop];
        _latency = Stats.OpenLatency(_context.HistogramBlocks);
        State = ClientState.Active;
        pool.Join(this, host);
        _hasJoined = true;
    }

    private void GiveCancelKey()
    {
        while (!_context.Registry.CancelKeys.TryGive(NewCancelKey(), this))
        {
        }
    }

    /// <summary>8 random bytes; the top bit is clear, so that a driver's process id is never negative.</summary>
    private ulong NewCancelKey()
    {
        Span<byte> bytes = stackalloc byte[8];
        _context.Random.Fill(bytes);
        bytes[0] &= 0x7f;
        var key = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var peerId = _context.Registry.Peers.OwnId;
        return peerId > 0 ? PeerKey.Of(peerId, key) : key;
    }

    public bool HasWelcome => _hasWelcome;

    /// <summary>
    /// The welcome block for this client; what the pool knows and the client did not name is the client's from now on.
    /// </summary>
    public void TakeWelcome(WelcomeParameters welcome, MessageBuffer output)
    {
        _hasWelcome = true;
        Parameters = _context.Interner.FillOwn(_context.Interner.Fill(Parameters, welcome.Tracked));
        welcome.Write(_context.Tracked, Parameters, CancelKey, _context.Registry.Settings, Pool!.Limits, output);
        Stats.Logins++;
    }

    /// <summary>The server has told its own spelling of values.</summary>
    internal void TakeCanonicalLogin(ParameterValues before)
    {
        if (AtLogin is null || ReferenceEquals(before, Parameters)) return;
        for (var i = 0; i < before.Count; i++)
        {
            if (AtLogin[i] is { } own && own == before[i]) AtLogin = _context.Interner.With(AtLogin, i, Parameters[i]);
        }
    }

    /// <summary>
    /// Judges a message of a client that is logged in. The header is complete and sound; the body may still be under way.
    /// </summary>
    public Verdict Judge(byte type, int totalLength)
    {
        switch (type)
        {
            case FrontendMessage.Query:
                if (Pool!.Limits.HasQueryRules && JudgeQuery(totalLength) is not Verdict.Forward and var rule) return rule;
                if (HasNames) return Verdict.Tracked;
                break;
            case FrontendMessage.Parse:
            case FrontendMessage.Bind:
            case FrontendMessage.Describe:
            case FrontendMessage.Close:
                if (TracksStatements) return Verdict.Tracked;
                break;
            case FrontendMessage.Execute:
                if (_dropPortals is not null) return Verdict.Tracked;
                break;
            case FrontendMessage.Sync:
            case FrontendMessage.FunctionCall:
                break;
            case FrontendMessage.Flush:
            case FrontendMessage.CopyData:
            case FrontendMessage.CopyDone:
            case FrontendMessage.CopyFail:
                if (IsConsole) break;
                // They belong to a query that runs, or to a COPY that failed early: no query begins here. Without a server no
                // reply is under way that a Flush could hurry.
                return Server is null ? Verdict.Skip : Verdict.Forward;
            case FrontendMessage.Terminate:
                return End(new Ending("client close request"));
            default:
                return RefuseUnknown(type);
        }
        if (QueryStartUs == 0) BeginQuery();
        return IsConsole ? Verdict.Console : Verdict.Forward;
    }

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

    /// <summary>A prepared statement of its has been run.</summary>
    internal void NoteRun(Statement statement, long us)
    {
        if (us < _context.Slow.MinUs) return;
        if (_context.Slow.MayWrite(_context.NowUs)) _context.Slow.WriteQuery(LogPrefix, us, statement);
        _isSlowTold = true;
    }

    /// <summary>ReadyForQuery with nothing outstanding.</summary>
    public void EndQuery(bool isTransactionOver)
    {
        var stats = Stats;
        var now = _context.NowUs;
        _isDropUnderWay = false;
        var queryStartUs = QueryStartUs;
        if (queryStartUs != 0)
        {
            stats.QueryUs += now - queryStartUs;
            _latency!.Query.Record(now - queryStartUs);
            QueryStartUs = 0;
            if (now - queryStartUs >= _context.Slow.MinUs && !_isSlowTold && _context.Slow.MayWrite(now))
                _context.Slow.WriteQuery(LogPrefix, now - queryStartUs, null);
            _isSlowTold = false;
        }
        if (XactStartUs == 0) return;
        _readyInXactUs = now;
        if (!isTransactionOver) return;
        // A query that is its own transaction has its line.
        if (now - XactStartUs >= _context.Slow.MinUs && XactStartUs != queryStartUs && _context.Slow.MayWrite(now))
            _context.Slow.WriteTransaction(LogPrefix, now - XactStartUs);
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
        EndSubscription();
        EndDeferral();
        if (_isCounted) _context.Registry.Clients.Leave();
        if (_isCountedInDatabase) Database!.Clients.Leave();
        _countedUser?.Clients.Leave();
        _context.Registry.CancelKeys.Remove(this);
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
