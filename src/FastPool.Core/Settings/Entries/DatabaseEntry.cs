namespace FastPool.Core.Settings;

/// <summary>
/// One line of [databases], or an auto-database made from the * entry. Null (for limits: nothing above 0) means: ask the global
/// setting, which <see cref="EffectiveSettings"/> does.
/// </summary>
public sealed class DatabaseEntry
{
    /// <summary>The console's own database, for which there is no entry.</summary>
    public const string ReservedName = "pgbouncer";

    /// <summary>Longest name in bytes, PostgreSQL's NAMEDATALEN without its NUL.</summary>
    public const int NameBytesMax = 63;

    private const int DefaultPort = 5432;

    private bool _isAfterPassword;

    private DatabaseEntry(string name)
    {
        Name = name;
        DbName = name;
    }

    /// <summary>The name clients ask for.</summary>
    public string Name { get; }

    /// <summary>dbname: the name on the server.</summary>
    public string DbName { get; private set; }

    /// <summary>host as it was given; empty when it was not.</summary>
    public string HostText { get; private set; } = "";

    /// <summary>The items of host. None: the Unix socket in unix_socket_dir.</summary>
    public IReadOnlyList<string> Hosts { get; internal set; } = [];

    /// <summary>One port for all hosts.</summary>
    public int Port { get; private set; } = DefaultPort;

    /// <summary>user: every client shares one pool under this name.</summary>
    public string? ForcedUser { get; private set; }

    /// <summary>Of the forced user, in any form that a userlist may hold.</summary>
    public string? Password { get; private set; }

    /// <summary>Of the forced user: the place that has its password; null: none.</summary>
    public PasswordSource? PasswordSource { get; private set; }

    /// <summary>The line's own TLS towards the servers.</summary>
    public ServerTlsKeys ServerTls { get; private set; } = ServerTlsKeys.None;

    public string? AuthUser { get; private set; }

    public string? AuthQuery { get; private set; }

    public string? AuthDbname { get; private set; }

    /// <summary>0: no limit.</summary>
    public int? PoolSize { get; private set; }

    public int? MinPoolSize { get; private set; }

    public int? ReservePoolSize { get; private set; }

    public int MaxDbConnections { get; private set; }

    public int MaxDbClientConnections { get; private set; }

    /// <summary>0: inherit. A negative number has always meant never.</summary>
    public long ServerLifetimeUs { get; private set; }

    /// <summary>0: off; null: not set.</summary>
    public long? QueryWaitTimeoutUs { get; private set; }

    public PoolMode? PoolMode { get; private set; }

    /// <summary>Whether clients keep the state of their sessions between transactions.</summary>
    public SessionStateMode? SessionState { get; private set; }

    /// <summary>The end of a server whose client goes in the middle of something.</summary>
    public AbandonedTransaction? AbandonedTransaction { get; private set; }

    public LoadBalanceHosts LoadBalanceHosts { get; private set; } = LoadBalanceHosts.RoundRobin;

    /// <summary>Servers whose session is not so are left for the next host.</summary>
    public TargetSessionAttrs TargetSessionAttrs { get; private set; }

    public string? ConnectQuery { get; private set; }

    public string? ClientEncoding { get; private set; }

    public string? DateStyle { get; private set; }

    public string? TimeZone { get; private set; }

    public string? ApplicationName { get; private set; }

    /// <summary>Reads a connect string.</summary>
    /// <param name="name">Name of the entry.</param>
    /// <param name="connectString">Pairs, a URI and pairs, or nothing at all.</param>
    /// <param name="log">Gets the reason when there is one.</param>
    /// <returns>Null when it is refused.</returns>
    public static DatabaseEntry? TryParse(string name, string connectString, List<LogText> log)
    {
        if (name == ReservedName)
        {
            log.Add(LogText.Error($"database name \"{ReservedName}\" is reserved"));
            return null;
        }

        var entry = new DatabaseEntry(name);
        if (entry.TakeUri(ref connectString, log) is { } fault)
        {
            log.Add(LogText.Error(fault));
            return null;
        }
        var pairs = new ConnectString(connectString);
        while (pairs.Read(out var key, out var value))
        {
            var error = entry.Set(key, value, log);
            if (error is null) continue;
            log.Add(LogText.Error(error));
            return null;
        }

        if (pairs.IsBroken)
        {
            log.Add(LogText.Error("syntax error in connection string"));
            return null;
        }

        if (entry is { Password: not null, PasswordSource: { } source })
        {
            log.Add(LogText.Error($"password and {source.Key} exclude each other"));
            return null;
        }

        if (name.Length <= NameBytesMax) return entry;
        log.Add(LogText.Warning($"too long db name: {name}"));
        log.Add(LogText.Error("cannot create database, no memory?"));
        return null;
    }

