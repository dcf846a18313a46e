using FastPool.Core.Pools;
using FastPool.Core.Sessions;
using FastPool.Protocol;

namespace FastPool.Tests.Core.Sessions;

/// <summary>A server's debts after a conversation: a script, and the replies still owed.</summary>
public sealed class ServerSessionTests
{
    private readonly SessionBench _bench = new("pool_mode=transaction");

    /// <summary>Client messages as they are, replies behind &lt;, ReadyForQuery with its status.</summary>
    private static Verdict Play(ClientSession client, ServerSession server, string script)
    {
        var verdict = Verdict.Forward;
        var words = script.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var word in words)
        {
            if (word[0] != '<')
            {
                client.Judge((byte)word[0], 5);
                server.Expect((byte)word[0]);
                continue;
            }
            verdict = word[1] == 'Z' ? server.Judge((byte)'Z', Wire.Typed('Z', (byte)word[2]))
                : server.Judge((byte)word[1], Wire.Typed(word[1]));
        }
        return verdict;
    }

    [Theory]
    // simple
    [InlineData("Q <T <D <C <ZI", "Forward, release", "")]
    [InlineData("Q <C <ZT", "Forward", "")]
    [InlineData("Q <E <ZE", "Forward", "")]
    [InlineData("Q Q <C <ZI", "Forward", "Q")]
    [InlineData("Q Q <C <ZI <E <ZI", "Forward, release", "")]
    [InlineData("F <V <ZI", "Forward, release", "")]
    [InlineData("Q <I <ZI", "Forward, release", "")]
    // extended
    [InlineData("P B D E S <1 <2 <T <D <C <ZI", "Forward, release", "")]
    [InlineData("P B D E S <1 <2 <n <s", "Forward", "S")]
    [InlineData("P D B E C S <1 <t <n <2 <C <3 <ZI", "Forward, release", "")]
    [InlineData("P B E S P B E S <1 <2 <C <ZI", "Forward", "PBES")]
    [InlineData("P H <1", "Forward", "")]
    // errors: the server skips to the Sync
    [InlineData("P B E S <E <ZI", "Forward, release", "")]
    [InlineData("P B E S <1 <E <ZI", "Forward, release", "")]
    [InlineData("P B E S P B E S <1 <E <ZI", "Forward", "PBES")]
    [InlineData("P B E S P B E S <E <ZI <1 <2 <C <ZI", "Forward, release", "")]
    [InlineData("P B E P B E S Q <1 <2 <C <E <ZI", "Forward", "Q")]
    // COPY
    [InlineData("Q <G d d c <C <ZI", "Forward, release", "")]
    [InlineData("Q <G d f <E <ZI", "Forward, release", "")]
    [InlineData("Q d c <G <C <ZI", "Forward, release", "")]
    [InlineData("Q <H <d <c <C <ZI", "Forward, release", "")]
    [InlineData("P B E H <1 <2 <G d f S <E <ZI", "Forward, release", "")]
    [InlineData("Q <G d <E <ZI", "Forward, release", "")] // The client's further COPY messages are for nobody.
    // A Sync before COPY's data is answered if the COPY failed before the server read it, else read past: the fence behind the
    // last one (C S) tells.
    [InlineData("P B E S <1 <2 <G <E <ZI", "Forward, release", "")] // No other Sync can have been answered.
    [InlineData("P B E S <1 <2 <G d c S <C", "Forward", "SCS")]
    [InlineData("P B E S <1 <2 <G d c S <C <ZI", "Forward", "CS")]
    // It went well: no fence is needed.
    [InlineData("P B E S P B E S d c S <1 <2 <C <ZI <1 <2 <G <C <ZI", "Forward, release", "")]
    [InlineData("P B E S <1 <2 <G d c S <C <ZI <3 <ZI", "Skip, release", "")]
    [InlineData("P B E S <1 <2 <G d c S <E <ZI", "Forward", "SCS")]
    [InlineData("P B E S <1 <2 <G d c S <E <ZI <ZI", "Forward", "CS")]
    [InlineData("P B E S <1 <2 <G d c S <E <ZI <ZI <3 <ZI", "Skip, release", "")]
    [InlineData("P B E S <1 <2 <G d c S <E <ZI <3 <ZI", "Skip, release", "")]
    [InlineData("P B E S <1 <2 <G d f S <E <ZI <3 <ZI", "Skip, release", "")]
    [InlineData("P B E S <1 <2 <G d c S Q <E <ZI <3 <ZI <C <ZI", "Forward, release", "")]
    [InlineData("P B E S <1 <2 <G d c S Q <E <ZI <ZI <3 <ZI <C <ZI", "Forward, release", "")]
    [InlineData("P B E S <1 <2 <G d <E <ZI", "Forward, release", "")]
    // Given up without a word, and the first Sync was read past.
    [InlineData("P B E S <1 <2 <G d <E S <ZI <3 <ZI", "Skip, release", "")]
    [InlineData("P B E S <1 <2 <G d <E S <ZI <ZI <3 <ZI", "Skip, release", "")]
    [InlineData("P B E S f S <1 <2 <G <E <ZI <3 <ZI", "Skip, release", "")]
    // Data of a request that is through.
    [InlineData("P B E d c S <E <ZI P B E S f S <1 <2 <G <E <ZI <3 <ZI", "Skip, release", "")]
    [InlineData("d P B E S f S <1 <2 <G <E <ZI <3 <ZI", "Skip, release", "")]
    [InlineData("P B E S d S c S <1 <2 <G <C <ZI <3 <ZI", "Skip, release", "")]
    [InlineData("P B E S d S <1 <2 <G", "Forward", "ESS")] // A fence that is read in COPY would end the connection.
    [InlineData("F P B E S d <V <E S", "Forward", "FPBESS")] // It is not the COPY that has failed.
    [InlineData("S P B E S d <E S", "Forward", "SPBESS")]
    [InlineData("P B E c P B E d S c S <1 <2 <G <C <1 <2 <G <E <ZI <ZI", "Forward, release", "")]
    // No fence where another CloseComplete could be taken for its own, or a second COPY be on its way: a place too many stays,
    // and with it the server.
    [InlineData("P B E S c P B E S d c S <1 <2 <G <C <1 <2 <G <C <ZI", "Forward", "S")]
    [InlineData("P B E S c S P B E S d c S <1 <2 <G <C <ZI", "Forward", "CSPBESS")]
    [InlineData("P B E S <1 <2 <G c P B E d S c S <C <1 <2 <G <E <ZI", "Forward", "S")]
    [InlineData("Q S d c S <G <C <ZI <ZI", "Forward", "S")]
    public void Replies_pop_what_they_answer(string script, string last, string left)
    {
        var (client, server) = _bench.Linked();
        var verdict = Play(client, server, script);
        Assert.Equal(last, verdict + (server.Link.Hold == LinkHold.None ? ", release" : ""));
        Assert.Equal(left,
            string.Concat(Enumerable.Range(0, server.Outstanding.Count).Select(i => (char)server.Outstanding[i].Type)));
    }

    /// <summary>Nothing is outstanding, since the header of the reply has been seen; but most of it has not come.</summary>
    [Fact]
    public void A_faked_reply_waits_for_the_end_of_the_message_that_the_client_has_in_part()
    {
        var (client, server) = _bench.Linked();
        Play(client, server, "D H <T");
        SessionBench.EndOf(server).IsMidMessage = true;
        var output = new MessageBuffer();
        client.ApplyClose(new StatementNames(), output);
        Assert.Equal(0, output.Length);
        Assert.Equal(1, server.Outstanding.FakeCount);
        SessionBench.EndOf(server).IsMidMessage = false;
        server.TakeOwnReplies(output);
        Assert.Equal(PreparedMessages.CloseComplete.ToArray(), output.WrittenSpan.ToArray());
        output.Clear();
        client.ApplyClose(new StatementNames(), output);
        Assert.Equal(PreparedMessages.CloseComplete.ToArray(), output.WrittenSpan.ToArray());
    }

    [Fact]
    public void In_session_mode_the_link_stays()
    {
        var (client, server) = new SessionBench("pool_mode=session").Linked();
        Assert.Equal(Verdict.Forward, Play(client, server, "Q <C <ZI"));
        Assert.Equal(LinkHold.SessionPooling, server.Link.Hold);
        Assert.False(server.Link.TryEnd());
        server.Link.LoseClient();
        Assert.Equal("released", SessionBench.EndOf(server).LastEnd);
    }

    [Fact]
    public void In_statement_mode_a_transaction_block_ends_both()
    {
        var (client, server) = new SessionBench("pool_mode=statement").Linked();
        Assert.Equal(Verdict.Disconnect, Play(client, server, "Q <C <ZT"));
        Assert.Equal(Ending.Told("transaction blocks not allowed in statement pooling mode"), server.Ending);
    }

    [Theory]
    [InlineData("Q <C <ZI", false, null)]
    [InlineData("Q <C <ZI", true, "client disconnect before everything was sent to the server")]
    [InlineData("Q", false, "client disconnect while server was not ready")]
    [InlineData("Q <C <ZT", false, "client disconnect while server was not ready")]
    [InlineData("H", false, null)]
    [InlineData("Q Q <C <ZI", false, "client disconnected with query in progress")]
    public void A_client_that_goes_leaves_a_server_behind_or_takes_it_along(string script, bool hasUnsent, string? reason)
    {
        var (client, server) = _bench.Linked();
        Play(client, server, script);
        SessionBench.EndOf(server).HasSentAll = !hasUnsent;
        server.Link.LoseClient();
        Assert.Equal(reason ?? "released", SessionBench.EndOf(server).LastEnd);
        Assert.Null(client.Server);
    }

    [Fact]
    public void A_reported_parameter_becomes_the_client_s_too()
    {
        var (client, server) = _bench.Linked();
        Assert.Equal(Verdict.Forward, server.Judge((byte)'S', Wire.Typed('S', Wire.Strings("TimeZone", "UTC"))));
        Assert.Equal(("UTC", "UTC"), (client.Parameters[2], server.Parameters[2]));
        Assert.Equal(Verdict.Disconnect, server.Judge((byte)'S', Wire.Typed('S', (byte)'x')));
        Assert.Equal("broken ParameterStatus packet", server.Ending.Reason);
    }

    [Fact]
    public void While_parameters_are_set_the_client_hears_nothing()
    {
        var (client, server) = _bench.Linked();
        server.Judge((byte)'S', Wire.Typed('S', Wire.Strings("DateStyle", "ISO, MDY")));
        server.Link.LoseServer();
        client.Parameters = _bench.Context.Interner.With(client.Parameters, 0, "German");
        Assert.Equal("SET DateStyle='German';", server.Link.Begin(client));
        Assert.Equal(Verdict.Skip, server.Judge((byte)'S', Wire.Typed('S', Wire.Strings("DateStyle", "German, DMY"))));
        Assert.Equal(Verdict.Skip, server.Judge((byte)'C', Wire.Typed('C', Wire.Strings("SET"))));
        Assert.Equal(Verdict.ParametersSet, server.Judge((byte)'Z', Wire.Typed('Z', (byte)'I')));
        Assert.Equal("German, DMY", client.Parameters[0]);
        Assert.True(server.IsReady);
    }

    [Fact]
    public void A_parameter_that_the_server_refuses_ends_both()
    {
        var (client, server) = _bench.Linked();
        server.Judge((byte)'S', Wire.Typed('S', Wire.Strings("DateStyle", "ISO")));
        server.Link.LoseServer();
        client.Parameters = _bench.Context.Interner.With(client.Parameters, 0, "bogus");
        server.Link.Begin(client);
        Assert.Equal(Verdict.Disconnect,
            server.Judge((byte)'E', Wire.Typed('E', [.. Wire.Strings("SERROR", "C22023", "Mno"), 0])));
        Assert.Equal(Ending.Told("invalid server parameter"), server.Ending);
        Assert.Contains("varcache_apply failed: ERROR: no", _bench.Log.Lines);
    }

    /// <summary>That is no word about the client's variables: it hears what every client hears whose server goes.</summary>
    [Theory]
    [InlineData("SFATAL", "VFATAL")]
    [InlineData("SFATALE FEHLER", "VFATAL")]
    [InlineData("SPANIC", "C57P02")]
    public void A_server_that_ends_while_parameters_are_set_says_so_to_the_client(string severity, string plain)
    {
        var (client, server) = _bench.Linked();
        server.Judge((byte)'S', Wire.Typed('S', Wire.Strings("DateStyle", "ISO")));
        server.Link.LoseServer();
        client.Parameters = _bench.Context.Interner.With(client.Parameters, 0, "German");
        Assert.NotNull(server.Link.Begin(client));
        Assert.Equal(Verdict.Forward,
            server.Judge((byte)'E', Wire.Typed('E', [.. Wire.Strings(severity, plain, "C57P01", "Mgoing"), 0])));
        Assert.False(server.Ending.IsSet);
    }

    [Theory]
    [InlineData('A', true)]
    [InlineData('N', false)]
    [InlineData('E', false)]
    [InlineData('D', false)]
    public void A_free_server_that_speaks_is_dirty_unless_it_sends_a_notification(char type, bool isReady)
    {
        var server = _bench.NewServer();
        server.EndLogin();
        Assert.Equal(Verdict.Skip, server.Judge((byte)type, Wire.Typed(type)));
        Assert.Equal(isReady, server.IsReady);
    }

    [Fact]
    public void A_check_is_through_when_the_server_is_ready_whatever_it_answered()
    {
        var server = _bench.NewServer();
        server.EndLogin();
        server.BeginTest(ServerEvent.Check);
        Assert.False(server.IsReady);
        Assert.Equal(Verdict.Skip, server.Judge((byte)'E', Wire.Typed('E', 0)));
        Assert.Equal(Verdict.Tested, server.Judge((byte)'Z', Wire.Typed('Z', (byte)'I')));
        Assert.True(server.IsReady);
    }

    [Theory]
    [InlineData(true, "reset query failed")]
    [InlineData(false, "test query failed")]
    public void A_test_that_leaves_a_transaction_open_ends_the_server(bool isReset, string reason)
    {
        var server = _bench.NewServer();
        server.EndLogin();
        server.BeginTest(isReset ? ServerEvent.Reset : ServerEvent.Check);
        Assert.Equal(Verdict.Disconnect, server.Judge((byte)'Z', Wire.Typed('Z', (byte)'T')));
        Assert.Equal(reason, server.Ending.Reason);
    }

    [Fact]
    public void A_reset_that_fails_ends_the_server_and_the_log_says_so_once_a_minute()
    {
        var error = Wire.Typed('E', [.. "SERROR\0C25001\0MDISCARD ALL cannot run inside a transaction block\0\0"u8]);
        for (var second = 0; second < 120; second++)
        {
            var server = _bench.NewServer();
            server.EndLogin();
            server.BeginTest(ServerEvent.Reset);
            Assert.Equal(Verdict.Disconnect, server.Judge((byte)'E', error));
            Assert.Equal("reset query failed", server.Ending.Reason);
            _bench.Context.NowUs += 1_000_000;
        }
        var lines = _bench.Log.Lines.FindAll(static line => line.Contains("reset query failed"));
        Assert.Equal(2, lines.Count);
        Assert.EndsWith(
            "reset query failed, closing the connection: ERROR 25001: DISCARD ALL cannot run inside a transaction block",
            lines[0]);
    }

    [Fact]
    public void An_unknown_message_ends_both()
    {
        var (_, server) = _bench.Linked();
        Assert.Equal(Verdict.Disconnect, server.Judge((byte)'y', Wire.Typed('y')));
        Assert.Equal(Ending.Told("unknown pkt"), server.Ending);
    }
}
