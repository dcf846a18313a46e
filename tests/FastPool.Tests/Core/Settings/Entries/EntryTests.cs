namespace FastPool.Tests.Core.Settings;

using FastPool.Core.Settings;

public sealed class EntryTests
{
    [Fact]
    public void A_database_without_a_connect_string_is_itself_on_the_Unix_socket()
    {
        var entry = DatabaseEntry.TryParse("d", "", [])!;
        Assert.Equal(("d", "d", "", 5432), (entry.Name, entry.DbName, entry.HostText, entry.Port));
        Assert.Empty(entry.Hosts);
        Assert.Null(entry.ForcedUser);
        Assert.Null(entry.PoolSize);
        Assert.Null(entry.PoolMode);
        Assert.Equal(LoadBalanceHosts.RoundRobin, entry.LoadBalanceHosts);
    }

    [Fact]
    public void A_database_takes_every_key()
    {
        var entry = DatabaseEntry.TryParse(
            "d",
            "dbname=n host=a,,/b port=5433,1 user=u password='p''w' auth_user=au auth_query='select 1' auth_dbname=ad "
            + "pool_size=0 min_pool_size=2 reserve_pool=3 max_db_connections=4 max_db_client_connections=5 server_lifetime=6 "
            + "pool_mode=TRANSACTION load_balance_hosts=Disable connect_query='select 2' client_encoding=e "
            + "datestyle=s timezone=t application_name=a session_state=keep abandoned_transaction=rollback",
            [])!;
        Assert.Equal((SessionStateMode.Keep, AbandonedTransaction.Rollback), (entry.SessionState, entry.AbandonedTransaction));
        Assert.Equal(("n", 5433, "u", "p'w"), (entry.DbName, entry.Port, entry.ForcedUser, entry.Password));
        Assert.Equal(["a", "", "/b"], entry.Hosts);
        Assert.Equal(("au", "select 1", "ad"), (entry.AuthUser, entry.AuthQuery, entry.AuthDbname));
        Assert.Equal((0, 2, 3), (entry.PoolSize, entry.MinPoolSize, entry.ReservePoolSize));
        Assert.Equal((4, 5, 6_000_000), (entry.MaxDbConnections, entry.MaxDbClientConnections, entry.ServerLifetimeUs));
        Assert.Equal((PoolMode.Transaction, LoadBalanceHosts.Disable), (entry.PoolMode, entry.LoadBalanceHosts));
        Assert.Equal(("select 2", "e", "s"), (entry.ConnectQuery, entry.ClientEncoding, entry.DateStyle));
        Assert.Equal(("t", "a"), (entry.TimeZone, entry.ApplicationName));
    }

    [Theory]
    [InlineData("postgresql://", "|5432|d||")]
    [InlineData("postgres://h", "h|5432|d||")]
    [InlineData("postgresql://h:6000/n", "h|6000|n||")]
    [InlineData("postgresql://u@h/n", "h|5432|n|u|")]
    [InlineData("postgresql://u:p@h/n", "h|5432|n|u|p")]
    [InlineData("postgresql://u%40x:p%3a%2F@h/n%20m", "h|5432|n m|u@x|p:/")]
    [InlineData("postgresql://u:p@ss@h/n", "h|5432|n|u|p@ss")]
    [InlineData("postgresql://[::1]:6000/n", "::1|6000|n||")]
    [InlineData("postgresql://[::1]", "::1|5432|d||")]
    [InlineData("postgresql://a,b/n", "a,b|5432|n||")]
    [InlineData("postgresql://a:6000,b:6000/n", "a,b|6000|n||")]
    [InlineData("postgresql://%2Frun%2Fpg/n", "/run/pg|5432|n||")]
    [InlineData("postgresql:///n?host=/run/pg&port=6000", "/run/pg|6000|n||")]
    [InlineData("postgresql://h/n port=6000 user=u", "h|6000|n|u|")]
    public void A_database_may_be_a_URI(string uri, string expected)
    {
        var log = new List<LogText>();
        var entry = DatabaseEntry.TryParse("d", uri, log)!;
        Assert.Empty(log);
        Assert.Equal(expected, $"{entry.HostText}|{entry.Port}|{entry.DbName}|{entry.ForcedUser}|{entry.Password}");
    }

