using System.Globalization;

namespace FastPool.Core.Settings;

/// <summary>Checks for all that loads and is probably not meant. Each check says what happens and what to write.</summary>
internal static class MeaningChecks
{
    private const int PortMax = 65535;
    private const string RightPort = "Write a number up to 65535.";
    private const string Smaller = "Write a smaller number.";

    /// <summary>Keys of [databases], [users] and [peers] whose values are numbers.</summary>
    private static readonly string[] EntryNumbers =
    [
        "port", "pool_size", "min_pool_size", "reserve_pool_size", "reserve_pool", "max_db_connections",
        "max_db_client_connections", "max_user_connections", "max_user_client_connections", "server_lifetime",
        "query_wait_timeout", "query_timeout", "idle_transaction_timeout", "transaction_timeout", "client_idle_timeout",
    ];

    /// <summary>The most that the kernel takes; more stops a start. Source: tcp(7) and the kernel's net/tcp.h.</summary>
    private static readonly (string Key, Func<Settings, int> Of, int Most)[] KeepaliveFigures =
    [
        ("tcp_keepidle", static settings => settings.TcpKeepidle, 32767),
        ("tcp_keepintvl", static settings => settings.TcpKeepintvl, 32767),
        ("tcp_keepcnt", static settings => settings.TcpKeepcnt, 127),
    ];

    private static readonly string[] Queries = ["server_reset_query", "server_check_query", "auth_query"];

    internal static void Run(ConfigurationCheck check, Settings settings)
    {
        CheckValues(check);
        CheckNumbers(check, settings);
        CheckEntries(check);
        CheckLogins(check, settings);
        CheckPools(check, settings);
        CheckEffects(check, settings);
    }

    private static void CheckValues(ConfigurationCheck check)
    {
        foreach (var key in Queries)
        {
            if (check.Written(key) is { } query && IsQuoted(query))
                Warn(check, key, $"{key} begins with a quote: the server gets it too, and takes no such query",
                    "Write the query as it is, without quotes around it.");
        }

        foreach (var section in (string[])["pgbouncer", "fastpool"])
        {
            foreach (var (key, value) in check.Entries(section))
            {
                if (MainFile.CommentBehind(value) is { } comment)
                    check.Add(false, key, $"what stands behind the value of {key} is part of it: {comment}",
                        "A comment needs a line of its own.", section);
            }
        }
    }

    /// <summary>They are read as the C library reads them, which takes a part of what does not fit.</summary>
    private static void CheckNumbers(ConfigurationCheck check, Settings settings)
    {
        foreach (var (key, value) in check.Entries("pgbouncer"))
        {
            if (SettingsTable.Find(key) is not { IsSigned: { } isSigned } row) continue;
            if (CNumber.Fits(value, isSigned: isSigned)) continue;
            Warn(check, key, $"{key} does not fit into 32 bits: {settings.ShownAt(row.Index)} is used", Smaller);
        }
        if (settings.ListenPort > PortMax)
            Warn(check, "listen_port", PortText(settings.ListenPort), RightPort);
        foreach (var (key, value) in check.Entries("pgbouncer"))
        {
            if (SettingsTable.Find(key)?.IsSigned != true || !CNumber.TryInt(value, out var number) || number >= 0) continue;
            check.Add(key == "listen_port" && settings.ListenAddr.Count > 0, key, $"{key} is below 0, which has no meaning",
                "Write 0 or more.");
        }
        CheckRanges(check, settings);
    }

    private static void CheckRanges(ConfigurationCheck check, Settings settings)
    {
        foreach (var (key, figure, most) in KeepaliveFigures)
        {
            if (settings.TcpKeepalive && figure(settings) > most)
                check.Add(isError: true, key, string.Create(CultureInfo.InvariantCulture,
                    $"{key}: the system takes at most {most}"), Smaller);
        }
        if (settings.PeerId > PeerEntry.IdMax)
        {
            Warn(check, "peer_id", string.Create(CultureInfo.InvariantCulture,
                $"peer_id: the highest id is {PeerEntry.IdMax}: {settings.PeerId & PeerEntry.IdMax} is used"), Smaller);
        }
        if (settings.MaxClientConn == 0)
            Warn(check, "max_client_conn", "max_client_conn = 0: nobody can log in", "Write how many clients there may be.");
        if (check.Written("unix_socket_mode") is [>= '1' and <= '9', ..] mode)
        {
            Warn(check, "unix_socket_mode",
                $"unix_socket_mode = {mode} is a decimal number: 0{Convert.ToString(settings.UnixSocketMode, 8)} is used",
                $"Write it with a 0 in front: 0{mode}.");
        }
    }

