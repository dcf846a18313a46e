namespace FastPool.Core.Settings;

/// <summary>
/// Everything that is configured, at one moment. A snapshot: a reload makes another one and never changes this one. Hot paths
/// read the properties, so each is a plain field; times are microseconds and end in Us. The setters are for the rows of <see
/// cref="SettingsTable"/> and for <see cref="ConfigurationLoader"/>, on a draft that no other code has seen yet. PgBouncer's
/// manual tells, under its key, the meaning of a value.
/// </summary>
public sealed class Settings
{
    /// <summary>
    /// The values that SHOW CONFIG prints, by row: a switch as the number that was given, which a bool cannot hold.
    /// </summary>
    private string?[] _shown = new string?[SettingsTable.Rows.Count];

    private Settings()
    {
    }

    public TokenList AdminUsers { get; internal set; } = TokenList.Empty;

    public bool ApplicationNameAddHost { get; internal set; }

    public string? AuthDbname { get; internal set; }

    public string? AuthFile { get; internal set; }

    public string AuthHbaFile { get; internal set; } = "";

    public string? AuthIdentFile { get; internal set; }

    public string? AuthLdapOptions { get; internal set; }

    /// <summary>Has one parameter, the user name.</summary>
    public string AuthQuery { get; internal set; } = "";

    public AuthType AuthType { get; internal set; }

    public string? AuthUser { get; internal set; }

    public long AutodbIdleTimeoutUs { get; internal set; }

    public long CancelWaitTimeoutUs { get; internal set; }

    public long ClientIdleTimeoutUs { get; internal set; }

    public long ClientLoginTimeoutUs { get; internal set; }

    public string? ClientTls13Ciphers { get; internal set; }

    public string ClientTlsCaFile { get; internal set; } = "";

    public string ClientTlsCertFile { get; internal set; } = "";

    public string ClientTlsCiphers { get; internal set; } = "";

    public string ClientTlsDheparams { get; internal set; } = "";

    public string ClientTlsEcdhcurve { get; internal set; } = "";

    public string ClientTlsKeyFile { get; internal set; } = "";

    public string ClientTlsProtocols { get; internal set; } = "";

    public SslMode ClientTlsSslmode { get; internal set; }

    /// <summary>conffile: the main file. A value set by the file or the console is what the next reload reads.</summary>
    public string ConfigFile { get; internal set; } = "";

    /// <summary>0 and less: no limit.</summary>
    public int DefaultPoolSize { get; internal set; }

    public bool DisablePqexec { get; internal set; }

    public long DnsMaxTtlUs { get; internal set; }

    public long DnsNxdomainTtlUs { get; internal set; }

    public long DnsZoneCheckPeriodUs { get; internal set; }

    public long IdleTransactionTimeoutUs { get; internal set; }

    public TokenList IgnoreStartupParameters { get; internal set; } = TokenList.Empty;

    public string JobName { get; internal set; } = "";

    public IReadOnlyList<string> ListenAddr { get; internal set; } = [];

    /// <summary>The one address that listen_addr names; null: it names none, several or all.</summary>
    public System.Net.IPAddress? OwnAddress =>
        ListenAddr is [var only] && System.Net.IPAddress.TryParse(only, out var ip) && !ip.Equals(System.Net.IPAddress.Any)
            && !ip.Equals(System.Net.IPAddress.IPv6Any) ? ip : null;

    public int ListenBacklog { get; internal set; }

    public int ListenPort { get; internal set; }

    public bool LogConnections { get; internal set; }

    public bool LogDisconnections { get; internal set; }

    public bool LogPoolerErrors { get; internal set; }

    /// <summary>Told to each client after its login; empty: nothing.</summary>
    public string LoginNotifyMessage { get; internal set; } = "";

    public bool LogStats { get; internal set; }

    public string Logfile { get; internal set; } = "";

    public int MaxClientConn { get; internal set; }