    [Theory]
    [InlineData("", TargetSessionAttrs.Any)]
    [InlineData("target_session_attrs=any", TargetSessionAttrs.Any)]
    [InlineData("target_session_attrs=read-write", TargetSessionAttrs.ReadWrite)]
    [InlineData("target_session_attrs=read-only", TargetSessionAttrs.ReadOnly)]
    [InlineData("target_session_attrs=primary", TargetSessionAttrs.Primary)]
    [InlineData("target_session_attrs=standby", TargetSessionAttrs.Standby)]
    [InlineData("target_session_attrs=prefer-standby", TargetSessionAttrs.PreferStandby)]
    [InlineData("postgresql://a,b/n?target_session_attrs=read-write", TargetSessionAttrs.ReadWrite)]
    public void A_database_may_want_sessions_of_one_kind(string text, TargetSessionAttrs target) =>
        Assert.Equal(target, DatabaseEntry.TryParse("d", text, [])!.TargetSessionAttrs);

    [Fact]
    public void A_URI_may_set_what_pairs_set() =>
        Assert.Equal(3, DatabaseEntry.TryParse("d", "postgresql://h/n?pool_size=3&application_name=a%26b", [])!.PoolSize);

    [Theory]
    [InlineData("postgresql://u:secret%0@h/n", "invalid URI in connection string: a wrong % in user or password")]
    [InlineData("postgresql://u:secret%00@h/n", "invalid URI in connection string: a wrong % in user or password")]
    [InlineData("postgresql://h/%zz", "invalid URI in connection string: a wrong % in the name of the database")]
    [InlineData("postgresql://h:5x/n", "invalid URI in connection string: a wrong port")]
    [InlineData("postgresql://a:1,b:2/n", "invalid URI in connection string: hosts with different ports")]
    [InlineData("postgresql://[::1/n", "invalid URI in connection string: a wrong [address]")]
    [InlineData("postgresql://h/n?port", "invalid URI in connection string: behind the ? stands no key=value")]
    [InlineData("postgresql://h/n?gssencmode=disable", "unrecognized connection parameter: gssencmode")]
    [InlineData("postgresql://h/n port", "syntax error in connection string")]
    public void A_wrong_URI_says_why_and_keeps_its_secret(string uri, string error)
    {
        var log = new List<LogText>();
        Assert.Null(DatabaseEntry.TryParse("d", uri, log));
        Assert.Equal(["ERROR " + error], Loading.Lines(log));
    }

    [Theory]
    [InlineData("d", "nonsense", "ERROR syntax error in connection string")]
    [InlineData("d", "sslmode=require", "ERROR unrecognized connection parameter: sslmode")]
    [InlineData("d", "query_timeout=1", "ERROR unrecognized connection parameter: query_timeout")]
    [InlineData("d", "Host=a", "ERROR unrecognized connection parameter: Host")]
    [InlineData("d", "port=abc foo=1", "ERROR invalid port: abc")]
    [InlineData("d", "pool_mode=x", "ERROR invalid pool mode: x")]
    [InlineData("d", "session_state=x", "ERROR invalid session_state: x")]
    [InlineData("d", "abandoned_transaction=x", "ERROR invalid abandoned_transaction: x")]
    [InlineData("d", "target_session_attrs=x", "ERROR invalid target_session_attrs: x")]
    [InlineData("d", "load_balance_hosts=x", "ERROR invalid load_balance_hosts: x")]
    [InlineData("pgbouncer", "port=0", "ERROR database name \"pgbouncer\" is reserved")]
    public void A_bad_database_says_why(string name, string connectString, string error)
    {
        var log = new List<LogText>();
        Assert.Null(DatabaseEntry.TryParse(name, connectString, log));
        Assert.Equal([error], Loading.Lines(log));
    }

    [Fact]
    public void A_name_of_a_database_has_63_bytes_at_most()
    {
        var log = new List<LogText>();
        Assert.NotNull(DatabaseEntry.TryParse(new string('a', 63), "", log));
        string name = new('a', 64);
        Assert.Null(DatabaseEntry.TryParse(name, "", log));
        Assert.Equal([$"WARNING too long db name: {name}", "ERROR cannot create database, no memory?"], Loading.Lines(log));
    }

    [Fact]
    public void A_password_beyond_the_limit_is_cut_with_a_warning()
    {
        var log = new List<LogText>();
        var entry = DatabaseEntry.TryParse("d", "password=" + new string('x', 65_536), log)!;
        Assert.Equal(65_535, entry.Password!.Length);
        Assert.Equal(["WARNING password of d is longer than 65535 bytes - string truncated"], Loading.Lines(log));
    }