    private static string PortText(int port) =>
        string.Create(CultureInfo.InvariantCulture, $"the highest port is {PortMax}: {port & PortMax} is used");

    /// <summary>The pairs of [databases], [users] and [peers].</summary>
    private static void CheckEntries(ConfigurationCheck check)
    {
        foreach (var section in (string[])["databases", "users", "peers"])
        {
            foreach (var (name, text) in check.Entries(section))
            {
                foreach (var (key, value) in PairsOf(text))
                {
                    if (FaultOf(key, value) is var (fault, remedy)) check.Add(false, name, fault, remedy, section);
                }
            }
        }
    }

    /// <summary>Those of a URI at the beginning, and those that are written out.</summary>
    private static List<(string Key, string Value)> PairsOf(string text)
    {
        var all = new List<(string Key, string Value)>();
        if (ConnectUri.IsUri(text))
        {
            var end = (text + " ").IndexOf(' ');
            _ = ConnectUri.TryRead(text.AsSpan(0, end), all); // Its faults have been told.
            text = text[end..];
        }
        var pairs = new ConnectString(text);
        while (pairs.Read(out var key, out var value)) all.Add((key.ToString(), value));
        return all;
    }

    private static (string Text, string Remedy)? FaultOf(ReadOnlySpan<char> key, string value)
    {
        if (key is "host" && CommaList.SplitVerbatim(value).FirstOrDefault(HasMoreThanHost) is { } host)
            return ($"host {host} is taken for a name, with all its signs",
                "Write the address or name alone; port= has the port, one for all hosts.");
        if (!EntryNumbers.AsSpan().Contains(key.ToString())) return null;
        var number = CNumber.Atoi(value);
        if (!CNumber.TryDecimal(value, out _))
            return ($"{key}={value} is no number: {CNumber.FormatInt(number)} is used",
                key is "port" ? "One port counts for all hosts." : "Write a whole number.");
        if (!CNumber.Fits(value, radix: 10))
            return ($"{key}={value} does not fit into 32 bits: {CNumber.FormatInt(number)} is used", Smaller);
        return key is "port" && number is < 0 or > PortMax ? ($"port={value}: {PortText(number)}", RightPort) : null;
    }

    /// <summary>An address in brackets, or something with a port.</summary>
    private static bool HasMoreThanHost(string host) =>
        !host.StartsWith('/') && !host.StartsWith('@') && host.AsSpan().IndexOfAny('[', ':') >= 0
            && (host.Contains('[') || !System.Net.IPAddress.TryParse(host, out _));

    /// <summary>A start and a reload say this too: the pooler opens connections without end.</summary>
    internal const string QuotedResetQuery = "server_reset_query has quotes around it: the server gets them too, the query fails, "
        + "and each server is closed after its first client; write it without quotes";

    /// <summary>There are quotes around it.</summary>
    internal static bool IsQuoted(string query) => query is [('\'' or '"') and var quote, .., var last] && quote == last;

