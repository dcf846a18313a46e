using System.Text;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Tests.Core.Sessions;

/// <summary>A client from its first packet to its authentication. Source: spec, protocol.md 3, 4, 6 and 25.1.</summary>
public sealed class ClientLoginTests
{
    private const uint V3 = 0x30000;

    private static byte[] Parameters(params string[] pairs) => [.. Wire.Strings(pairs), 0];

    private static byte[] Ann => Parameters("user", "ann", "database", "d");

    private static string? Told(ClientLogin login) => login.Ending.Message;

    /// <summary>Sends the startup packet, answers what is asked, gives the last step.</summary>
    private static (LoginStep Step, ClientLogin Login) LogIn(SessionBench bench, string user, string password,
        string database = "d")
    {
        var client = bench.NewClient();
        var login = client.Login!;
        var step = login.OnStartup(V3, Parameters("user", user, "database", database), hasMore: false);
        ScramClientExchange? scram = null;
        while (step == LoginStep.GoOn)
        {
            var request = login.Output.WrittenSpan.ToArray();
            login.Output.Clear();
            Assert.Equal((byte)'R', request[0]);
            switch (request[8])
            {
                case 3: step = login.OnMessage((byte)'p', Wire.Strings(password)); break;
                case 5:
                    step =
                    login.OnMessage((byte)'p',
                    [.. Md5Password.Respond(Md5Password.Store(Encoding.Latin1.GetBytes(password), Encoding.Latin1.GetBytes(user)),
                    request.AsSpan(9)), 0]); break;
                case 10:
                    scram = new ScramClientExchange(new byte[18]);
                    var first = scram.ClientFirst();
                    step = login.OnMessage((byte)'p', [.. Wire.Strings("SCRAM-SHA-256"), .. Wire.Int32(first.Length), .. first]);
                    break;
                case 11:
                    Assert.True(scram!.TryTakeServerFirst(request.AsSpan(9)));
                    step = login.OnMessage((byte)'p',
                        scram.ClientFinal(
                        ScramKeys.FromPassword(Encoding.Latin1.GetBytes(password), scram.Salt, scram.Iterations)));
                    break;
                default: throw new InvalidOperationException("asked for " + request[8]);
            }
            if (step != LoginStep.Derive) continue;
            login.Derivation!.Run();
            step = login.OnDerived();
        }
        if (step == LoginStep.Authenticated && scram is not null)
            Assert.True(scram.CheckServerFinal(login.Output.WrittenSpan[9..], out _));
        return (step, login);
    }

    private static string StoredMd5 => Encoding.ASCII.GetString(Md5Password.Store("right"u8, "ann"u8));

