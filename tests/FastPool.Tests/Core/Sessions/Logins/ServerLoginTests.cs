using System.Text;
using FastPool.Base;
using FastPool.Core.Auth;
using FastPool.Core.Pools;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Core.Sessions;

/// <summary>A server connection up to its first ReadyForQuery. Source: spec, protocol.md 11.2 and 11.3.</summary>
public sealed class ServerLoginTests
{
    private static byte[] Code(int code, params byte[] rest) => [.. Wire.Int32(code), .. rest];

    private static byte[] Error(string sqlState, string text) => [.. Wire.Strings("SFATAL", "C" + sqlState, "M" + text), 0];

    private static byte[] Output(ServerLogin login)
    {
        var bytes = login.Output.WrittenSpan.ToArray();
        login.Output.Clear();
        return bytes;
    }

    private static ServerLogin Started(SessionBench bench)
    {
        var login = bench.NewServer().Login!;
        login.Start();
        login.Output.Clear();
        return login;
    }

    [Fact]
    public void The_startup_packet_has_the_entry_s_parameters_in_their_order()
    {
        var bench =
            new SessionBench(
            database: "d = host=127.0.0.1 dbname=real application_name=me timezone=UTC client_encoding=UTF8 datestyle=ISO user=forced");
        var login = bench.NewServer("forced").Login!;
        login.Start();
        var pairs =
            Wire.Strings("database", "real", "client_encoding", "UTF8", "datestyle", "ISO", "timezone", "UTC", "application_name",
            "me", "user", "forced");
        Assert.Equal([.. Wire.Int32(8 + pairs.Length + 1), 0, 3, 0, 0, .. pairs, 0], Output(login));
    }

