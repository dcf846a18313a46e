namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

/// <summary>The settings of each version of PgBouncer from 1.18 on: what came with it, and what it had before.</summary>
public sealed class EveryVersionTests
{
    private static readonly string[] Of118 =
    [
        "admin_users", "application_name_add_host", "auth_file", "auth_hba_file", "auth_query", "auth_type", "auth_user",
        "autodb_idle_timeout", "client_idle_timeout", "client_login_timeout", "client_tls_ca_file", "client_tls_cert_file",
        "client_tls_ciphers", "client_tls_dheparams", "client_tls_ecdhcurve", "client_tls_key_file", "client_tls_protocols",
        "client_tls_sslmode", "conffile", "default_pool_size", "disable_pqexec", "dns_max_ttl", "dns_nxdomain_ttl",
        "dns_zone_check_period", "idle_transaction_timeout", "ignore_startup_parameters", "job_name", "listen_addr",
        "listen_backlog",
        "listen_port", "log_connections", "log_disconnections", "log_pooler_errors", "log_stats", "logfile", "max_client_conn",
        "max_db_connections", "max_packet_size", "max_user_connections", "min_pool_size", "pidfile", "pkt_buf", "pool_mode",
        "query_timeout", "query_wait_timeout", "reserve_pool_size", "reserve_pool_timeout", "resolv_conf", "sbuf_loopcnt",
        "server_check_delay", "server_check_query", "server_connect_timeout", "server_fast_close", "server_idle_timeout",
        "server_lifetime", "server_login_retry", "server_reset_query", "server_reset_query_always", "server_round_robin",
        "server_tls_ca_file", "server_tls_cert_file", "server_tls_ciphers", "server_tls_key_file", "server_tls_protocols",
        "server_tls_sslmode", "so_reuseport", "stats_period", "stats_users", "suspend_timeout", "syslog", "syslog_facility",
        "syslog_ident", "tcp_defer_accept", "tcp_keepalive", "tcp_keepcnt", "tcp_keepidle", "tcp_keepintvl", "tcp_socket_buffer",
        "tcp_user_timeout", "unix_socket_dir", "unix_socket_group", "unix_socket_mode", "user", "verbose",
    ];

    /// <summary>Version, settings, words of a database, words of a user.</summary>
    private static readonly (string Version, string[] Settings, string Database, string User)[] Later =
    [
        ("1.18", [], "host=h port=1 dbname=d user=u password=p auth_user=a pool_size=1 reserve_pool=1 min_pool_size=1 "
            + "connect_query='select 1' pool_mode=session max_db_connections=1 client_encoding=UTF8 datestyle=ISO timezone=UTC "
            + "application_name=x", "pool_mode=session max_user_connections=1"),
        ("1.19", ["auth_dbname", "cancel_wait_timeout", "peer_id"], "auth_dbname=a auth_query='select 1'", ""),
        ("1.20", ["track_extra_parameters"], "", ""),
        ("1.21", ["max_prepared_statements"], "", ""),
        ("1.23", ["auth_ident_file"], "server_lifetime=1", "pool_size=1"),
        ("1.24", ["max_user_client_connections", "max_db_client_connections", "query_wait_notify"],
            "reserve_pool_size=1 max_db_client_connections=1 load_balance_hosts=disable", "reserve_pool_size=1 "
            + "max_user_client_connections=1 query_timeout=1 idle_transaction_timeout=1 client_idle_timeout=1"),
        ("1.25", ["transaction_timeout", "scram_iterations", "auth_ldap_options", "client_tls13_ciphers", "server_tls13_ciphers"],
            "", "transaction_timeout=1"),
        ("1.26", ["pool_idle_timeout", "login_notify_message"], "query_wait_timeout=1", "query_wait_timeout=1"),
    ];

    public static TheoryData<string> Versions => [.. Later.Select(static row => row.Version)];

    [Theory]
    [MemberData(nameof(Versions))]
    public void An_ini_with_every_setting_of_a_version_loads(string version)
    {
        var rows = Later.TakeWhile(row => row.Version != version).Append(Later.Single(row => row.Version == version)).ToArray();
        string[] keys = [.. Of118, .. rows.SelectMany(static row => row.Settings)];
        var lines = keys.Select(static key => SettingsTable.Find(key) is { } row ? $"{key} = {row.Default}" : $"{key} = ?")
            .Where(static line => !line.StartsWith("verbose", StringComparison.Ordinal))
            .Append("verbose = 0");
        var text = $"[pgbouncer]\n{string.Join('\n', lines)}\n"
            + $"[databases]\nd = {string.Join(' ', rows.Select(static row => row.Database))}\n"
            + $"[users]\nu = {string.Join(' ', rows.Select(static row => row.User))}\n";
        var result = Loading.Load(text);
        Assert.NotNull(result.Settings);
        Assert.All(keys, key => Assert.NotNull(SettingsTable.Find(key)));
    }

    [Fact]
    public void Together_they_are_all_that_there_are() =>
        Assert.Equal(
            SettingsTable.Rows.Select(static row => row.Key).Order(StringComparer.Ordinal),
            Of118.Concat(Later.SelectMany(static row => row.Settings)).Order(StringComparer.Ordinal));
}
