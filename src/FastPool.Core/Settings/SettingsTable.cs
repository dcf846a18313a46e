using System.Collections.Frozen;

namespace FastPool.Core.Settings;

/// <summary>
/// The settings of [pgbouncer], one row each: key, default, how it is read, where it goes, whether a reload may change it. The
/// order is that of SHOW CONFIG, which is the byte order of the keys.
/// </summary>
public static class SettingsTable
{
    /// <summary>The whole table.</summary>
    public static IReadOnlyList<SettingRow> Rows => All;

    private const bool Fixed = false; // Changeable: no.

    private const string AuthQueryDefault =
        "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END FROM pg_authid "
        + "WHERE rolname=$1 AND rolcanlogin";

    private static readonly SettingRow[] All = Numbered(
    [
        Text("admin_users", "", static (s, v) => s.AdminUsers = new TokenList(v)),
        Bool("application_name_add_host", "0", static (s, v) => s.ApplicationNameAddHost = v),
        Text("auth_dbname", null, static (s, v) => s.AuthDbname = v, refuse: ReservedAuthDbname),
        Text("auth_file", null, static (s, v) => s.AuthFile = v),
        Text("auth_hba_file", "", static (s, v) => s.AuthHbaFile = v),
        Text("auth_ident_file", null, static (s, v) => s.AuthIdentFile = v),
        Text("auth_ldap_options", null, static (s, v) => s.AuthLdapOptions = v),
        Text("auth_query", AuthQueryDefault, static (s, v) => s.AuthQuery = v),
        Word("auth_type", "md5", AuthTypes.Words, static (s, v) => s.AuthType = v),
        Text("auth_user", null, static (s, v) => s.AuthUser = v),
        Time("autodb_idle_timeout", "3600", static (s, v) => s.AutodbIdleTimeoutUs = v),
        Time("cancel_wait_timeout", "10", static (s, v) => s.CancelWaitTimeoutUs = v),
        Time("client_idle_timeout", "0", static (s, v) => s.ClientIdleTimeoutUs = v),
        Time("client_login_timeout", "60", static (s, v) => s.ClientLoginTimeoutUs = v),
        Text("client_tls13_ciphers", null, static (s, v) => s.ClientTls13Ciphers = v),
        Text("client_tls_ca_file", "", static (s, v) => s.ClientTlsCaFile = v),
        Text("client_tls_cert_file", "", static (s, v) => s.ClientTlsCertFile = v),
        Text("client_tls_ciphers", "default", static (s, v) => s.ClientTlsCiphers = v),
        Text("client_tls_dheparams", "auto", static (s, v) => s.ClientTlsDheparams = v),
        Text("client_tls_ecdhcurve", "auto", static (s, v) => s.ClientTlsEcdhcurve = v),
        Text("client_tls_key_file", "", static (s, v) => s.ClientTlsKeyFile = v),
        Text("client_tls_protocols", "secure", static (s, v) => s.ClientTlsProtocols = v),
        Word("client_tls_sslmode", "disable", SslModes.Words, static (s, v) => s.ClientTlsSslmode = v),
        Text("conffile", null, static (s, v) => s.ConfigFile = v),
        Int("default_pool_size", "20", static (s, v) => s.DefaultPoolSize = v),
        Bool("disable_pqexec", "0", static (s, v) => s.DisablePqexec = v, Fixed),
        Time("dns_max_ttl", "15", static (s, v) => s.DnsMaxTtlUs = v),
        Time("dns_nxdomain_ttl", "15", static (s, v) => s.DnsNxdomainTtlUs = v),
        Time("dns_zone_check_period", "0", static (s, v) => s.DnsZoneCheckPeriodUs = v),
        Time("idle_transaction_timeout", "0", static (s, v) => s.IdleTransactionTimeoutUs = v),
        Text("ignore_startup_parameters", "", static (s, v) => s.IgnoreStartupParameters = new TokenList(v)),
        Text("job_name", "pgbouncer", static (s, v) => s.JobName = v, Fixed),
        Text("listen_addr", "", static (s, v) => s.ListenAddr = CommaList.Split(v), Fixed),
        Int("listen_backlog", "128", static (s, v) => s.ListenBacklog = v, Fixed),
        Int("listen_port", "6432", static (s, v) => s.ListenPort = v, Fixed),
        Bool("log_connections", "1", static (s, v) => s.LogConnections = v),
        Bool("log_disconnections", "1", static (s, v) => s.LogDisconnections = v),
        Bool("log_pooler_errors", "1", static (s, v) => s.LogPoolerErrors = v),
        Bool("log_stats", "1", static (s, v) => s.LogStats = v),
        Text("logfile", "", static (s, v) => s.Logfile = v),
        Text("login_notify_message", "", static (s, v) => s.LoginNotifyMessage = v),
        Int("max_client_conn", "100", static (s, v) => s.MaxClientConn = v),
        Int("max_db_client_connections", "0", static (s, v) => s.MaxDbClientConnections = v),
        Int("max_db_connections", "0", static (s, v) => s.MaxDbConnections = v),
        UInt("max_packet_size", "2147483647", static (s, v) => s.MaxPacketSize = v),
        Int("max_prepared_statements", "200", static (s, v) => s.MaxPreparedStatements = v),
        Int("max_user_client_connections", "0", static (s, v) => s.MaxUserClientConnections = v),
        Int("max_user_connections", "0", static (s, v) => s.MaxUserConnections = v),
        Int("min_pool_size", "0", static (s, v) => s.MinPoolSize = v),
        Row("peer_id", "0", true, PeerId, isSigned: true),
        Text("pidfile", "", static (s, v) => s.Pidfile = v, Fixed),
        Int("pkt_buf", "4096", static (s, v) => s.PktBuf = v, Fixed),
        Time("pool_idle_timeout", "0", static (s, v) => s.PoolIdleTimeoutUs = v),
        Word("pool_mode", "session", PoolModes.Words, static (s, v) => s.PoolMode = v),
        Time("query_timeout", "0", static (s, v) => s.QueryTimeoutUs = v),
        Int("query_wait_notify", "5", static (s, v) => s.QueryWaitNotify = v),
        Time("query_wait_timeout", "120", static (s, v) => s.QueryWaitTimeoutUs = v),
        Int("reserve_pool_size", "0", static (s, v) => s.ReservePoolSize = v),
        Time("reserve_pool_timeout", "5", static (s, v) => s.ReservePoolTimeoutUs = v),
        Text("resolv_conf", "", static (s, v) => s.ResolvConf = v, Fixed),
        Int("sbuf_loopcnt", "5", static (s, v) => s.SbufLoopcnt = v),
        Int("scram_iterations", "4096", static (s, v) => s.ScramIterations = v),
        Time("server_check_delay", "30", static (s, v) => s.ServerCheckDelayUs = v),
        Text("server_check_query", "<empty>", static (s, v) => s.ServerCheckQuery = v),
        Time("server_connect_timeout", "15", static (s, v) => s.ServerConnectTimeoutUs = v),
        Bool("server_fast_close", "0", static (s, v) => s.ServerFastClose = v),
        Time("server_idle_timeout", "600", static (s, v) => s.ServerIdleTimeoutUs = v),
        Time("server_lifetime", "3600", static (s, v) => s.ServerLifetimeUs = v),
        Time("server_login_retry", "15", static (s, v) => s.ServerLoginRetryUs = v),
        Text("server_reset_query", "DISCARD ALL", static (s, v) => s.ServerResetQuery = v),
        Bool("server_reset_query_always", "0", static (s, v) => s.ServerResetQueryAlways = v),
        Bool("server_round_robin", "0", static (s, v) => s.ServerRoundRobin = v),
        Text("server_tls13_ciphers", null, static (s, v) => s.ServerTls13Ciphers = v),
        Text("server_tls_ca_file", "", static (s, v) => s.ServerTlsCaFile = v),
        Text("server_tls_cert_file", "", static (s, v) => s.ServerTlsCertFile = v),
        Text("server_tls_ciphers", "default", static (s, v) => s.ServerTlsCiphers = v),
        Text("server_tls_key_file", "", static (s, v) => s.ServerTlsKeyFile = v),
        Text("server_tls_protocols", "secure", static (s, v) => s.ServerTlsProtocols = v),
        Word("server_tls_sslmode", "prefer", SslModes.Words, static (s, v) => s.ServerTlsSslmode = v),
        Bool("so_reuseport", "0", static (s, v) => s.SoReuseport = v, Fixed),
        Int("stats_period", "60", static (s, v) => s.StatsPeriod = v),
        Text("stats_users", "", static (s, v) => s.StatsUsers = new TokenList(v)),
        Time("suspend_timeout", "10", static (s, v) => s.SuspendTimeoutUs = v),
        Bool("syslog", "0", static (s, v) => s.Syslog = v),
        Text("syslog_facility", "daemon", static (s, v) => s.SyslogFacility = v),
        Text("syslog_ident", "pgbouncer", static (s, v) => s.SyslogIdent = v),
        Bool("tcp_defer_accept", "1", static (s, v) => s.TcpDeferAccept = v),
        Bool("tcp_keepalive", "1", static (s, v) => s.TcpKeepalive = v),
        Int("tcp_keepcnt", "0", static (s, v) => s.TcpKeepcnt = v),
        Int("tcp_keepidle", "0", static (s, v) => s.TcpKeepidle = v),
        Int("tcp_keepintvl", "0", static (s, v) => s.TcpKeepintvl = v),
        Int("tcp_socket_buffer", "0", static (s, v) => s.TcpSocketBuffer = v),
        Int("tcp_user_timeout", "0", static (s, v) => s.TcpUserTimeout = v),
        Text("track_extra_parameters", "", static (s, v) => s.TrackExtraParameters = CommaList.Split(v), Fixed),
        Time("transaction_timeout", "0", static (s, v) => s.TransactionTimeoutUs = v),
        Text("unix_socket_dir", "/tmp", static (s, v) => s.UnixSocketDir = v, Fixed),
        Text("unix_socket_group", "", static (s, v) => s.UnixSocketGroup = v, Fixed),
        Int("unix_socket_mode", "0777", static (s, v) => s.UnixSocketMode = v, Fixed),
        Text("user", null, static (s, v) => s.User = v, Fixed),
        Int("verbose", null, static (s, v) => s.Verbose = v),
    ]);

