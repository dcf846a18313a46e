using FastPool.Base;
using FastPool.Core.Pools;
using FastPool.Core.Sessions.Handover;

namespace FastPool.Core.Sessions;

/// <summary>A client on its way from one process to another.</summary>
public sealed partial class ClientSession
{
    /// <summary>A client that another process has given up, up to <see cref="Rejoin"/> without a pool.</summary>
    public ClientSession(SessionContext context, long id, HandedClient handed)
        : this(context, id, (handed.Remote, handed.Local, handed.UnixPort, handed.PeerPid), handed.Clocks.ConnectUs)
    {
        DatabaseName = handed.Database;
        UserName = handed.User;
        Replication = handed.Replication;
        IsInCopyIn = handed.IsInCopyIn;
        _hasWelcome = !handed.AwaitsWelcome;
        Parameters = context.ValuesOf(handed.Parameters);
        var clocks = handed.Clocks;
        RequestUs = context.NowUs - clocks.RequestUs;
        QueryStartUs = Moment(clocks.QueryUs);
        XactStartUs = Moment(clocks.XactUs);
        _readyInXactUs = Moment(clocks.ReadyInXactUs);
        _clientUs = clocks.ClientUs;
    }

    private long Moment(long ageUs) => ageUs < 0 ? 0 : _context.NowUs - ageUs;

    private long Age(long momentUs) => momentUs == 0 ? -1 : _context.NowUs - momentUs;

    /// <summary>In its pool again, under its old key and with its old statements.</summary>
    /// <returns>False when the key belongs to somebody else: a new one would be of no use to this client.</returns>
    public bool Rejoin(Database database, Pool pool, HandedClient handed, IReadOnlyDictionary<long, Statement> statements, IPoolHost host)
    {
        Database = database;
        if (!_context.Registry.CancelKeys.TryAdd(handed.CancelKey, this)) return false;
        CancelKey = handed.CancelKey;
        CountDatabase();
        CountUser(_context.Registry.GetUser(handed.User));
        foreach (var (name, number) in handed.Statements)
        {
            if (statements.TryGetValue(number, out var statement)) (_statements ??= new ClientStatements(_context.Statements)).Add(name, statement);
        }
        Join(pool, host);
        return true;
    }

    /// <summary>What a process that takes over needs to know. The client stands still.</summary>
    /// <param name="link">The linked server's descriptor; 0: none.</param>
    public HandedClient Save(int descriptor, int link, HandedStream stream) => new()
    {
        Descriptor = descriptor,
        Database = DatabaseName!,
        User = UserName!,
        Remote = Remote,
        Local = Local,
        UnixPort = UnixPort,
        PeerPid = PeerPid,
        CancelKey = CancelKey,
        Link = link,
        Parameters = _context.Tracked.Named(Parameters),
        Replication = Replication,
        Clocks = new ClientClocks(Age(ConnectUs), Age(RequestUs), Age(QueryStartUs), Age(XactStartUs), Age(_readyInXactUs), _clientUs, State == ClientState.Waiting ? Age(WaitStartUs) : -1),
        IsInCopyIn = IsInCopyIn,
        AwaitsWelcome = State == ClientState.Waiting && !_hasWelcome,
        Statements = _statements is null ? [] : [.. _statements.All.Select(static entry => (entry.Name, entry.Statement.Number))],
        Stream = stream,
    };
}