    private static void CheckLogins(ConfigurationCheck check, Settings settings)
    {
        var hasAuthUser = settings.AuthUser is not null
            || settings.Databases.Values.Any(static database => database.AuthUser is not null);
        if (check.Written("auth_query") is not null && !hasAuthUser)
            Warn(check, "auth_query", "auth_query is never asked: there is no auth_user",
                "Set auth_user, here or of a database.");
        if (hasAuthUser && settings.AuthType is AuthType.Any or AuthType.Pam or AuthType.Ldap)
            Warn(check, "auth_type", "auth_user is not used with this auth_type", "Use scram-sha-256, md5, plain or hba.");
        if (settings.AuthType is AuthType.Any or AuthType.Trust && settings.ListenAddr.Any(IsOpenToOthers))
            Warn(check, "auth_type", "anybody who reaches the port gets in without a password",
                "Use scram-sha-256, or listen on 127.0.0.1 alone.");
        if (settings.AuthType is not (AuthType.Any or AuthType.Pam or AuthType.Ldap or AuthType.Hba)
            && settings.AuthFile is null && !hasAuthUser)
            Warn(check, "auth_type", "nobody can log in: there are no users", "Set auth_file, or auth_user for auth_query.");
        if (settings.AuthType != AuthType.Hba && check.Written("auth_hba_file") is { Length: > 0 })
            Warn(check, "auth_hba_file", "auth_hba_file is not read", "It needs auth_type = hba.");
        foreach (var database in settings.Databases.Values)
        {
            if (database is { ForcedUser: null, PasswordSource: { } source })
                check.Add(false, database.Name, $"{source.Key} is not used: the database has no user",
                    $"Set user, or write {source.Key} into [users].", "databases");
        }
        if (settings.AdminUsers.Count == 0 && settings.StatsUsers.Count == 0 && settings.UnixSocketDir.Length == 0)
            Warn(check, "", "nobody may use the console", "Set admin_users.");
    }

    private static void CheckPools(ConfigurationCheck check, Settings settings)
    {
        const int ClientsPerServer = 10; // PgBouncer's defaults have 5.
        if (settings.Databases.Count == 0 && settings.AutoDatabaseConnectString is null)
            Warn(check, "", "there is no database", "Write one, or *, into [databases].");
        foreach (var database in settings.Databases.Values)
        {
            var size = settings.PoolSize(database, null);
            var mode = database.PoolMode ?? settings.PoolMode;
            if (mode == PoolMode.Session && size > 0 && size * ClientsPerServer < settings.MaxClientConn)
            {
                check.Add(false, database.Name,
                    string.Create(CultureInfo.InvariantCulture,
                        $"session pooling with a pool of {size}: the next client waits until another one leaves"),
                    "Use pool_mode = transaction if the application allows it (SHOW SAFETY tells), or a larger pool_size.",
                    "databases");
            }
        }

        if (check.Written("reserve_pool_timeout") is not null && settings.ReservePoolSize == 0
            && settings.Databases.Values.All(static database => database.ReservePoolSize is null or 0))
            Warn(check, "reserve_pool_timeout", "reserve_pool_timeout has no effect: there is no reserve pool",
                "Set reserve_pool_size.");
    }

    private static void CheckEffects(ConfigurationCheck check, Settings settings)
    {
        if (check.Written("job_name") is not null)
            Warn(check, "job_name", "job_name has no effect here: it names a Windows service", "Leave it out.");
        if (check.Written("server_reset_query") is { Length: > 0 } && !settings.ServerResetQueryAlways
            && settings.PoolMode != PoolMode.Session && settings.Databases.Values.All(static database =>
                database.PoolMode is null or not PoolMode.Session))
            Warn(check, "server_reset_query", "server_reset_query is never run: it belongs to session pooling",
                "Leave it out, or set server_reset_query_always = 1.");
        if (settings.AutoDatabaseConnectString is null && check.Written("autodb_idle_timeout") is not null)
            Warn(check, "autodb_idle_timeout", "autodb_idle_timeout has no effect: there is no database *", "Leave it out.");
        if ((settings.Peers.Count > 0 || settings.PeersByName is not null) && settings is { PeerId: 0, IsPeerIdAuto: false })
            Warn(check, "peer_id", "[peers] has no effect: the pooler has no number among them", "Set peer_id.");
        if (settings is { IsPeerIdAuto: true, PeersByName: null } && settings.OwnAddress is null)
            Warn(check, "peer_id", "peer_id = auto has no effect: nothing tells which address is meant",
                "Give [peers] a line auto = host=NAME, or name one address in listen_addr.");
        var tlsFiles = (string[])["client_tls_key_file", "client_tls_cert_file", "client_tls_ca_file"];
        if (settings.ClientTlsSslmode == SslMode.Disable
            && tlsFiles.FirstOrDefault(key => check.Written(key) is { Length: > 0 }) is { } file)
            Warn(check, file, $"{file} is not used: clients get no TLS", "Set client_tls_sslmode.");
        if (settings.Own.MetricsListen is { Ip: null, Name: null })
            check.Add(false, "metrics_listen",
                "everybody who reaches the port sees names of databases and users, without a password",
                "Choose one address, as in 127.0.0.1:9127, or let a firewall choose who gets there.", "fastpool");
        CheckProxies(check, settings.Own);
        CheckOwnEffects(check, settings);
    }

