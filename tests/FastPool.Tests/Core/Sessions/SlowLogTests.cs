using FastPool.Base;
using FastPool.Core.Sessions;

namespace FastPool.Tests.Core.Sessions;

/// <summary>log_min_duration: lines of slow queries and transactions.</summary>
public sealed class SlowLogTests
{
    private static void Run(SessionBench bench, ClientSession client, long us, bool isTransactionOver = true)
    {
        client.Judge((byte)'Q', 10);
        bench.Context.NowUs += us;
        client.EndQuery(isTransactionOver);
    }

    [Fact]
    public void A_slow_query_has_a_line_and_a_fast_one_has_none()
    {
        var bench = new SessionBench(own: "log_min_duration=100");
        var (client, _) = bench.Linked();
        Run(bench, client, 99_999);
        Assert.Empty(bench.Log.Lines);
        Run(bench, client, 100_000);
        Assert.Equal([client.LogPrefix + "slow query: 100.000 ms"], bench.Log.Lines);
    }

    [Fact]
    public void A_slow_transaction_of_fast_queries_has_a_line()
    {
        var bench = new SessionBench(own: "log_min_duration=100");
        var (client, _) = bench.Linked();
        Run(bench, client, 1_000, isTransactionOver: false);
        bench.Context.NowUs += 150_000;
        Run(bench, client, 1_000);
        Assert.Equal([client.LogPrefix + "slow transaction: 152.000 ms"], bench.Log.Lines);
    }

    [Fact]
    public void A_prepared_statement_is_told_with_its_text_and_without_its_parameters()
    {
        var talk = new PreparedTalk(
            new SessionBench("pool_mode=transaction\nmax_prepared_statements=1000", own: "log_min_duration=100"));
        var server = talk.NewServer();
        var client = talk.NewClient(server);
        Assert.Null(server.Link.Begin(client));
        talk.Says(client, PreparedTalk.Parse("s", "select $1"));
        talk.Says(client, Wire.Bind("", "s", "hidden"));
        talk.Says(client, PreparedTalk.Execute);
        talk.Says(client, PreparedTalk.Sync);
        talk.Bench.Context.NowUs += 200_000;
        PreparedTalk.Answers(server, "1 2 C:SELECT~1 Z");
        Assert.Equal([client.LogPrefix + "slow query: 200.000 ms, PGBOUNCER_1: select $1"], talk.Bench.Log.Lines);
    }

    [Fact]
    public void Nothing_is_told_without_the_setting()
    {
        var bench = new SessionBench();
        var (client, _) = bench.Linked();
        Run(bench, client, 3_600_000_000);
        Assert.Empty(bench.Log.Lines);
    }

    [Fact]
    public void Lines_have_a_bound_and_the_others_are_counted()
    {
        const int Queries = 1_000;
        var bench = new SessionBench(own: "log_min_duration=0");
        var (client, _) = bench.Linked();
        for (var i = 0; i < Queries; i++) Run(bench, client, 10);
        Assert.Equal(Limits.SlowLinesPerSecond, bench.Log.Lines.Count);
        Run(bench, client, 1_000_000);
        Assert.Equal($"slow queries and transactions without a line: {Queries - Limits.SlowLinesPerSecond}", bench.Log.Lines[^2]);
    }
}