    private static string StoredScram
    {
        get
        {
            var verifier = ScramVerifier.FromPassword("right"u8, 4, [1, 2, 3, 4]);
            return $"SCRAM-SHA-256$4:{Convert.ToBase64String(verifier.Salt)}${Convert.ToBase64String(verifier.StoredKey)}:{Convert.ToBase64String(verifier.ServerKey)}";
        }
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("plain", "md5")]
    [InlineData("plain", "scram")]
    [InlineData("md5", "plain")]
    [InlineData("md5", "md5")]
    [InlineData("md5", "scram")]
    [InlineData("scram-sha-256", "plain")]
    [InlineData("scram-sha-256", "scram")]
    public void The_right_password_lets_in_and_no_other(string method, string stored)
    {
        var secret = stored switch { "md5" => StoredMd5, "scram" => StoredScram, _ => "right" };
        SessionBench NewBench() => new($"auth_type={method}\nscram_iterations=4", $"\"ann\" \"{secret}\"\n\"nobody\" \"\"");
        var failure = method == "scram-sha-256"
            || (method == "md5" && stored == "scram") ? "SASL authentication failed" : "password authentication failed";
        Assert.Equal(LoginStep.Authenticated, LogIn(NewBench(), "ann", "right").Step);
        Assert.Equal(failure, Told(LogIn(NewBench(), "ann", "wrong").Login));
        Assert.Contains("authentication failed", Told(LogIn(NewBench(), "ghost", "right").Login), StringComparison.Ordinal);
        Assert.Contains("authentication failed", Told(LogIn(NewBench(), "nobody", "right").Login), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("md5")]
    public void An_empty_password_is_told_apart(string method)
    {
        var login = new SessionBench("auth_type=" + method).NewClient().Login!;
        login.OnStartup(V3, Ann, false);
        Assert.Equal(LoginStep.Disconnect, login.OnMessage((byte)'p', [0]));
        Assert.Equal("empty password returned by client", Told(login));
    }

    [Theory]
    [InlineData("trust", "ann", "d", null)]
    [InlineData("trust", "ghost", "d", "\"trust\" authentication failed")]
    [InlineData("trust", "ann", "nodb", "no such database: nodb")]
    [InlineData("trust", "ghost", "nodb", "\"trust\" authentication failed")]
    [InlineData("any", "ghost", "d", "bouncer config error")]
    [InlineData("any", "ghost", "nodb", "no such database: nodb")]
    [InlineData("plain", "ann", "nodb", "no such database: nodb")]
    [InlineData("md5", "ann", "nodb", "no such database: nodb")]
    [InlineData("scram-sha-256", "ann", "nodb", "no such database: nodb")]
    [InlineData("plain", "ghost", "nodb", "password authentication failed")]
    [InlineData("scram-sha-256", "ghost", "nodb", "SASL authentication failed")]
    public void Whether_a_database_exists_is_told_to_the_authenticated_only(string method, string user, string database,
        string? told)
    {
        var (step, login) = LogIn(new SessionBench("scram_iterations=4\nauth_type=" + method), user, "right", database);
        Assert.Equal(told, Told(login));
        Assert.Equal(told is null, step == LoginStep.Authenticated);
    }

    [Fact]
    public void With_auth_type_any_the_forced_user_is_used()
    {
        var bench = new SessionBench("auth_type=any", database: "d = host=127.0.0.1 user=forced");
        var client = bench.NewClient();
        Assert.Equal(LoginStep.Authenticated, client.Login!.OnStartup(V3, Ann, false));
        Assert.Equal("forced", client.UserName);
    }

    [Fact]
    public void An_MD5_secret_cannot_do_SCRAM()
    {
        var (_, login) = LogIn(new SessionBench("auth_type=scram-sha-256", $"\"ann\" \"{StoredMd5}\""), "ann", "right");
        Assert.Equal("SASL authentication failed", Told(login));
    }

    [Fact]
    public void Another_SASL_mechanism_is_refused()
    {
        var login = new SessionBench("auth_type=scram-sha-256").NewClient().Login!;
        login.OnStartup(V3, Ann, false);
        login.OnMessage((byte)'p', [.. Wire.Strings("SCRAM-SHA-1"), .. Wire.Int32(1), (byte)'n']);
        Assert.Equal("client selected an invalid SASL authentication mechanism", Told(login));
    }

    [Theory]
    [InlineData(80877103u, false, "N", null)]
    [InlineData(80877104u, false, "N", null)]
    [InlineData(80877103u, true, "", "received unencrypted data after SSL request")]
    [InlineData(80877104u, true, "", "received unencrypted data after GSSAPI encryption request")]
    [InlineData(0x20000u, false, "", "old V2 protocol not supported")]
    public void First_packets_that_are_no_startup(uint code, bool hasMore, string answer, string? told)
    {
        var login = new SessionBench().NewClient().Login!;
        login.OnStartup(code, [], hasMore);
        Assert.Equal((answer, told), (Encoding.ASCII.GetString(login.Output.WrittenSpan), Told(login)));
    }

    [Fact]
    public void An_encryption_request_may_be_repeated_and_a_startup_may_follow()
    {
        var login = new SessionBench("auth_type=trust").NewClient().Login!;
        Assert.Equal(LoginStep.GoOn, login.OnStartup(RequestCode.SSLRequest, [], false));
        Assert.Equal(LoginStep.GoOn, login.OnStartup(RequestCode.SSLRequest, [1, 2], false));
        Assert.Equal(LoginStep.GoOn, login.OnStartup(RequestCode.GSSENCRequest, [], false));
        Assert.Equal(LoginStep.Authenticated, login.OnStartup(V3, Ann, false));
    }

    [Theory]
    [InlineData(RequestCode.SSLRequest, false, 2)]
    [InlineData(RequestCode.GSSENCRequest, false, 2)]
    [InlineData(RequestCode.GSSENCRequest, true, 1)]
    [InlineData(RequestCode.SSLRequest, true, 0)]
    public void An_encryption_request_is_not_answered_for_ever(uint code, bool isInsideTls, int answers)
    {
        var login = new SessionBench("auth_type=trust").NewClient().Login!;
        if (isInsideTls) login.Tls = new TlsPeer("TLSv1.3", null, null);
        for (var i = 0; i < answers; i++) Assert.Equal(LoginStep.GoOn, login.OnStartup(code, [], false));
        Assert.Equal(LoginStep.Disconnect, login.OnStartup(code, [], false));
        Assert.Equal(answers, login.Output.Length);
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(7, false)]
    [InlineData(12, false)]
    public void A_cancel_request_has_a_key_of_8_bytes(int length, bool isOne)
    {
        var login = new SessionBench().NewClient().Login!;
        var step = login.OnStartup(RequestCode.CancelRequest, Enumerable.Range(1, length).Select(i => (byte)i).ToArray(), false);
        Assert.Equal(isOne ? LoginStep.Cancel : LoginStep.Disconnect, step);
        if (isOne) Assert.Equal(0x0102030405060708ul, login.CancelKey);
        else Assert.Equal(new Ending("bad cancel request"), login.Ending);
    }

    [Fact]
    public void A_password_before_the_startup_packet_is_refused_and_anything_else_ends_in_silence()
    {
        var login = new SessionBench().NewClient().Login!;
        login.OnMessage((byte)'p', [0]);
        Assert.Equal("client password pkt before startup packet", Told(login));
        login = new SessionBench().NewClient().Login!;
        Assert.Equal(LoginStep.Disconnect, login.OnMessage((byte)'Q', [0]));
        Assert.Equal(new Ending("bad packet"), login.Ending);
    }

    [Fact]
    public void A_second_startup_packet_during_the_authentication_is_refused()
    {
        var login = new SessionBench("auth_type=plain").NewClient().Login!;
        login.OnStartup(V3, Ann, false);
        login.OnStartup(V3, Ann, false);
        Assert.Equal("client re-sent startup pkt", Told(login));
    }

    [Theory]
    [InlineData(RequestCode.SSLRequest)]
    [InlineData(RequestCode.GSSENCRequest)]
    [InlineData(V3)]
    public void In_the_middle_of_SCRAM_nothing_begins_anew(uint code)
    {
        var login = new SessionBench("auth_type=scram-sha-256").NewClient().Login!;
        login.OnStartup(V3, Ann, false);
        var first = "n,,n=,r=abc"u8.ToArray();
        Assert.Equal(LoginStep.GoOn,
            login.OnMessage((byte)'p', [.. Wire.Strings("SCRAM-SHA-256"), .. Wire.Int32(first.Length), .. first]));
        Assert.Equal(LoginStep.Disconnect, login.OnStartup(code, code == V3 ? Ann : [], false));
        Assert.Equal("client re-sent startup pkt", Told(login));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(int.MaxValue)]
    [InlineData(int.MinValue)]
    [InlineData(-2)]
    public void A_SASL_message_whose_length_lies_is_not_one(int length)
    {
        var login = new SessionBench("auth_type=scram-sha-256").NewClient().Login!;
        login.OnStartup(V3, Ann, false);
        login.Output.Clear();
        var step = login.OnMessage((byte)'p', [.. Wire.Strings("SCRAM-SHA-256"), .. Wire.Int32(length), 1, 2, 3, 4]);
        Assert.Equal((LoginStep.GoOn, 0), (step, login.Output.Length)); // It waits for a right one until the timeout.
    }

    [Theory]
    [InlineData("")]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("SCRAM-SHA-256\0")]
    [InlineData("SCRAM-SHA-256\0\0\0")]
    [InlineData("a password without an end")]
    public void A_SASL_message_that_is_cut_short_is_not_one(string body)
    {
        var login = new SessionBench("auth_type=scram-sha-256").NewClient().Login!;
        login.OnStartup(V3, Ann, false);
        login.Output.Clear();
        Assert.Equal((LoginStep.GoOn, 0), (login.OnMessage((byte)'p', Encoding.ASCII.GetBytes(body)), login.Output.Length));
    }