    public int MaxDbClientConnections { get; internal set; }

    public int MaxDbConnections { get; internal set; }

    /// <summary>Bytes.</summary>
    public uint MaxPacketSize { get; internal set; }

    public int MaxPreparedStatements { get; internal set; }

    public int MaxUserClientConnections { get; internal set; }

    public int MaxUserConnections { get; internal set; }

    public int MinPoolSize { get; internal set; }

    public int PeerId { get; internal set; }

    /// <summary>Our own id comes from our address.</summary>
    public bool IsPeerIdAuto { get; internal set; }

    public string Pidfile { get; internal set; } = "";

    /// <summary>Bytes.</summary>
    public int PktBuf { get; internal set; }

    public PoolMode PoolMode { get; internal set; }

    public long QueryTimeoutUs { get; internal set; }

    /// <summary>Seconds.</summary>
    public int QueryWaitNotify { get; internal set; }

    public long QueryWaitTimeoutUs { get; internal set; }

    /// <summary>A pool without clients and servers is forgotten after so long; 0: never.</summary>
    public long PoolIdleTimeoutUs { get; internal set; }

    public int ReservePoolSize { get; internal set; }

    public long ReservePoolTimeoutUs { get; internal set; }

    public string ResolvConf { get; internal set; } = "";

    public int SbufLoopcnt { get; internal set; }

    public int ScramIterations { get; internal set; }

    public long ServerCheckDelayUs { get; internal set; }

    public string ServerCheckQuery { get; internal set; } = "";

    public long ServerConnectTimeoutUs { get; internal set; }

    public bool ServerFastClose { get; internal set; }

    public long ServerIdleTimeoutUs { get; internal set; }

    public long ServerLifetimeUs { get; internal set; }

    public long ServerLoginRetryUs { get; internal set; }

    public string ServerResetQuery { get; internal set; } = "";

    public bool ServerResetQueryAlways { get; internal set; }

    public bool ServerRoundRobin { get; internal set; }

    public string? ServerTls13Ciphers { get; internal set; }

    public string ServerTlsCaFile { get; internal set; } = "";

    public string ServerTlsCertFile { get; internal set; } = "";

    public string ServerTlsCiphers { get; internal set; } = "";

    public string ServerTlsKeyFile { get; internal set; } = "";

    public string ServerTlsProtocols { get; internal set; } = "";

    public SslMode ServerTlsSslmode { get; internal set; }

    public bool SoReuseport { get; internal set; }

    /// <summary>Seconds.</summary>
    public int StatsPeriod { get; internal set; }

    public TokenList StatsUsers { get; internal set; } = TokenList.Empty;

    public long SuspendTimeoutUs { get; internal set; }

    public bool Syslog { get; internal set; }

    /// <summary>As given; an unknown one is daemon.</summary>
    public string SyslogFacility { get; internal set; } = "";

    public string SyslogIdent { get; internal set; } = "";

    public bool TcpDeferAccept { get; internal set; }

    public bool TcpKeepalive { get; internal set; }

    public int TcpKeepcnt { get; internal set; }

    /// <summary>Seconds.</summary>
    public int TcpKeepidle { get; internal set; }

    /// <summary>Seconds.</summary>
    public int TcpKeepintvl { get; internal set; }

    /// <summary>Bytes.</summary>
    public int TcpSocketBuffer { get; internal set; }

    /// <summary>Milliseconds.</summary>
    public int TcpUserTimeout { get; internal set; }

    /// <summary>Names as given; they are compared in any case.</summary>
    public IReadOnlyList<string> TrackExtraParameters { get; internal set; } = [];

    public long TransactionTimeoutUs { get; internal set; }

    /// <summary>Empty: no Unix socket. A leading @: the abstract namespace.</summary>
    public string UnixSocketDir { get; internal set; } = "";

    public string UnixSocketGroup { get; internal set; } = "";

    /// <summary>Permission bits of the socket file.</summary>
    public int UnixSocketMode { get; internal set; }

