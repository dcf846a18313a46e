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
        ReplicationOptions = handed.ReplicationOptions.Length > 0 ? handed.ReplicationOptions : null;
        IsInCopyIn = handed.IsInCopyIn;
        Kept = handed.Kept;
        _hasWelcome = !handed.AwaitsWelcome;
        (Parameters, AtLogin, SettingsAtLogin) = context.ClientValuesOf(handed.Parameters);
        if (_hasWelcome) Parameters = context.Interner.FillOwn(Parameters);
        var clocks = handed.Clocks;
        RequestUs = context.NowUs - clocks.RequestUs;
        QueryStartUs = Moment(clocks.QueryUs);
        XactStartUs = Moment(clocks.XactUs);
        _readyInXactUs = Moment(clocks.ReadyInXactUs);
        _clientUs = clocks.ClientUs;
    }

    private long Moment(long ageUs) => ageUs < 0 ? 0 : _context.NowUs - ageUs;

    private static long Age(long momentUs, long nowUs) => momentUs == 0 ? -1 : Math.Max(0, nowUs - momentUs);

    /// <summary>In its pool again, under its old key and with its old statements.</summary>
    /// <remarks>A key that another client has already is not used: this client's cancel requests will not be heard.</remarks>
    /// <param name="origin">The proxy that it came by; null: none.</param>
    public void Rejoin(Database database, Pool pool, HandedClient handed, IReadOnlyDictionary<long, Statement> statements,
        IPoolHost host, ProxyOrigin? origin = null)
    {
        Database = database;
        Origin = origin;
        if (!_context.Registry.CancelKeys.TryGive(handed.CancelKey, this)) GiveCancelKey();
        CountDatabase();
        CountUser(_context.Registry.GetUser(handed.User));
        foreach (var (name, number) in handed.Statements)
        {
            if (statements.TryGetValue(number, out var statement))
                (_statements ??= new ClientStatements(_context.Statements)).Add(name, statement);
        }
        if (handed.Unnamed.Length > 0) (Unnamed = new UnnamedStatement(_context.Buffers)).Restore(handed.Unnamed);
        Join(pool, host);
    }

    /// <summary>The state for a process that takes over. The client stands still.</summary>
    /// <param name="link">The linked server's descriptor; 0: none.</param>
    /// <param name="state">The whole that it becomes a part of.</param>
    public HandedClient Save(int descriptor, int link, HandedStream stream, HandedState state) => new()
    {
        Descriptor = descriptor,
        Database = DatabaseName!,
        User = UserName!,
        Remote = Remote,
        Local = Local,
        UnixPort = UnixPort,
        PeerPid = PeerPid,
        CancelKey = CancelKey,
        LinkedDescriptor = link,
        Parameters = state.Named(_context.Tracked, Parameters, AtLogin, SettingsAtLogin),
        Replication = Replication,
        ReplicationOptions = ReplicationOptions ?? "",
        Clocks = new ClientClocks(
            state.NowUs - ConnectUs,
            state.NowUs - RequestUs,
            Age(QueryStartUs, state.NowUs),
            Age(XactStartUs, state.NowUs),
            Age(_readyInXactUs, state.NowUs),
            _clientUs,
            State == ClientState.Waiting ? Math.Max(0, state.NowUs - WaitStartUs) : -1),
        IsInCopyIn = IsInCopyIn,
        AwaitsWelcome = State == ClientState.Waiting && !_hasWelcome,
        Statements = _statements is null ? [] : [.. _statements.All.Select(static entry => (entry.Name, entry.Statement.Number))],
        Kept = Kept,
        Unnamed = Unnamed is null ? [] : Unnamed.Expected.ToArray(),
        Stream = stream,
    };
}