    [Fact]
    public void Negative_sizes_inherit()
    {
        var entry = DatabaseEntry.TryParse("d", "pool_size=-1 min_pool_size=-2 reserve_pool_size=-3", [])!;
        Assert.Equal((null, null, null), (entry.PoolSize, entry.MinPoolSize, entry.ReservePoolSize));
    }

    [Fact]
    public void A_user_takes_every_key()
    {
        var entry = UserEntry.TryParse(
            "*",
            "pool_mode=Session pool_size=1 reserve_pool_size=2 max_user_connections=3 max_user_client_connections=4 "
            + "query_timeout=5 idle_transaction_timeout=6 transaction_timeout=7 client_idle_timeout=8 "
            + "session_state=always abandoned_transaction=close",
            [])!;
        Assert.Equal((SessionStateMode.Always, AbandonedTransaction.Close), (entry.SessionState, entry.AbandonedTransaction));
        Assert.Equal(("*", PoolMode.Session, 1, 2), (entry.Name, entry.PoolMode, entry.PoolSize, entry.ReservePoolSize));
        Assert.Equal((3, 4), (entry.MaxUserConnections, entry.MaxUserClientConnections));
        Assert.Equal((5_000_000, 6_000_000), (entry.QueryTimeoutUs, entry.IdleTransactionTimeoutUs));
        Assert.Equal((7_000_000, 8_000_000), (entry.TransactionTimeoutUs, entry.ClientIdleTimeoutUs));
    }

    [Theory]
    [InlineData("pool_size", "ERROR syntax error in user settings")]
    [InlineData("reserve_pool=1", "ERROR unrecognized user parameter: reserve_pool")]
    [InlineData("min_pool_size=1", "ERROR unrecognized user parameter: min_pool_size")]
    [InlineData("pool_mode=x", "ERROR invalid pool mode: x")]
    [InlineData("session_state=x", "ERROR invalid session_state: x")]
    [InlineData("abandoned_transaction=x", "ERROR invalid abandoned_transaction: x")]
    public void A_bad_user_says_why(string settings, string error)
    {
        var log = new List<LogText>();
        Assert.Null(UserEntry.TryParse("u", settings, log));
        Assert.Equal([error], Loading.Lines(log));
    }

    [Fact]
    public void A_name_of_a_user_is_cut_after_127_bytes()
    {
        var log = new List<LogText>();
        Assert.Equal(127, UserEntry.TryParse(new string('a', 128), "", log)!.Name.Length);
        Assert.Equal(["WARNING name of user is longer than 127 bytes - string truncated"], Loading.Lines(log));
    }

    [Theory]
    [InlineData("1", "host=a", 1, 6432, null)]
    [InlineData("065535", "host=a,b port=5 pool_size=0", 65535, 5, 0)]
    [InlineData(" 2", "host=a pool_size=-1", 2, 6432, null)]
    public void A_peer_has_an_id_a_host_and_a_port(string id, string connectString, int number, int port, int? poolSize)
    {
        var peer = PeerEntry.TryParse(id, connectString, [])!;
        Assert.Equal((number, port, poolSize), (peer.Id, peer.Port, peer.PoolSize));
        Assert.NotEmpty(peer.Hosts);
    }

    [Theory]
    [InlineData("0", "host=a", "ids of peers must be a number larger than 0 and at most 65536")]
    [InlineData("65536", "host=a", "ids of peers must be a number larger than 0 and at most 65536")]
    [InlineData("-1", "nonsense", "ids of peers must be a number larger than 0 and at most 65536")]
    [InlineData("x", "host=a", "ids of peers must be a number larger than 0 and at most 65536")]
    [InlineData("1", "", "host was not provided for peer 1")]
    [InlineData("1", "port=1", "host was not provided for peer 1")]
    [InlineData("1", "host=a port=x", "invalid port: x")]
    [InlineData("1", "host=a user=x", "unrecognized connection parameter: user")]
    [InlineData("1", "host", "syntax error in connection string")]
    public void A_bad_peer_says_why(string id, string connectString, string error)
    {
        var log = new List<LogText>();
        Assert.Null(PeerEntry.TryParse(id, connectString, log));
        Assert.Equal(["ERROR " + error], Loading.Lines(log));
    }