    /// <summary>The console's own row among the databases: its pool, and nothing to connect to.</summary>
    public static DatabaseEntry OfConsole { get; } =
        new(ReservedName) { ForcedUser = ReservedName, PoolSize = 2, PoolMode = FastPool.Core.Settings.PoolMode.Statement };

    /// <summary>True when the servers of the other entry's pools serve this one too: a reload need not close them.</summary>
    public bool SameConnection(DatabaseEntry other) =>
        DbName == other.DbName
        && HostText == other.HostText
        && Port == other.Port
        && ForcedUser == other.ForcedUser
        && ConnectQuery == other.ConnectQuery
        && AuthDbname == other.AuthDbname
        && AuthQuery == other.AuthQuery
        && LoadBalanceHosts == other.LoadBalanceHosts
        && TargetSessionAttrs == other.TargetSessionAttrs;

    /// <summary>Takes a URI at the beginning away.</summary>
    private string? TakeUri(ref string connectString, List<LogText> log)
    {
        if (!ConnectUri.IsUri(connectString)) return null;
        var end = connectString.IndexOf(' ');
        var uri = end < 0 ? connectString : connectString[..end];
        connectString = connectString[uri.Length..];
        var pairs = new List<(string Key, string Value)>();
        if (ConnectUri.TryRead(uri, pairs) is { } problem) return "invalid URI in connection string: " + problem;
        // A password with a ? or a blank in it goes on where keys are looked for.
        var hasSecret = uri.Contains('@') || connectString.Contains('@');
        foreach (var (key, value) in pairs)
        {
            _isAfterPassword = hasSecret;
            if (Set(key, value, log) is { } error) return error;
        }
        _isAfterPassword = hasSecret;
        return null;
    }

    private string? Set(ReadOnlySpan<char> key, string value, List<LogText> log)
    {
        switch (key)
        {
            case "dbname": DbName = value; break;
            case "host": (HostText, Hosts) = (value, CommaList.SplitVerbatim(value)); break;
            case "port":
                Port = CNumber.Atoi(value);
                if (Port == 0) return $"invalid port: {value}";
                break;
            case "user": ForcedUser = value; break;
            case "password": Password = EntryText.Cut(value, Secret.BytesMax, "password", Name, log); break;
            case "auth_user": AuthUser = value; break;
            case "auth_query": AuthQuery = value; break;
            case "auth_dbname": AuthDbname = value; break;
            case "pool_size": PoolSize = EntryText.SizeOrInherit(value); break;
            case "min_pool_size": MinPoolSize = EntryText.SizeOrInherit(value); break;
            case "reserve_pool_size" or "reserve_pool": ReservePoolSize = EntryText.SizeOrInherit(value); break;
            case "max_db_connections": MaxDbConnections = CNumber.Atoi(value); break;
            case "max_db_client_connections": MaxDbClientConnections = CNumber.Atoi(value); break;
            case "server_lifetime": ServerLifetimeUs = EntryText.SecondsToUs(value); break;
            case "query_wait_timeout": QueryWaitTimeoutUs = EntryText.SecondsOrInherit(value); break;
            case "pool_mode":
                if (!PoolModes.Words.TryParse(value, out var mode)) return $"invalid pool mode: {value}";
                PoolMode = mode;
                break;
            case "session_state":
                if (!SessionStateWords.Words.TryParse(value, out var keeping)) return $"invalid session_state: {value}";
                SessionState = keeping;
                break;
            case "abandoned_transaction":
                if (!AbandonedTransactionWords.Words.TryParse(value, out var end))
                    return $"invalid abandoned_transaction: {value}";
                AbandonedTransaction = end;
                break;
            case "load_balance_hosts":
                if (!LoadBalanceHostsWords.Words.TryParse(value, out var balance)) return $"invalid load_balance_hosts: {value}";
                LoadBalanceHosts = balance;
                break;
            case "target_session_attrs":
                if (!TargetSessionAttrsWords.Words.TryParse(value, out var target))
                    return $"invalid target_session_attrs: {value}";
                TargetSessionAttrs = target;
                break;
            case "connect_query": ConnectQuery = value; break;
            case "client_encoding": ClientEncoding = value; break;
            case "datestyle": DateStyle = value; break;
            case "timezone": TimeZone = value; break;
            case "application_name": ApplicationName = value; break;
            case "password_file" or "password_command":
                if (PasswordSource is not null) return "password_file and password_command exclude each other";
                PasswordSource = PasswordSource.TryParse(key, value, $"database \"{Name}\"", out var fault);
                if (fault is not null) return fault;
                break;
            default:
                if (ServerTls.With(key, value, out var error) is { } tls)
                {
                    if (error is not null) return error;
                    ServerTls = tls;
                    break;
                }
                // A password with a blank in it goes on there.
                return $"unrecognized connection parameter: {(_isAfterPassword ? "****" : key)}";
        }

        _isAfterPassword = key.SequenceEqual("password");
        return null;
    }
}