    /// <summary>Settings of [fastpool] that need another one.</summary>
    private static void CheckOwnEffects(ConfigurationCheck check, Settings settings)
    {
        var own = settings.Own;
        var written = check.Entries("fastpool").Select(static entry => entry.Key).ToHashSet();
        if (written.Contains("max_replica_lag") && own is { HostCheckPeriodUs: 0, ReplicaLagMaxMs: < long.MaxValue })
            NoEffect("max_replica_lag", "no standby is asked how far it is behind", "Set host_check_period.");
        if (written.Contains("metrics_histograms") && own.MetricsListen is null)
            NoEffect("metrics_histograms", "there are no metrics", "Set metrics_listen.");
        if (written.Contains("dead_peer_timeout") && own.DeadPeerTimeoutUs > 0
            && settings is not { TcpKeepalive: true, TcpKeepidle: 0, TcpKeepintvl: 0, TcpKeepcnt: 0, TcpUserTimeout: 0 })
            NoEffect("dead_peer_timeout", "settings that begin with tcp_ are set instead", "Leave those out, or this one.");
        if (own.MetricsListen is { } metrics && metrics.Port == settings.ListenPort && settings.ListenAddr.Any(address =>
                address == "*" || metrics is { Ip: null, Name: null } || address == (metrics.Name ?? metrics.Ip!.ToString())))
            NoEffect("metrics_listen", "clients have that address and port", "Choose another port.");
        if (own.Loops > 0 && own.LoopsMin > own.Loops)
            check.Add(false, "min_loops", "min_loops is more than loops: all are in use at any time",
                "Write a smaller number, or a larger one for loops.", "fastpool");
        var keepsState = own.SessionState != SessionStateMode.Off
            || settings.Databases.Values.Any(static database => database.SessionState is not (null or SessionStateMode.Off))
            || settings.Users.Values.Any(static user => user.SessionState is not (null or SessionStateMode.Off));
        foreach (var key in (string[])["pinned_servers_max", "pinned_timeout"])
        {
            if (written.Contains(key) && !keepsState && settings.AutoDatabaseConnectString is null)
                NoEffect(key, "no server is pinned", "Set session_state = keep.");
        }

        if (own.ResultBuffer > 0 && settings.PoolMode == PoolMode.Session && settings.AutoDatabaseConnectString is null
            && settings.Databases.Values.All(static database => database.PoolMode is null or PoolMode.Session)
            && settings.Users.Values.All(static user => user.PoolMode is null or PoolMode.Session))
            NoEffect("result_buffer", "in session pooling a server stays with its client", "Leave it out.");
        else if (own.ResultBuffer > own.ResultBufferTotal)
            check.Add(false, "result_buffer_total", "one client may use up result_buffer_total: result_buffer is more",
                "Write a larger number, or a smaller result_buffer.", "fastpool");

        void NoEffect(string key, string why, string remedy) =>
            check.Add(false, key, $"{key} has no effect: {why}", remedy, "fastpool");
    }

    private static void CheckProxies(ConfigurationCheck check, FastPoolSettings own)
    {
        if (own.ProxyProtocolFrom.IsEmpty && own.ProxyProtocolListen != ProxyAddresses.All)
            check.Add(false, "proxy_protocol_listen", "proxy_protocol_listen has no effect: no proxy is trusted",
                "Set proxy_protocol_from.", "fastpool");
        if (own.ProxyProtocolFrom.HasEverybody)
            check.Add(false, "proxy_protocol_from", "everybody who reaches the port may claim any client address",
                "Name the proxies' own addresses.", "fastpool");
    }

    private static bool IsOpenToOthers(string address) =>
        !(address == "localhost" || (System.Net.IPAddress.TryParse(address, out var ip) && System.Net.IPAddress.IsLoopback(ip)));

    private static void Warn(ConfigurationCheck check, string key, string text, string remedy) =>
        check.Add(isError: false, key, text, remedy);
}
