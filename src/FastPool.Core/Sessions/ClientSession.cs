using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Settings;
using FastPool.Protocol;

namespace FastPool.Core.Sessions;

/// <summary>
/// A client: who it is, what it asked for, which clocks run for it. Looks at each message and says what is to be done
/// with it; it knows neither sockets nor threads. Belongs to its loop.
/// </summary>
public sealed class ClientSession : PoolClient
{
    private readonly SessionContext _context;
    private PoolUser? _countedUser;
    private bool _isCountedInDatabase;
    private bool _isCounted;
    private bool _hasJoined;

    public ClientSession(SessionContext context, long id, EndAddress remote, EndAddress local, int unixPort, int peerPid)
        : base(context.Loop, context.NowUs)
    {
        _context = context;
        Id = id;
        Remote = remote;
        Local = local;
        UnixPort = unixPort;
        PeerPid = peerPid;
        ConnectWallUs = context.WallUs;
        RequestUs = context.NowUs;
        Parameters = context.Tracked.Unknown;
        Login = new ClientLogin(this, context);
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
    /// <summary>Console rights: everything, or SHOW only.</summary>
    public bool IsAdmin { get; set; }
    public ParameterValues Parameters { get; set; }
    public ulong CancelKey { get; private set; }

    /// <summary>The linked server; null: none.</summary>
    public ServerSession? Server { get; set; }

    /// <summary>The transport's own object for this session.</summary>
    public object? Transport { get; set; }

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
        Pool = pool;
        State = ClientState.Active;
        do
        {
            CancelKey = NewCancelKey();
        }
        while (!_context.Registry.CancelKeys.TryAdd(CancelKey, this));
        pool.Join(this, host);
        _hasJoined = true;
    }

    /// <summary>8 random bytes; the top bit is clear, so that a driver's process id is never negative. With a peer_id, the id and a TTL of 3 are put in.</summary>
    private ulong NewCancelKey()
    {
        Span<byte> bytes = stackalloc byte[8];
        _context.Random.Fill(bytes);
        bytes[0] &= 0x7f;
        var peerId = _context.Registry.Settings.PeerId;
        if (peerId > 0)
        {
            bytes[1] = (byte)peerId;
            bytes[2] = (byte)(peerId >> 8);
            bytes[7] |= 3;
        }
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    /// <summary>The welcome block for this client; what the pool knows and the client did not name is the client's from now on.</summary>
    public byte[] TakeWelcome(WelcomeParameters welcome)
    {
        Parameters = _context.Interner.Fill(Parameters, welcome.Tracked);
        return welcome.Write(_context.Tracked, Parameters, CancelKey);
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
            case FrontendMessage.Execute:
            case FrontendMessage.Sync:
            case FrontendMessage.Describe:
            case FrontendMessage.Close:
            case FrontendMessage.Flush:
            case FrontendMessage.FunctionCall:
                break;
            case FrontendMessage.CopyData:
            case FrontendMessage.CopyDone:
            case FrontendMessage.CopyFail:
                if (IsConsole) break;
                return Server is null ? Verdict.Skip : Verdict.Forward; // They belong to a query that runs, or to a COPY that failed early: no query begins here.
            case FrontendMessage.Terminate:
                return End(new Ending("client close request"));
            default:
                return RefuseUnknown(type);
        }
        if (QueryStartUs == 0) BeginQuery();
        return IsConsole ? Verdict.Console : Verdict.Forward;
    }

    /// <summary>A message of this client has a server; counted as the original counts.</summary>
    public void CountForwarded(int totalLength) => Stats.ReceivedBytes += totalLength;

    public void NoteAssignment() => Stats.ServerAssignments++;

    public void NoteWait()
    {
        Stats.WaitUs += _context.NowUs - WaitStartUs;
        WaitStartUs = 0;
    }

    private void BeginQuery()
    {
        QueryStartUs = _context.NowUs;
        var stats = Stats;
        stats.Queries++;
        if (XactStartUs != 0) return;
        XactStartUs = QueryStartUs;
        stats.Xacts++;
    }

    /// <summary>ReadyForQuery with nothing outstanding.</summary>
    public void EndQuery(bool isTransactionOver)
    {
        var stats = Stats;
        if (QueryStartUs != 0)
        {
            stats.QueryUs += _context.NowUs - QueryStartUs;
            QueryStartUs = 0;
        }
        if (!isTransactionOver || XactStartUs == 0) return;
        stats.XactUs += _context.NowUs - XactStartUs;
        XactStartUs = 0;
    }

    /// <summary>The console's clocks never tell anything: it runs no query.</summary>
    public void EndConsoleQuery() => QueryStartUs = 0;

    /// <summary>Everything that counts this client lets go of it. The link, if any, has been dealt with.</summary>
    public void Leave(IPoolHost host)
    {
        Check.That(State != ClientState.Closed);
        State = ClientState.Closed;
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

    /// <summary>A packet of the startup family after the login.</summary>
    public Verdict RefuseStartup(uint code)
    {
        _context.Log.Failure(LogPrefix, $"unknown pkt from client: {code}/0x{code:x}");
        return End(Ending.Told("unknown pkt"));
    }

    public Verdict RefuseHeader(ReadOnlySpan<byte> unread) =>
        End(Ending.Told($"bad packet header: '{Convert.ToHexStringLower(unread[..Math.Min(8, unread.Length)])}'"));
}
