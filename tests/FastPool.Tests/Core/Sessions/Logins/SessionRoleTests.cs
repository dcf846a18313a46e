using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Core.Settings;

namespace FastPool.Tests.Core.Sessions;

/// <summary>target_session_attrs at a server's login. Source: libpq, its meaning and its reasons.</summary>
public sealed class SessionRoleTests
{
    private const string IsReadOnly = "session is read-only", IsNotReadOnly = "session is not read-only";
    private const string IsStandby = "server is in hot standby mode", IsNoStandby = "server is not in hot standby mode";

    public static TheoryData<string, bool, bool, string?> Rows => new()
    {
        // target, standby, default_transaction_read_only, the reason why it will not do
        { "any", false, false, null }, { "any", true, true, null },
        { "read-write", false, false, null }, { "read-write", false, true, IsReadOnly },
        { "read-write", true, false, IsReadOnly }, { "read-write", true, true, IsReadOnly },
        { "read-only", false, false, IsNotReadOnly }, { "read-only", false, true, null },
        { "read-only", true, false, null }, { "read-only", true, true, null },
        { "primary", false, false, null }, { "primary", false, true, null }, { "primary", true, false, IsStandby },
        { "standby", true, false, null }, { "standby", false, false, IsNoStandby }, { "standby", false, true, IsNoStandby },
        { "prefer-standby", true, false, null }, { "prefer-standby", false, false, IsNoStandby },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Is_decided_by_what_the_server_reports(string target, bool isStandby, bool isReadOnly, string? reason)
    {
        var login = Begin(target);
        login.OnMessage((byte)'S', Wire.Strings("in_hot_standby", isStandby ? "on" : "off"));
        login.OnMessage((byte)'S', Wire.Strings("default_transaction_read_only", isReadOnly ? "on" : "off"));
        Ends(login, reason);
        Assert.Equal(isStandby ? HostRole.Standby : HostRole.Primary, login.Role);
        Assert.Equal(0, login.Output.Length);
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Is_asked_of_a_server_that_does_not_report_it(string target, bool isStandby, bool isReadOnly, string? reason)
    {
        var login = Begin(target);
        if (target == "any")
        {
            Ends(login, null);
            return;
        }
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'Z', "I"u8));
        Assert.Equal(Wire.Query("SHOW transaction_read_only; SELECT pg_catalog.pg_is_in_recovery()"),
            login.Output.WrittenSpan.ToArray());
        // On a standby every transaction is read-only.
        foreach (var value in (string[])[isStandby || isReadOnly ? "on" : "off", isStandby ? "t" : "f"])
        {
            Assert.Equal(Verdict.Forward, login.OnMessage((byte)'T', Wire.Int16(0)));
            Assert.Equal(Verdict.Forward, login.OnMessage((byte)'D', Row(value)));
            Assert.Equal(Verdict.Forward, login.OnMessage((byte)'C', Wire.Strings("SHOW")));
        }
        Ends(login, reason);
        Assert.Equal(isStandby ? HostRole.Standby : HostRole.Primary, login.Role);
    }

    [Theory]
    [InlineData('E')]
    [InlineData('D')]
    [InlineData('Z')]
    [InlineData('G')]
    public void A_server_that_does_not_tell_is_not_used(char type)
    {
        var login = Begin("primary");
        login.OnMessage((byte)'Z', "I"u8);
        Assert.Equal(Verdict.Disconnect, login.OnMessage((byte)type, type switch
        {
            'E' => [.. Wire.Strings("SERROR", "C42501", "Mno"), 0],
            'D' => Row("perhaps"),
            'Z' => [(byte)'I'],
            _ => [],
        }));
        Assert.Equal(("server does not tell its role", false), (login.Failure.Reason, login.Failure.IsOfRole));
    }