    [Fact]
    public void A_forced_user_does_not_get_the_keys_of_those_who_log_in()
    {
        var bench =
            new SessionBench("auth_type=scram-sha-256", $"\"ann\" \"{StoredScram}\"\n\"forced\" \"own\"",
            "d = host=127.0.0.1 user=forced");
        Assert.Equal(LoginStep.Authenticated, LogIn(bench, "ann", "right").Step);
        Assert.Equal(ScramKeys.FromPassword("right"u8, [1, 2, 3, 4], 4).ClientKey,
            bench.Context.Verifiers.Proof(ScramVerifier.FromPassword("right"u8, 4, [1, 2, 3, 4]).StoredKey)!.ClientKey);
        Assert.Null(bench.Context.Verifiers.Proof(ScramVerifier.FromPassword("own"u8, 4, [1, 2, 3, 4]).StoredKey));
    }

    [Theory]
    [InlineData(V3, null, "")]
    [InlineData(V3 + 1, null, "v\0\0\0\x0c\0\x03\0\0\0\0\0\0")]
    [InlineData(V3 + 2, "_pq_.a", "v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.a\0")]
    [InlineData(V3, "_pq_.a", "v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.a\0")]
    public void Newer_minors_and_unknown_options_are_negotiated_down(uint version, string? option, string output)
    {
        var login = new SessionBench("auth_type=trust").NewClient().Login!;
        login.OnStartup(version, option is null ? Ann : Parameters("user", "ann", "database", "d", option, "x"), false);
        Assert.Equal(output, Encoding.Latin1.GetString(login.Output.WrittenSpan));
    }