    public string? User { get; internal set; }

    /// <summary>0: LOG and above; 1: DEBUG too; 2 and more: NOISE too.</summary>
    public int Verbose { get; internal set; }

    /// <summary>[databases] by name, without *.</summary>
    public IReadOnlyDictionary<string, DatabaseEntry> Databases { get; internal set; } = new Dictionary<string, DatabaseEntry>();

    /// <summary>The * entry, unread: <see cref="DatabaseEntry.TryParse"/> reads it for a client.</summary>
    public string? AutoDatabaseConnectString { get; internal set; }

    /// <summary>[users] by name.</summary>
    public IReadOnlyDictionary<string, UserEntry> Users { get; internal set; } = new Dictionary<string, UserEntry>();

    /// <summary>[peers] by id.</summary>
    public IReadOnlyDictionary<int, PeerEntry> Peers { get; internal set; } = new Dictionary<int, PeerEntry>();

    /// <summary>The line of [peers] whose names stand for any number of peers; null: there is none.</summary>
    public PeerEntry? PeersByName { get; internal set; }

    /// <summary>The users of auth_file.</summary>
    public UserList UserList { get; internal set; } = UserList.Empty;

    /// <summary>The rules of auth_hba_file; none unless auth_type is hba.</summary>
    public HbaRules HbaRules { get; internal set; } = HbaRules.Empty;

    /// <summary>[fastpool].</summary>
    public FastPoolSettings Own { get; internal set; } = FastPoolSettings.Default;

    /// <summary>The state of auth_file that <see cref="UserList"/> stands for. Null: none was looked at yet.</summary>
    internal (string Path, FileStamp Stamp)? UserListSource { get; set; }

    /// <summary>verbose by -v, which stands as long as neither file nor console says otherwise.</summary>
    internal int VerboseGiven { get; private init; }

    /// <summary>With one setting changed, as the console's SET does it.</summary>
    /// <param name="key">Exact case.</param>
    /// <param name="value">Unquoted.</param>
    /// <param name="message">The text to log; a value that merely does not parse has none of its own.</param>
    /// <returns>Null when it failed; this very snapshot when the setting is fixed until restart, which is success.</returns>
    public Settings? TrySet(string key, string value, out LogText? message)
    {
        message = null;
        if (SettingsTable.Find(key) is not { } row)
        {
            if (FastPoolSettings.IsChangeable(key))
            {
                if (Own.TrySet(key, value, out _) is not { } own) return null;
                var changed = (Settings)MemberwiseClone();
                changed.Own = own;
                return changed;
            }

            message = LogText.Error($"unknown parameter: pgbouncer/{key}");
            return null;
        }

        if (!row.Changeable) return this;
        var draft = (Settings)MemberwiseClone();
        draft._shown = [.. _shown];
        if (row.TryApply(draft, value, out var error)) return draft;
        if (error is not null) message = LogText.Error(error);
        return null;
    }

    /// <summary>A setting's value as SHOW CONFIG prints it.</summary>
    public string? ShowValue(string key) => SettingsTable.Find(key) is { } row ? ShownAt(row.Index) : null;

    /// <summary>Where a load begins: the defaults, but what is fixed until restart stays what it is.</summary>
    internal static Settings Draft(string configFile, int verbose, Settings? current)
    {
        var draft = new Settings { VerboseGiven = verbose };
        foreach (var row in SettingsTable.Rows)
        {
            var text = current is null || row.Changeable ? row.Default : current.ShownAt(row.Index);
            if (text is not null) row.MustApply(draft, text);
        }

        SettingsTable.ConfigFile.MustApply(draft, configFile);
        SettingsTable.Verbose.MustApply(draft, CNumber.FormatInt(verbose));
        return draft;
    }

    internal string? ShownAt(int index) => _shown[index];

    internal void Showing(int index, string text) => _shown[index] = text;
}