    [Fact]
    public void The_connect_query_runs_where_the_session_will_do_and_its_rows_are_not_looked_at()
    {
        var login = Begin("standby", "connect_query='select 1'");
        login.OnMessage((byte)'S', Wire.Strings("in_hot_standby", "on"));
        login.OnMessage((byte)'S', Wire.Strings("default_transaction_read_only", "off"));
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'Z', "I"u8));
        Assert.Equal(Wire.Query("select 1"), login.Output.WrittenSpan.ToArray());
        Assert.Equal(Verdict.Forward, login.OnMessage((byte)'D', Row("f")));
        Assert.Equal(Verdict.ParametersSet, login.OnMessage((byte)'Z', "I"u8));
    }

    [Fact]
    public void A_read_only_answer_from_a_server_that_must_write_ends_its_use()
    {
        var bench = new SessionBench(database: "d = host=127.0.0.1 target_session_attrs=read-write");
        var (_, server) = bench.Linked();
        Assert.False(server.IsCloseNeeded);
        server.Judge((byte)'E', Wire.Error("ERROR", "42P01", "no such table"));
        Assert.False(server.IsCloseNeeded);
        server.Judge((byte)'E', Wire.Error("ERROR", "25006", "cannot execute INSERT in a read-only transaction"));
        Assert.True(server.IsCloseNeeded);
    }

    [Fact]
    public void A_read_only_answer_is_nothing_to_other_databases()
    {
        var (_, server) = new SessionBench().Linked();
        server.Judge((byte)'E', Wire.Error("ERROR", "25006", "cannot execute INSERT in a read-only transaction"));
        Assert.False(server.IsCloseNeeded);
    }

    [Fact]
    public void A_reported_promotion_ends_the_use_of_every_server_of_that_host_that_should_be_a_standby()
    {
        var bench = new SessionBench(database: "d = host=127.0.0.1 target_session_attrs=standby");
        var host = new HostTable().Get("127.0.0.1", "", 5432);
        host.NoteRole(HostRole.Standby, 0);
        var (_, server) = bench.Linked();
        var (_, other) = bench.Linked();
        server.Place = other.Place = host;
        Assert.False(server.IsCloseNeeded);
        server.Judge((byte)'S', Wire.Typed('S', Wire.RawStrings("in_hot_standby", "off")));
        Assert.Equal((true, true, HostRole.Primary), (server.IsCloseNeeded, other.IsCloseNeeded, host.Role));
    }

    [Theory]
    [InlineData("t", "2500", HostRole.Standby, 2500L, true)]
    [InlineData("t", null, HostRole.Standby, 0L, true)]
    [InlineData("f", "0", HostRole.Primary, 0L, false)]
    [InlineData("x", "2500", HostRole.Unknown, 0L, false)]
    public void A_check_of_the_host_tells_its_role_and_its_lag_and_is_no_use_of_the_server(string role, string? lag,
        HostRole expected, long lagMs, bool isCloseNeeded)
    {
        var bench = new SessionBench(database: "d = host=127.0.0.1 target_session_attrs=primary", own: "max_replica_lag = 2");
        var host = new HostTable().Get("127.0.0.1", "", 5432);
        var server = bench.NewServer();
        server.EndLogin();
        server.Place = host;
        server.LastActivityUs = 5;
        server.BeginTest(ServerEvent.Check);
        server.BeginHostCheck();
        server.LastActivityUs = 9; // Bytes have come.
        var value = lag is null ? Wire.Int32(-1) : Wire.Value(lag);
        var row = Wire.Typed('D', [.. Wire.Int16(2), .. Wire.Value(role), .. value]);
        Assert.Equal(row.Length, server.BytesToJudge((byte)'D', row.Length));
        Assert.Equal(Verdict.Skip, server.Judge((byte)'D', row));
        Assert.Equal(Verdict.Tested, server.Judge((byte)'Z', Wire.Typed('Z', (byte)'I')));
        Assert.Equal((expected, lagMs, lagMs > 2000), (host.Role, host.Read(0).LagMs, host.Lags));
        Assert.Equal((5L, false, isCloseNeeded), (server.LastActivityUs, server.IsInHostCheck, server.IsCloseNeeded));
    }

    private static byte[] Row(string value) => [.. Wire.Int16(1), .. Wire.Int32(value.Length), .. Wire.Raw(value)];

    private static ServerLogin Begin(string target, string database = "")
    {
        var bench = new SessionBench(database: $"d = host=127.0.0.1 {database}");
        var login = bench.NewServer().Login!;
        Assert.True(TargetSessionAttrsWords.Words.TryParse(target, out var parsed));
        login.Target = parsed;
        login.Start();
        login.Output.Clear();
        return login;
    }

    private static void Ends(ServerLogin login, string? reason)
    {
        Assert.Equal(reason is null ? Verdict.ParametersSet : Verdict.Disconnect, login.OnMessage((byte)'Z', "I"u8));
        if (reason is null) return;
        Assert.Equal((reason, true, null), (login.Failure.Reason, login.Failure.IsOfRole, login.Failure.ForWaiters));
    }
}