    [Fact]
    public void A_user_s_TLS_is_stronger_than_the_database_s_and_that_than_the_global_one()
    {
        var settings = Loading.Good(
            "[pgbouncer]\nserver_tls_sslmode=require\nserver_tls_ca_file=all.crt\nserver_tls_protocols=tlsv1.2\n"
            + "[databases]\nd = server_tls_ca_file=d.crt server_tls_key_file=d.key server_tls13_ciphers=x\ne =\n"
            + "[users]\nu = server_tls_sslmode=verify-full server_tls_key_file=u.key server_tls_sslnegotiation=direct\n");
        var (database, user) = (settings.Databases["d"], settings.Users["u"]);
        var tls = settings.ServerTls(database, user);
        Assert.Equal((SslMode.VerifyFull, true), (tls.Sslmode, tls.IsDirect));
        Assert.Equal(("d.crt", "", "u.key"), (tls.CaFile, tls.CertFile, tls.KeyFile));
        Assert.Equal(("tlsv1.2", "default", "x"), (tls.Protocols, tls.Ciphers, tls.Tls13Ciphers));
        Assert.Equal(settings.ServerTls(null, null), settings.ServerTls(settings.Databases["e"], null));
        Assert.NotEqual(settings.ServerTls(null, null), settings.ServerTls(database, null));
        Assert.Equal(3, settings.AllServerTls().Count());
    }

    [Fact]
    public void A_URI_has_the_names_of_libpq_for_TLS()
    {
        var settings = Loading.Good(
            "[pgbouncer]\nserver_tls_ca_file=all.crt\n[databases]\nd = postgresql://h/n?sslmode=verify-full&sslrootcert=system&"
            + "sslcert=c.crt&sslkey=c.key&sslnegotiation=direct\n");
        Assert.Equal(
            settings.ServerTls(null, null) with
            {
                Sslmode = SslMode.VerifyFull,
                IsDirect = true,
                CaFile = "",
                CertFile = "c.crt",
                KeyFile = "c.key",
            },
            settings.ServerTls(settings.Databases["d"], null));
    }

    [Theory]
    [InlineData("password_file=/run/s", "password_file|/run/s")]
    [InlineData("password_command=/bin/x", "password_command|/bin/x")]
    [InlineData("password_command='/bin/x  a \"b  c\" d\"e f\"g \"q\\\"\\\\\" \"\"'",
        "password_command|/bin/x|a|b  c|de fg|q\"\\|")]
    [InlineData("password_command='/bin/sh -c \"echo $X | tr a b\"'", "password_command|/bin/sh|-c|echo $X | tr a b")]
    public void A_password_may_come_from_elsewhere(string pairs, string expected)
    {
        var log = new List<LogText>();
        foreach (var source in (PasswordSource?[])[
            DatabaseEntry.TryParse("d", pairs, log)!.PasswordSource, UserEntry.TryParse("d", pairs, log)!.PasswordSource])
        {
            Assert.Empty(log);
            IEnumerable<string> words = source!.Kind == PasswordSourceKind.File ? [source.Text] : source.Arguments;
            Assert.Equal(expected, string.Join('|', [source.Key, .. words]));
        }
    }

    [Theory]
    [InlineData("password_command=' '", "password_command must begin with the program's path, from / on")]
    [InlineData("password_command=cat", "password_command must begin with the program's path, from / on")]
    [InlineData("password_command='/bin/cat \"x'", "password_command has a quote that is not closed")]
    [InlineData("password_file=a password_command=/b", "password_file and password_command exclude each other")]
    [InlineData("server_tls_sslmode=on", "invalid server_tls_sslmode: on")]
    [InlineData("server_tls_protocols=ssl", "invalid server_tls_protocols: ssl")]
    [InlineData("server_tls_sslnegotiation=maybe", "invalid server_tls_sslnegotiation: maybe")]
    public void Wrong_ones_are_refused(string pairs, string error)
    {
        var log = new List<LogText>();
        Assert.Null(DatabaseEntry.TryParse("d", pairs, log));
        Assert.Null(UserEntry.TryParse("d", pairs, log));
        Assert.Equal([LogText.Error(error), LogText.Error(error)], log);
    }

    [Theory]
    [InlineData("password=x password_file=y", "password and password_file exclude each other")]
    [InlineData("server_tls_what=x", "unrecognized connection parameter: server_tls_what")]
    public void Wrong_ones_of_a_database_are_refused(string pairs, string error)
    {
        var log = new List<LogText>();
        Assert.Null(DatabaseEntry.TryParse("d", pairs, log));
        Assert.Equal([LogText.Error(error)], log);
    }
}