    private static readonly FrozenDictionary<string, SettingRow> ByKey =
        All.ToFrozenDictionary(row => row.Key, StringComparer.Ordinal);

    /// <summary>conffile, which every load sets to the file it reads.</summary>
    internal static SettingRow ConfigFile { get; } = ByKey["conffile"];

    /// <summary>verbose, which has no default but -v.</summary>
    internal static SettingRow Verbose { get; } = ByKey["verbose"];

    /// <summary>The rows of SHOW CONFIG. Null where there is no value or no default.</summary>
    public static IEnumerable<(string Key, string? Value, string? Default, bool Changeable)> Show(Settings settings)
    {
        foreach (var row in All) yield return (row.Key, settings.ShownAt(row.Index), row.Default, row.Changeable);
    }

    /// <summary>The row of a key, in exact case; null when there is no such setting.</summary>
    public static SettingRow? Find(string key) => ByKey.GetValueOrDefault(key);

    private static SettingRow Text(
        string key,
        string? @default,
        Action<Settings, string> set,
        bool changeable = true,
        Func<string, string?>? refuse = null) =>
        Row(
            key,
            @default,
            changeable,
            (draft, text) =>
            {
                set(draft, text);
                return text;
            },
            refuse);

    private static SettingRow Int(string key, string? @default, Action<Settings, int> set, bool changeable = true) =>
        Row(
            key,
            @default,
            changeable,
            (draft, text) =>
            {
                if (!CNumber.TryInt(text, out var value)) return null;
                set(draft, value);
                return CNumber.FormatInt(value);
            },
            isSigned: true);