    [Theory]
    [InlineData("d", "no more connections allowed (too many open files)")]
    [InlineData("pgbouncer", null)]
    public void A_client_on_a_descriptor_that_is_kept_may_only_use_the_console(string database, string? told)
    {
        var bench = new SessionBench("auth_type=trust\nadmin_users=ann");
        var login = bench.NewClient(mayOnlyUseConsole: true).Login!;
        login.OnStartup(V3, Parameters("user", "ann", "database", database), false);
        Assert.Equal(told, Told(login));
    }

    [Theory]
    [InlineData("max_client_conn=1", "d", "no more connections allowed (max_client_conn)")]
    [InlineData("max_client_conn=2", "d", null)]
    [InlineData("max_db_client_connections=1\nmax_user_client_connections=1", "d",
        "client connections exceeded (max_db_client_connections)")]
    [InlineData("max_user_client_connections=1", "d", "client connections exceeded (max_user_client_connections)")]
    [InlineData("max_client_conn=1\nadmin_users=ann", "pgbouncer", null)]
    [InlineData("max_user_client_connections=1\nadmin_users=ann", "pgbouncer", null)]
    [InlineData("", "pgbouncer", "not allowed")]
    [InlineData("stats_users=ann", "pgbouncer", null)]
    public void The_second_client_meets_the_limits(string settings, string database, string? told)
    {
        var bench = new SessionBench("auth_type=trust\n" + settings);
        var first = bench.NewClient();
        first.Login!.OnStartup(V3, Ann, false);
        var second = bench.NewClient();
        second.Login!.OnStartup(V3, Parameters("user", "ann", "database", database), false);
        Assert.Equal(told, Told(second.Login));
        first.Leave(bench.Host);
        second.Leave(bench.Host);
        Assert.Equal(0, bench.Registry.Clients.Count);
        Assert.Equal(0, bench.Registry.GetUser("ann").Clients.Count);
        Assert.All(bench.Registry.Databases, database => Assert.Equal(0, database.Clients.Count));
    }

    [Theory]
    [InlineData("max_db_client_connections=1")]
    [InlineData("max_user_client_connections=1")]
    public void A_client_that_only_claims_a_name_takes_no_place_of_it(string settings)
    {
        var bench = new SessionBench("auth_type=plain\n" + settings);
        for (var i = 0; i < 5; i++) bench.NewClient().Login!.OnStartup(V3, Ann, false);
        bench.Context.LoginOutput.Clear();
        Assert.Equal(0, bench.Registry.GetUser("ann").Clients.Count);
        Assert.Equal(LoginStep.Authenticated, LogIn(bench, "ann", "right").Step);
        Assert.Equal($"client connections exceeded ({settings[..^2]})", Told(LogIn(bench, "ann", "right").Login));
        // A client that has not proved the name does not hear of its limits.
        Assert.Equal("password authentication failed", Told(LogIn(bench, "ann", "wrong").Login));
    }