    [Fact]
    public void Parameters_key_and_ReadyForQuery_make_a_server()
    {
        var bench = new SessionBench();
        var server = bench.NewServer();
        var login = server.Login!;
        login.Start();
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'R', Code(0)));
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'S', Wire.Strings("server_version", "15")));
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'S', Wire.Strings("timezone", "UTC")));
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'N', []));
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'K', [0, 0, 0, 7, 1, 2, 3, 4, 9]));
        Assert.Equal(Verdict.ParametersSet, login.OnMessage((byte)'Z', "I"u8));
        Assert.Equal((7, "UTC", "UTC"), (server.BackendPid, server.Parameters[2], login.Welcome.Tracked[2]));
    }

    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(36)]
    public void A_cancel_key_of_any_length_is_kept_whole(int length)
    {
        var bench = new SessionBench();
        var server = bench.NewServer();
        server.Login!.Start();
        byte[] key = [0, 0, 0, 7, .. Enumerable.Range(1, length - 4).Select(i => (byte)i)];
        Assert.Equal(Verdict.Forward, server.Login.OnMessage((byte)'K', key));
        Assert.Equal(key, server.WholeCancelKey);
        Assert.Equal(7, server.BackendPid);
    }

    [Fact]
    public void A_server_without_any_parameter_is_accepted() =>
        Assert.Equal(Verdict.ParametersSet, Started(new SessionBench()).OnMessage((byte)'Z', "I"u8));

    [Fact]
    public void A_connect_query_runs_once_and_its_errors_are_only_logged()
    {
        var bench = new SessionBench(database: "d = host=127.0.0.1 connect_query='select 1'");
        var login = Started(bench);
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'Z', "I"u8));
        Assert.Equal(Wire.Typed('Q', Wire.Strings("select 1")), Output(login));
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'T', []));
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'E', Error("42601", "no")));
        Assert.Contains("S: error while executing exec_on_query: FATAL: no", bench.Log.Lines);
        Assert.Equal(Verdict.ParametersSet, login.OnMessage((byte)'Z', "E"u8));
    }

    [Theory]
    [InlineData("\"ann\" \"right\"", 3, "right\0")]
    [InlineData("\"ann\" \"right\"", 5, null)]
    public void Passwords_are_answered(string users, int code, string? answer)
    {
        var login = Started(new SessionBench(users: users));
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'R', Code(code, 1, 2, 3, 4)));
        answer ??= Encoding.ASCII.GetString(Md5Password.Respond(Md5Password.Store("right"u8, "ann"u8), [1, 2, 3, 4])) + "\0";
        Assert.Equal(Wire.Typed('p', Encoding.ASCII.GetBytes(answer)), Output(login));
    }

    [Fact]
    public void The_forced_user_s_own_password_outranks_the_userlist()
    {
        var bench = new SessionBench(database: "d = host=127.0.0.1 user=ann password=own");
        var login = Started(bench);
        login.OnMessage((byte)'R', Code(3));
        Assert.Equal(Wire.Typed('p', "own\0"u8.ToArray()), Output(login));
    }

    [Theory]
    [InlineData(true, null, Verdict.Forward)]
    [InlineData(false, "server login failed: invalid server signature", Verdict.Disconnect)]
    public void SCRAM_checks_the_server_too(bool isGenuine, string? told, Verdict verdict)
    {
        var login = Started(new SessionBench());
        login.OnMessage((byte)'R', Code(10, Wire.Strings("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "")));
        var first = Output(login).AsSpan(5 + "SCRAM-SHA-256".Length + 1 + 4);
        var server = new ScramServerExchange(ScramVerifier.FromPassword("right"u8, 3, [5]), false, new byte[18]);
        login.OnMessage((byte)'R', Code(11, server.ServerFirst(first)!));
        Assert.Equal(0, login.Output.Length); // The server chooses the iterations: somebody else does them.
        login.Derivation!.Run();
        login.OnDerived();
        Assert.Null(login.Derivation);
        var final = server.ServerFinal(Output(login).AsSpan(5))!;
        Assert.Equal(verdict,
            login.OnMessage((byte)'R',
            Code(12, isGenuine ? final : Encoding.ASCII.GetBytes("v=" + Convert.ToBase64String(new byte[32])))));
        Assert.Equal(told, login.Failure.ForWaiters?.Message);
    }

    [Fact]
    public void The_key_a_client_proved_logs_in_to_a_server_with_the_same_verifier()
    {
        var verifier = ScramVerifier.FromPassword("right"u8, 4, [1]);
        var stored =
            $"SCRAM-SHA-256$4:{Convert.ToBase64String(verifier.Salt)}${Convert.ToBase64String(verifier.StoredKey)}:{Convert.ToBase64String(verifier.ServerKey)}";
        var bench = new SessionBench(users: $"\"ann\" \"{stored}\"");
        var login = Started(bench);
        login.OnMessage((byte)'R', Code(10, Wire.Strings("SCRAM-SHA-256", "")));
        Assert.Equal("server login failed: wrong password type", login.Failure.ForWaiters!.Message);

        bench.Context.Verifiers.KeepProof(ScramKeys.FromPassword("right"u8, [1], 4));
        login = Started(bench);
        login.OnMessage((byte)'R', Code(10, Wire.Strings("SCRAM-SHA-256", "")));
        var server = new ScramServerExchange(verifier, false, new byte[18]);
        login.OnMessage((byte)'R', Code(11, server.ServerFirst(Output(login).AsSpan(5 + 14 + 4))!));
        Assert.NotNull(server.ServerFinal(Output(login).AsSpan(5)));
    }

    public static TheoryData<string, byte[], string, string?> Failures => new()
    {
        { "K", [1, 2, 3], "bad cancel key", null },
        { "K", new byte[261], "bad cancel key", null },
        { "v", [], "unknown pkt from server", null },
        { "D", [], "unknown pkt from server", null },
        { "S", [(byte)'x'], "broken ParameterStatus packet", null },
        { "R", [0], "failed to answer authreq", null },
        { "R", Code(7), "failed to answer authreq", null },
        { "R", Code(5, 1), "failed to answer authreq", null },
        { "R", Code(11), "failed to answer authreq", null },
        { "R", Code(12), "failed to answer authreq", null },
        { "R", Code(10, Wire.Strings("SCRAM-SHA-1", "")), "failed to answer authreq",
            "server login failed: none of the server's SASL authentication mechanisms are supported" },
        { "E", Error("28P01", "password authentication failed"), "password authentication failed",
            "password authentication failed" },
        { "E", Error("57P03", "starting up"), "starting up", null },
        { "E", [0], "server sent an error without a message", "server sent an error without a message" },
        { "E", Error("28000", new string('x', 300)), new string('x', 127), new string('x', 300) },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void A_failed_login_has_its_reason_and_perhaps_an_error_for_waiting_clients(string type, byte[] body, string reason,
        string? told)
    {
        var login = Started(new SessionBench());
        Assert.Equal(Verdict.Disconnect, login.OnMessage((byte)type[0], body));
        Assert.Equal((reason, told), (login.Failure.Reason, login.Failure.ForWaiters?.Message));
    }

    [Fact]
    public void Keys_that_were_derived_once_are_not_derived_again()
    {
        var bench = new SessionBench();
        for (var i = 0; i < 2; i++)
        {
            var login = Started(bench);
            login.OnMessage((byte)'R', Code(10, Wire.Strings("SCRAM-SHA-256", "")));
            var server = new ScramServerExchange(ScramVerifier.FromPassword("right"u8, 3, [5]), false, new byte[18]);
            login.OnMessage((byte)'R', Code(11, server.ServerFirst(Output(login).AsSpan(5 + 14 + 4))!));
            Assert.Equal(i == 0, login.Derivation is not null);
            if (i > 0) continue;
            login.Derivation!.Run();
            login.OnDerived();
        }
    }

    /// <summary>Messages of one kind, as many as the server likes.</summary>
    private static (int Taken, ServerLogin Login) Flood(char type, Func<int, byte[]> body, int count)
    {
        var login = Started(new SessionBench());
        for (var i = 0; i < count; i++)
        {
            if (login.OnMessage((byte)type, body(i)) == Verdict.Disconnect) return (i, login);
        }
        return (count, login);
    }

    [Fact]
    public void A_servers_parameters_at_its_login_are_kept_up_to_a_length()
    {
        var (taken, login) = Flood('S', i => Wire.Strings("p" + i, new string('v', 1000)), 1000);
        Assert.InRange(taken, 1, Limits.WelcomeBytes / 1000);
        Assert.Equal("server reports too much", login.Failure.Reason);
        Assert.InRange(login.Welcome.Untracked.Length, 1, Limits.WelcomeBytes);
        (taken, login) = Flood('S', _ => Wire.Strings("TimeZone", new string('v', Limits.WelcomeBytes)), 1);
        Assert.Equal((0, "server reports too much"), (taken, login.Failure.Reason));
    }

    [Theory]
    [InlineData('N', 10)]
    [InlineData('N', 100_000)]
    [InlineData('R', 4)]
    public void A_login_without_end_is_ended(char type, int length)
    {
        var (taken, login) = Flood(type, _ => new byte[length], 2 * Limits.ServerLoginMessagesMax);
        Assert.Equal(Math.Min(Limits.ServerLoginMessagesMax, Limits.ServerLoginBytes / length), taken);
        Assert.Equal("server login is too long", login.Failure.Reason);
    }

    [Fact]
    public void The_connect_query_may_say_more()
    {
        var login = Started(new SessionBench(database: "d = host=127.0.0.1 connect_query='select 1'"));
        Assert.Equal((uint)Limits.ServerLoginMessageBytes, login.MessageBytesMax);
        login.OnMessage((byte)'Z', "I"u8);
        Assert.Equal((uint)Limits.ConnectQueryMessageBytes, login.MessageBytesMax);
        for (var i = 0; i < 2 * Limits.ServerLoginMessagesMax; i++)
            Assert.Equal(Verdict.Forward, login.OnMessage((byte)'D', new byte[100_000]));
    }

    [Fact]
    public void The_server_s_SQLSTATE_goes_along()
    {
        var login = Started(new SessionBench());
        login.OnMessage((byte)'E', Error("53300", "too many"));
        Assert.Equal(new Refusal("too many", "53300"), login.Failure.ForWaiters);
    }

    [Fact]
    public void An_MD5_secret_cannot_do_SCRAM_and_a_verifier_cannot_do_MD5()
    {
        var login =
            Started(new SessionBench(users: $"\"ann\" \"{Encoding.ASCII.GetString(Md5Password.Store("x"u8, "ann"u8))}\""));
        login.OnMessage((byte)'R', Code(10, Wire.Strings("SCRAM-SHA-256", "")));
        Assert.Equal("server login failed: wrong password type", login.Failure.ForWaiters!.Message);
        login = Started(
            new SessionBench(
            users: $"\"ann\" \"SCRAM-SHA-256$4:AQID${Convert.ToBase64String(new byte[32])}:{Convert.ToBase64String(new byte[32])}\""));
        login.OnMessage((byte)'R', Code(5, 1, 2, 3, 4));
        Assert.Equal("server login failed: wrong password type", login.Failure.ForWaiters!.Message);
    }
}