    private static string? PeerId(Settings draft, string text)
    {
        draft.IsPeerIdAuto = text == PeerEntry.Auto;
        var id = 0;
        if (!draft.IsPeerIdAuto && !CNumber.TryInt(text, out id)) return null;
        draft.PeerId = id;
        return draft.IsPeerIdAuto ? text : CNumber.FormatInt(id);
    }

    private static SettingRow UInt(string key, string @default, Action<Settings, uint> set, bool changeable = true) =>
        Row(
            key,
            @default,
            changeable,
            (draft, text) =>
            {
                if (!CNumber.TryUInt(text, out var value)) return null;
                set(draft, value);
                return CNumber.FormatInt(value);
            },
            isSigned: false);

    /// <summary>An integer that is on unless it is 0. on, yes and true are no numbers.</summary>
    private static SettingRow Bool(string key, string @default, Action<Settings, bool> set, bool changeable = true) =>
        Int(key, @default, (draft, value) => set(draft, value != 0), changeable);

    /// <summary>Seconds with fractions, kept as microseconds.</summary>
    private static SettingRow Time(string key, string @default, Action<Settings, long> set, bool changeable = true) =>
        Row(
            key,
            @default,
            changeable,
            (draft, text) =>
            {
                if (!CNumber.TrySeconds(text, out var valueUs)) return null;
                set(draft, valueUs);
                return CNumber.FormatSeconds(valueUs);
            });

    private static SettingRow Word<T>(
        string key, string @default, WordTable<T> words, Action<Settings, T> set, bool changeable = true)
        where T : struct, Enum =>
        Row(
            key,
            @default,
            changeable,
            (draft, text) =>
            {
                if (!words.TryParse(text, out var value)) return null;
                set(draft, value);
                return words.WordOf(value);
            });

    private static SettingRow Row(
        string key, string? @default, bool changeable, ApplySetting apply, Func<string, string?>? refuse = null,
        bool? isSigned = null) =>
        new(key, @default, changeable, apply, refuse) { IsSigned = isSigned };

    private static string? ReservedAuthDbname(string text) => text == DatabaseEntry.ReservedName
        ? $"cannot use the reserved \"{DatabaseEntry.ReservedName}\" database as an auth_dbname"
        : null;

    private static SettingRow[] Numbered(SettingRow[] rows)
    {
        for (var i = 0; i < rows.Length; i++) rows[i].Index = i;
        return rows;
    }
}
