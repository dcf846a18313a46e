using FastPool.Core.Sessions;

namespace FastPool.Tests.Control.Listings;

/// <summary>SHOW LATENCY and its relatives.</summary>
public sealed class LatencyTests
{
    private const long Second = 1_000_000;

    private readonly ConsoleWorld _world = new(loops: 2);

    [Fact]
    public void A_database_has_every_measure_over_both_spans()
    {
        _world.Client("p0");
        Assert.Equal(
            ["transaction|period", "transaction|total", "query|period", "query|total", "wait|period", "wait|total",
                "connect|period", "connect|total", "client|period", "client|total"],
            _world.Query("show latency").Rows.Select(static row => string.Join('|', row.Split('|')[1..3])));
    }

    [Fact]
    public void Times_of_all_loops_are_one()
    {
        Transact(_world.Client("p0"), 1000, 3000);
        Transact(_world.Client("p0", "bob", loop: 1), 2000);
        _world.Pass((9 * Second) - 6000);
        Assert.Equal("p0|transaction|total|3|0.333|2.000|0.816|2.000|2.976|2.976|2.976|2.976|3.000",
            Row("p0", "transaction", "total", _world.Query("show latency")));
        Assert.Equal("bob|query|total|1|0.111|2.000|0.000|2.000|2.000|2.000|2.000|2.000|2.000",
            Row("bob", "query", "total", _world.Query("show latency users")));
    }

    [Fact]
    public void A_transaction_waits_for_its_client_between_its_queries()
    {
        var client = _world.Client("p0");
        client.Judge((byte)'Q', 10);
        Pass(100);
        client.EndQuery(isTransactionOver: false);
        Pass(700);
        client.Judge((byte)'Q', 10);
        Pass(200);
        client.EndQuery(isTransactionOver: true);
        Pass(50_000); // Idle outside a transaction is nobody's wait.
        Transact(client, 10);
        var reply = _world.Query("show latency");
        Assert.StartsWith("p0|client|total|2|", Row("p0", "client", "total", reply));
        Assert.Equal("0.700", Row("p0", "client", "total", reply).Split('|')[^1]);
        Assert.Equal("1.000", Row("p0", "transaction", "total", reply).Split('|')[^1]);
        Assert.Equal("3", Row("p0", "query", "total", reply).Split('|')[3]);
    }

    [Fact]
    public void The_last_period_is_the_window_of_the_averages()
    {
        var client = _world.Client("p0");
        Transact(client, 900_000);
        _world.Pass(60 * Second); // First tick.
        Transact(client, 1000);
        Assert.Equal("2", Period().Split('|')[3]); // Since the start.
        _world.Pass(60 * Second); // Second.
        Transact(client, 1000);
        var period = Period().Split('|');
        Assert.Equal("2", period[3]);
        Assert.Equal("1.000", period[5]); // The long one is in the total alone.
        Assert.Equal("3", Row("p0", "transaction", "total", _world.Query("show latency")).Split('|')[3]);

        string Period() => Row("p0", "transaction", "period", _world.Query("show latency"));
    }

    [Fact]
    public void A_client_that_finds_an_idle_server_has_no_wait()
    {
        var client = _world.Client("p0");
        client.NoteNoWait();
        client.WaitStartUs = _world.Clock.NowUs;
        Pass(5000);
        client.NoteWait();
        Assert.Equal("p0|wait|total|2|", Row("p0", "wait", "total", _world.Query("show latency"))[..16]);
        Assert.EndsWith("|5.000", Row("p0", "wait", "total", _world.Query("show latency")));
    }

    [Fact]
    public void Opening_a_server_is_measured_up_to_its_login()
    {
        _world.HoldsLogins = true;
        _world.Acquire(_world.Client("p0"));
        Pass(4000);
        _world.Loops[0].LogIn(_world.Loops[0].Servers[0]);
        Assert.EndsWith("|4.000", Row("p0", "connect", "total", _world.Query("show latency")));
    }

    [Fact]
    public void The_console_itself_has_no_latencies() => Assert.Empty(_world.Query("show latency").Rows);

    [Theory]
    [InlineData("SELECT latency users")]
    [InlineData("show  LATENCY\tUsers ;")]
    [InlineData("show \"latency\" \"users\"")]
    public void The_detail_is_written_like_any_word(string query) => Assert.Equal("SHOW", _world.Query(query).Tag);

    [Theory]
    [InlineData("show latency nonsense")]
    [InlineData("show latency users more")]
    [InlineData("show version users")]
    [InlineData("pause latency users")]
    public void No_other_statement_has_three_words(string query) =>
        Assert.Equal($"ERROR/08P01 \"invalid command '{query}', use SHOW HELP;\"", _world.Query(query).Error);

    [Fact]
    public void Statements_are_timed_by_themselves_and_their_text_is_for_administrators()
    {
        var client = _world.Client("p0");
        _world.Acquire(client);
        var server = client.Server!;
        Prepare(client, "a", "select 1");
        Prepare(client, "b", "select 2");
        Run(client, server, ("a", 100), ("b", 400));
        Run(client, server, ("a", 200));
        var rows = _world.Query(_world.Admin(), "show latency statements").Rows.Select(static row => row.Split('|')).ToArray();
        Assert.Equal(["select 2", "select 2", "select 1", "select 1"], rows.Select(static row => row[^1]));
        Assert.Equal(["1", "0.400", "2", "0.150"], [rows[1][2], rows[1][4], rows[3][2], rows[3][4]]);
        Assert.All(_world.Query(_world.Admin(isAdmin: false), "show latency statements").Rows, static row =>
            Assert.EndsWith("|NULL", row));
    }

    private void Transact(ClientSession client, params long[] durationsUs)
    {
        foreach (var us in durationsUs)
        {
            client.Judge((byte)'Q', 10);
            Pass(us);
            client.EndQuery(isTransactionOver: true);
        }
    }

    /// <summary>Less than a period: no tick of the statistics falls into it.</summary>
    private void Pass(long us)
    {
        _world.Clock.Pass(us);
        foreach (var loop in _world.Loops) loop.Context.NowUs = _world.Clock.NowUs;
    }

    private static void Prepare(ClientSession client, string name, string text)
    {
        var message = Wire.Parse(name, text);
        var names = StatementNames.Find((byte)'P', message, message.Length);
        Assert.NotEqual(0, client.ApplyStatement((byte)'P', message, message.Length, names, new(), new()));
        client.Server!.Judge((byte)'1', Wire.Typed('1'));
    }

    private void Run(ClientSession client, ServerSession server, params (string Name, long Us)[] statements)
    {
        client.BeginTracked();
        foreach (var (name, _) in statements)
        {
            var message = Wire.Bind("", name);
            client.ApplyStatement((byte)'B', message, message.Length, StatementNames.Find((byte)'B', message, message.Length),
                new(), new());
            server.Expect((byte)'E');
        }
        server.Expect((byte)'S');
        foreach (var (_, us) in statements)
        {
            server.Judge((byte)'2', Wire.Typed('2'));
            Pass(us);
            server.Judge((byte)'C', Wire.Typed('C', Wire.Strings("SELECT 1")));
        }
        server.Judge((byte)'Z', Wire.Typed('Z', (byte)'T'));
    }

    private static string Row(string name, string measure, string span, Reply reply) =>
        reply.Rows.Single(row => row.StartsWith($"{name}|{measure}|{span}|", StringComparison.Ordinal));
}