    [Fact]
    public void The_console_tells_those_alone_that_they_may_not_enter_who_have_proved_their_names()
    {
        var bench = new SessionBench("auth_type=plain\nadmin_users=root");
        Assert.Equal("not allowed", Told(LogIn(bench, "ann", "right", "pgbouncer").Login));
        Assert.Equal("password authentication failed", Told(LogIn(bench, "ann", "wrong", "pgbouncer").Login));
        Assert.Equal("password authentication failed", Told(LogIn(bench, "ghost", "wrong", "pgbouncer").Login));
    }

    [Theory]
    [InlineData(127, "\"trust\" authentication failed")]
    [InlineData(128, "username too long")]
    public void A_user_name_has_at_most_127_bytes(int length, string told) =>
        Assert.Equal(told, Told(LogIn(new SessionBench("auth_type=trust"), new string('u', length), "").Login));

    [Fact]
    public void A_disabled_database_and_a_shutdown_are_told_after_the_authentication()
    {
        var bench = new SessionBench("auth_type=trust");
        bench.Registry.IsShuttingDown = true;
        Assert.Equal("pooler is shutting down", Told(LogIn(bench, "ann", "").Login));
        bench.Registry.FindDatabase("d", out _)!.IsDisabled = true;
        Assert.Equal("database \"d\" is disabled", Told(LogIn(bench, "ann", "").Login));
    }

    [Fact]
    public void The_host_is_added_to_the_application_name()
    {
        var bench = new SessionBench("auth_type=trust\napplication_name_add_host=1");
        var client = bench.NewClient();
        client.Login!.OnStartup(V3, Ann, false);
        Assert.Equal("app - 127.0.0.1:5000", client.Parameters[TrackedParameters.ApplicationName]);
        client = bench.NewClient();
        client.Login!.OnStartup(V3, Parameters("user", "ann", "application_name", new string('x', 500)), false);
        Assert.Equal(399, client.Parameters[TrackedParameters.ApplicationName]!.Length);
    }

    [Theory]
    [InlineData(true, "ann", null)]
    [InlineData(true, "bob", "unix socket login rejected")]
    [InlineData(false, null, "unix socket login rejected")]
    public void A_peer_is_who_the_system_says(bool isUnix, string? peer, string? told)
    {
        var bench = new SessionBench();
        var files =
            new MemoryFiles
            {
                ["hba"] = "local all all peer\nhost all all 0.0.0.0/0 peer\n",
                ["users"] = "\"ann\" \"x\""
            };
        bench.Registry.Apply(
            Loading.Good(files,
            "[pgbouncer]\nauth_type=hba\nauth_hba_file=hba\nauth_file=users\n[databases]\nd=host=127.0.0.1\n"));
        var login = bench.NewClient(isUnix, peer: peer).Login!;
        login.OnStartup(V3, Ann, false);
        Assert.Equal(told, Told(login));
    }

    [Fact]
    public void An_auto_database_is_registered_before_the_authentication()
    {
        var bench = new SessionBench("auth_type=trust", database: "* = host=127.0.0.1");
        Assert.Equal(LoginStep.Authenticated, LogIn(bench, "ann", "", "anything").Step);
        Assert.Contains(bench.Log.Lines, line =>
            line.EndsWith("registered new auto-database: anything", StringComparison.Ordinal));
        Assert.True(bench.Registry.FindDatabase("anything", out var isNew) is { IsAuto: true } && !isNew);
        Assert.Equal("no such database: " + new string('x', 64), Told(LogIn(bench, "ann", "", new string('x', 64)).Login));
    }

    [Theory]
    [InlineData("auth_type=plain", "ann", "wrong", "28P01")]
    [InlineData("auth_type=plain", "ann", "", "28P01")]
    [InlineData("auth_type=plain", "ghost", "x", "28P01")]
    [InlineData("auth_type=md5", "ann", "wrong", "28P01")]
    [InlineData("auth_type=scram-sha-256", "ghost", "x", "28P01")]
    [InlineData("auth_type=trust", "ghost", "", "28000")]
    [InlineData("auth_type=cert", "ann", "", "28000")]
    public void A_name_that_is_not_proved_has_PostgreSQLs_SQLSTATE_and_with_1_25_PgBouncers(string settings, string user,
        string password, string state)
    {
        Assert.Equal(state, LogIn(new SessionBench(settings), user, password).Login.Ending.SqlState);
        var older = LogIn(new SessionBench(settings, own: "show_as=1.25"), user, password).Login.Ending;
        Assert.Equal("08P01", older.SqlState);
    }

