namespace FastPool.Tests.Core.Settings;

using System.Reflection;
using System.Text.RegularExpressions;
using FastPool.Core.Settings;

public sealed class SettingsTableTests
{
    private const string AuthQuery =
        "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END FROM pg_authid "
        + "WHERE rolname=$1 AND rolcanlogin";

    private const bool Fixed = false;

    /// <summary>Key, default, value when not given, changeable, a good value, what it shows, a bad one or null.</summary>
    public static TheoryData<string, string?, string?, bool, string, string, string?> Rows => new()
    {
        { "admin_users", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "application_name_add_host", "0", "0", true, "7", "7", "yes" },
        { "auth_dbname", null, null, true, "a, 'b' # c", "a, 'b' # c", null },
        { "auth_file", null, null, true, "a, 'b' # c", "a, 'b' # c", null },
        { "auth_hba_file", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "auth_ident_file", null, null, true, "a, 'b' # c", "a, 'b' # c", null },
        { "auth_ldap_options", null, null, true, "a, 'b' # c", "a, 'b' # c", null },
        { "auth_query", AuthQuery, AuthQuery, true, "a, 'b' # c", "a, 'b' # c", null },
        { "auth_type", "md5", "md5", true, "HBA", "hba", "nonsense" },
        { "auth_user", null, null, true, "a, 'b' # c", "a, 'b' # c", null },
        { "autodb_idle_timeout", "3600", "3600", true, "0.25", "0.25", "5s" },
        { "cancel_wait_timeout", "10", "10", true, "1e6", "1e+06", "-1" },
        { "client_idle_timeout", "0", "0", true, "1234567", "1.23457e+06", "1e400" },
        { "client_login_timeout", "60", "60", true, "0.25", "0.25", "5s" },
        { "client_tls13_ciphers", null, null, true, "a, 'b' # c", "a, 'b' # c", null },
        { "client_tls_ca_file", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "client_tls_cert_file", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "client_tls_ciphers", "default", "default", true, "a, 'b' # c", "a, 'b' # c", null },
        { "client_tls_dheparams", "auto", "auto", true, "a, 'b' # c", "a, 'b' # c", null },
        { "client_tls_ecdhcurve", "auto", "auto", true, "a, 'b' # c", "a, 'b' # c", null },
        { "client_tls_key_file", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "client_tls_protocols", "secure", "secure", true, "a, 'b' # c", "a, 'b' # c", null },
        { "client_tls_sslmode", "disable", "disable", true, "Allow", "allow", "nonsense" },
        { "conffile", null, Loading.Path, true, "a, 'b' # c", "a, 'b' # c", null },
        { "default_pool_size", "20", "20", true, "0x1F", "31", "1.5" },
        { "disable_pqexec", "0", "0", Fixed, "7", "7", "yes" },
        { "dns_max_ttl", "15", "15", true, "1234567", "1.23457e+06", "1e400" },
        { "dns_nxdomain_ttl", "15", "15", true, "0.25", "0.25", "5s" },
        { "dns_zone_check_period", "0", "0", true, "1e6", "1e+06", "-1" },
        { "idle_transaction_timeout", "0", "0", true, "1234567", "1.23457e+06", "1e400" },
        { "ignore_startup_parameters", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "job_name", "pgbouncer", "pgbouncer", Fixed, "a, 'b' # c", "a, 'b' # c", null },
        { "listen_addr", "", "", Fixed, "a, 'b' # c", "a, 'b' # c", null },
        { "listen_backlog", "128", "128", Fixed, "7", "7", "7x" },
        { "listen_port", "6432", "6432", Fixed, "06432", "3354", "nonsense" },
        { "log_connections", "1", "1", true, "0", "0", "on" },
        { "log_disconnections", "1", "1", true, "0", "0", "on" },
        { "log_pooler_errors", "1", "1", true, "0", "0", "on" },
        { "log_stats", "1", "1", true, "0", "0", "on" },
        { "logfile", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "login_notify_message", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "max_client_conn", "100", "100", true, "0x1F", "31", "1.5" },
        { "max_db_client_connections", "0", "0", true, "-3", "-3", "many" },
        { "max_db_connections", "0", "0", true, "7", "7", "7x" },
        { "max_packet_size", "2147483647", "2147483647", true, "-1", "4294967295", "1k" },
        { "max_prepared_statements", "200", "200", true, "0x1F", "31", "1.5" },
        { "max_user_client_connections", "0", "0", true, "-3", "-3", "many" },
        { "max_user_connections", "0", "0", true, "7", "7", "7x" },
        { "min_pool_size", "0", "0", true, "0x1F", "31", "1.5" },
        { "peer_id", "0", "0", true, "-3", "-3", "many" },
        { "pidfile", "", "", Fixed, "a, 'b' # c", "a, 'b' # c", null },
        { "pkt_buf", "4096", "4096", Fixed, "7", "7", "7x" },
        { "pool_idle_timeout", "0", "0", true, "0.25", "0.25", "5s" },
        { "pool_mode", "session", "session", true, "Statement", "statement", "nonsense" },
        { "query_timeout", "0", "0", true, "1e6", "1e+06", "-1" },
        { "query_wait_notify", "5", "5", true, "-3", "-3", "many" },
        { "query_wait_timeout", "120", "120", true, "0.25", "0.25", "5s" },
        { "reserve_pool_size", "0", "0", true, "0x1F", "31", "1.5" },
        { "reserve_pool_timeout", "5", "5", true, "1234567", "1.23457e+06", "1e400" },
        { "resolv_conf", "", "", Fixed, "a, 'b' # c", "a, 'b' # c", null },
        { "sbuf_loopcnt", "5", "5", true, "7", "7", "7x" },
        { "scram_iterations", "4096", "4096", true, "0x1F", "31", "1.5" },
        { "server_check_delay", "30", "30", true, "1234567", "1.23457e+06", "1e400" },
        { "server_check_query", "<empty>", "<empty>", true, "a, 'b' # c", "a, 'b' # c", null },
        { "server_connect_timeout", "15", "15", true, "0.25", "0.25", "5s" },
        { "server_fast_close", "0", "0", true, "7", "7", "yes" },
        { "server_idle_timeout", "600", "600", true, "1e6", "1e+06", "-1" },
        { "server_lifetime", "3600", "3600", true, "1234567", "1.23457e+06", "1e400" },
        { "server_login_retry", "15", "15", true, "0.25", "0.25", "5s" },
        { "server_reset_query", "DISCARD ALL", "DISCARD ALL", true, "a, 'b' # c", "a, 'b' # c", null },
        { "server_reset_query_always", "0", "0", true, "7", "7", "yes" },
        { "server_round_robin", "0", "0", true, "7", "7", "yes" },
        { "server_tls13_ciphers", null, null, true, "a, 'b' # c", "a, 'b' # c", null },
        { "server_tls_ca_file", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "server_tls_cert_file", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "server_tls_ciphers", "default", "default", true, "a, 'b' # c", "a, 'b' # c", null },
        { "server_tls_key_file", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "server_tls_protocols", "secure", "secure", true, "a, 'b' # c", "a, 'b' # c", null },
        { "server_tls_sslmode", "prefer", "prefer", true, "VERIFY-full", "verify-full", "nonsense" },
        { "so_reuseport", "0", "0", Fixed, "7", "7", "yes" },
        { "stats_period", "60", "60", true, "0x1F", "31", "1.5" },
        { "stats_users", "", "", true, "a, 'b' # c", "a, 'b' # c", null },
        { "suspend_timeout", "10", "10", true, "1234567", "1.23457e+06", "1e400" },
        { "syslog", "0", "0", true, "7", "7", "yes" },
        { "syslog_facility", "daemon", "daemon", true, "a, 'b' # c", "a, 'b' # c", null },
        { "syslog_ident", "pgbouncer", "pgbouncer", true, "a, 'b' # c", "a, 'b' # c", null },
        { "tcp_defer_accept", "1", "1", true, "0", "0", "on" },
        { "tcp_keepalive", "1", "1", true, "0", "0", "on" },
        { "tcp_keepcnt", "0", "0", true, "7", "7", "7x" },
        { "tcp_keepidle", "0", "0", true, "0x1F", "31", "1.5" },
        { "tcp_keepintvl", "0", "0", true, "-3", "-3", "many" },
        { "tcp_socket_buffer", "0", "0", true, "7", "7", "7x" },
        { "tcp_user_timeout", "0", "0", true, "0x1F", "31", "1.5" },
        { "track_extra_parameters", "", "", Fixed, "a, 'b' # c", "a, 'b' # c", null },
        { "transaction_timeout", "0", "0", true, "1234567", "1.23457e+06", "1e400" },
        { "unix_socket_dir", "/tmp", "/tmp", Fixed, "a, 'b' # c", "a, 'b' # c", null },
        { "unix_socket_group", "", "", Fixed, "a, 'b' # c", "a, 'b' # c", null },
        { "unix_socket_mode", "0777", "511", Fixed, "0700", "448", "nonsense" },
        { "user", null, null, Fixed, "a, 'b' # c", "a, 'b' # c", null },
        { "verbose", null, "0", true, "7", "7", "7x" },
    };