    private static string[] WelcomeOf(SessionBench bench)
    {
        var client = bench.NewClient();
        client.Login!.OnStartup(V3, Ann, false);
        client.EnterPool(bench.PoolOf(), bench.Host);
        var output = new MessageBuffer();
        client.TakeWelcome(WelcomeOfPool(bench), output);
        return [.. Message.ReadAll(output.WrittenSpan.ToArray()).Select(static message => message.Text)];
    }

    private static readonly Dictionary<SessionBench, WelcomeParameters> Welcomes = [];

    /// <summary>One object a bench: it remembers the block that it wrote last.</summary>
    private static WelcomeParameters WelcomeOfPool(SessionBench bench)
    {
        if (!Welcomes.TryGetValue(bench, out var welcome))
            Welcomes[bench] = welcome = new WelcomeParameters([], bench.Context.Tracked.Unknown);
        return welcome;
    }

    [Fact]
    public void The_welcome_follows_the_settings_of_the_moment()
    {
        var bench = new SessionBench("auth_type=trust\npool_mode=transaction\nlogin_notify_message = mind the pooler");
        void Set(string key, string value) => bench.Registry.Apply(bench.Registry.Settings.TrySet(key, value, out _)!);
        string[] own =
            ["S:pgbouncer.version=1.26.1", "S:pgbouncer.max_prepared_statements=200", "S:pgbouncer.pool_mode=transaction"];
        var first = WelcomeOf(bench);
        Assert.Equal(own, first.Where(static text => text.StartsWith("S:pgbouncer", StringComparison.Ordinal)));
        Assert.Equal(["N", "Z"], first[^2..].Select(static text => text[..1]));
        Assert.Contains("mind the pooler", first[^2], StringComparison.Ordinal);
        Set("pool_mode", "statement");
        Set("max_prepared_statements", "7");
        Set("login_notify_message", "");
        var second = WelcomeOf(bench);
        Assert.Contains("S:pgbouncer.pool_mode=statement", second);
        Assert.Contains("S:pgbouncer.max_prepared_statements=7", second);
        Assert.Equal("K", second[^2][..1]);
        Set("show_as", "1.25");
        Assert.DoesNotContain(WelcomeOf(bench), static text => text.Contains("pgbouncer.", StringComparison.Ordinal));
        Assert.Equal(3, bench.PoolOf().Stats[0].Logins);
    }

    [Fact]
    public void The_welcome_has_the_untracked_parameters_the_tracked_ones_the_key_and_ReadyForQuery()
    {
        var bench = new SessionBench("auth_type=trust");
        var client = bench.NewClient();
        client.Login!.OnStartup(V3, Parameters("user", "ann", "database", "d", "datestyle", "german"), false);
        client.EnterPool(bench.PoolOf(), bench.Host);
        var server =
            bench.Context.Interner.With(bench.Context.Interner.With(bench.Context.Tracked.Unknown, 0, "ISO, MDY"), 2, "UTC");
        var untracked = Wire.Typed('S', Wire.Strings("server_version", "15"));
        var output = new MessageBuffer();
        client.TakeWelcome(new WelcomeParameters(untracked, server), output);
        var welcome = output.WrittenSpan.ToArray();
        var key = client.CancelKey;
        Assert.True(key >> 63 == 0);
        byte[] expected =
        [
            .. Wire.Typed('R', 0, 0, 0, 0), .. Wire.Typed('S', Wire.Strings("pgbouncer.version", "1.26.1")), .. untracked,
            .. Wire.Typed('S', Wire.Strings("pgbouncer.max_prepared_statements", "200")),
            .. Wire.Typed('S', Wire.Strings("pgbouncer.pool_mode", "session")),
            .. Wire.Typed('S', Wire.Strings("DateStyle", "german")),
                .. Wire.Typed('S', Wire.Strings("TimeZone", "UTC")),
            .. Wire.Typed('K', [.. Wire.Int32((int)(key >> 32)), .. Wire.Int32((int)key)]), .. Wire.Typed('Z', (byte)'I'),
        ];
        Assert.Equal(expected, welcome);
        Assert.Equal("UTC", client.Parameters[2]);
        Assert.Same(client, bench.Registry.CancelKeys.Find(key));
    }
}