    [Fact]
    public void The_rows_are_those_of_SHOW_CONFIG_in_byte_order()
    {
        string[] keys = [.. SettingsTable.Rows.Select(row => row.Key)];
        Assert.Equal(100, keys.Length);
        Assert.Equal(keys.Order(StringComparer.Ordinal), keys);
        Assert.Equal(Rows.Select(row => (string)row[0]), keys);
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_setting_has_its_default_and_takes_its_values(
        string key, string? @default, string? shownDefault, bool changeable, string good, string shown, string? bad)
    {
        var row = Assert.Single(SettingsTable.Show(Loading.Good("[pgbouncer]\n")), row => row.Key == key);
        Assert.Equal((key, shownDefault, @default, changeable), row);

        var changed = Loading.Load($"[pgbouncer]\n{key} = {good}\n").Settings;
        Assert.NotNull(changed);
        Assert.Equal(shown, changed.ShowValue(key));

        if (bad is null) return;
        Loading.Fails(
            $"[pgbouncer]\n\n{key} = {bad}\n",
            $"ERROR invalid value \"{bad}\" for parameter {key} in configuration (t.ini:3)");
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_setting_reaches_the_property_of_its_name(
        string key, string? @default, string? shownDefault, bool changeable, string good, string shown, string? bad)
    {
        _ = (@default, shownDefault, changeable, shown, bad);
        var property = PropertyOf(key);

        var changed = Loading.Load($"[pgbouncer]\n{key} = {good}\n").Settings!;
        var unchanged = Loading.Good("[pgbouncer]\n");
        foreach (var other in typeof(Settings).GetProperties())
        {
            if (!other.PropertyType.IsValueType && other.PropertyType != typeof(string)) continue; // Equal by reference only.
            var isSame = Equals(other.GetValue(changed), other.GetValue(unchanged));
            if (other.Name == property.Name) Assert.False(isSame, $"{key} did not reach {property.Name}");
            else Assert.True(isSame, $"{key} changed {other.Name}");
        }
    }

    /// <summary>A setting that is only parsed would be a promise that is not kept.</summary>
    [Theory]
    [MemberData(nameof(Rows))]
    public void A_setting_is_read_by_somebody_who_obeys_it(
        string key, string? @default, string? shownDefault, bool changeable, string good, string shown, string? bad)
    {
        _ = (@default, shownDefault, changeable, good, shown, bad);
        if (key == "job_name") return; // Names a Windows service; the manual says that it has no effect.
        var word = new Regex($@"(?<![\w]){PropertyOf(key).Name}\b(?!\s*=[^=>])");
        Assert.Contains(SourceTree.Files, file => file.Name is not ("Settings.cs" or "SettingsTable.cs")
            && file.Lines.Any(line => word.IsMatch(SourceFile.CodeOf(line.Text))));
    }

    public static TheoryData<string> OwnProperties =>
        [.. typeof(FastPoolSettings).GetProperties().Select(static property => property.Name)
            .Except([nameof(FastPoolSettings.Default), nameof(FastPoolSettings.Values)])];

    [Theory]
    [MemberData(nameof(OwnProperties))]
    public void A_setting_of_our_own_is_read_by_somebody_who_obeys_it(string property)
    {
        var word = new Regex($@"\.{property}\b(?!\s*=[^=>])");
        Assert.Contains(SourceTree.Files, file => file.Name != "FastPoolSettings.cs"
            && file.Lines.Any(line => word.IsMatch(SourceFile.CodeOf(line.Text))));
    }

    [Fact]
    public void Values_arrive_in_the_form_that_is_used()
    {
        var settings = Loading.Good(
            """
            [pgbouncer]
            admin_users = a, b	c,,d
            stats_users = s
            ignore_startup_parameters = i
            listen_addr = 127.0.0.1 , ::1,,
            track_extra_parameters =
            query_timeout = 1.5
            max_packet_size = -1
            server_round_robin = 7
            auth_type = SCRAM-SHA-256
            client_tls_sslmode = Verify-CA
            unix_socket_mode = 0700
            """);
        foreach (var name in new[] { "a", "b", "c", "d" }) Assert.True(settings.AdminUsers.Contains(name));
        Assert.False(settings.AdminUsers.Contains("A"));
        Assert.False(settings.AdminUsers.Contains(""));
        Assert.Equal(4, settings.AdminUsers.Count);
        Assert.True(settings.StatsUsers.Contains("s"));
        Assert.True(settings.IgnoreStartupParameters.Contains("i"));
        Assert.Equal(["127.0.0.1", "::1"], settings.ListenAddr);
        Assert.Empty(settings.TrackExtraParameters);
        Assert.Equal(1_500_000, settings.QueryTimeoutUs);
        Assert.Equal(uint.MaxValue, settings.MaxPacketSize);
        Assert.True(settings.ServerRoundRobin);
        Assert.Equal(AuthType.ScramSha256, settings.AuthType);
        Assert.Equal(SslMode.VerifyCa, settings.ClientTlsSslmode);
        Assert.Equal(448, settings.UnixSocketMode);
    }

    [Theory]
    [InlineData("peer")]
    [InlineData("reject")]
    [InlineData("password")]
    [InlineData("crypt")]
    [InlineData("")]
    public void Words_of_the_HBA_file_are_no_auth_type(string word) => Loading.Fails(
        $"[pgbouncer]\nauth_type={word}", $"ERROR invalid value \"{word}\" for parameter auth_type in configuration (t.ini:2)");

    [Fact]
    public void The_console_database_is_no_auth_dbname() => Loading.Fails(
        "[pgbouncer]\nauth_dbname = pgbouncer",
        "ERROR cannot use the reserved \"pgbouncer\" database as an auth_dbname",
        "ERROR invalid value \"pgbouncer\" for parameter auth_dbname in configuration (t.ini:2)");

    [Theory]
    [InlineData("service_name")]
    [InlineData("Max_client_conn")]
    [InlineData("")]
    public void Other_keys_are_unknown(string key) => Loading.Fails(
        $"[pgbouncer]\n{key} = 1",
        $"ERROR unknown parameter: pgbouncer/{key}",
        $"ERROR invalid value \"1\" for parameter {key} in configuration (t.ini:2)");

    [Fact]
    public void Verbosity_is_that_of_the_command_line_until_the_file_says_otherwise()
    {
        var files = new MemoryFiles { [Loading.Path] = "[pgbouncer]\n" };
        var result = ConfigurationLoader.Load(Loading.Path, files, null, new Dictionary<string, string>(), verbose: 2);
        var settings = result.Settings!;
        Assert.Equal((2, "2"), (settings.Verbose, settings.ShowValue("verbose")));
        settings = Loading.Good(files, "[pgbouncer]\nverbose=1", settings);
        Assert.Equal(1, settings.Verbose);
        Assert.Equal(2, Loading.Good(files, "[pgbouncer]\n", settings).Verbose);
    }

    private static PropertyInfo PropertyOf(string key)
    {
        var name = key == "conffile" ? "ConfigFile" : string.Concat(key.Split('_').Select(Capital));
        return typeof(Settings).GetProperty(name) ?? typeof(Settings).GetProperty(name + "Us")
            ?? throw new MissingMemberException(name);
    }

    private static string Capital(string word) => char.ToUpperInvariant(word[0]) + word[1..];
}
