using FastPool.Simulation.Network;
using FastPool.Simulation.Postgres;
using FastPool.Simulation.Worlds;

namespace FastPool.Simulation.Tests;

/// <summary>Times that are over: the moment, and the clients and servers concerned.</summary>
public sealed class TimeoutTests
{
    private const int StepUs = 1_000;

    private static double SecondsUntilClosed(TransactionPath path, MemorySocket client, double most)
    {
        var since = path.NowUs;
        path.Elapse(most, () => client.IsPoolerClosed);
        return client.IsPoolerClosed ? (path.NowUs - since) / 1_000_000d : double.NaN;
    }

    private static byte[] Ready(char status)
    {
        var ready = new ByteQueue();
        ready.Add(Wire.Typed('Z', [(byte)status]));
        return ready.ToArray();
    }

    [Fact]
    public void Each_query_of_a_pipeline_has_query_timeout_for_itself()
    {
        var path = new TransactionPath(settings: "query_timeout=2");
        var client = path.LogIn();
        client.PeerWrite([.. TransactionPath.SimpleQuery(), .. TransactionPath.SimpleQuery()]);
        path.Elapse(1.5);
        path.Server!.PeerWrite(TransactionPath.SimpleReply());
        Assert.InRange(SecondsUntilClosed(path, client, 5), 2, 2.4);
        Assert.Contains("query timeout", System.Text.Encoding.Latin1.GetString(client.PeerInput));
    }

    [Fact]
    public void A_query_that_runs_behind_another_in_a_transaction_is_not_idle()
    {
        var path = new TransactionPath(settings: "idle_transaction_timeout=1");
        var client = path.LogIn();
        client.PeerWrite([.. TransactionPath.SimpleQuery(), .. TransactionPath.SimpleQuery()]);
        path.Elapse(0.01);
        path.Server!.PeerWrite([.. TransactionPath.Reply('C'), .. Ready('T')]);
        path.Elapse(3);
        Assert.False(client.IsPoolerClosed);
        path.Server.PeerWrite([.. TransactionPath.Reply('C'), .. Ready('T')]);
        Assert.InRange(SecondsUntilClosed(path, client, 3), 1, 1.4); // Now it is.
    }

    [Fact]
    public void A_loop_with_nothing_under_way_wakes_up_once_a_second_until_something_happens()
    {
        var path = new TransactionPath();
        var client = path.LogIn();
        path.WakeUpsWithin(2); // The login has left something to do.
        Assert.InRange(path.WakeUpsWithin(10), 9, 11);
        client.PeerWrite(TransactionPath.SimpleQuery());
        path.Turn();
        Assert.InRange(path.WakeUpsWithin(3), 8, 11); // A server works for a client.
        path.Server!.PeerWrite(TransactionPath.SimpleReply());
        path.WakeUpsWithin(2);
        Assert.InRange(path.WakeUpsWithin(10), 9, 11);
    }

    [Fact]
    public void A_quiet_loop_looks_through_its_pools_at_once_when_it_is_told_to()
    {
        var path = new TransactionPath();
        path.LogIn();
        path.WakeUpsWithin(2);
        path.Reconnect();
        path.Turn();
        path.Turn();
        Assert.True(path.Server!.IsPoolerClosed);
    }

    [Fact]
    public void A_loop_that_asks_hosts_looks_as_often_as_ever()
    {
        var path = new TransactionPath(databases: "d = host=127.0.0.1\n[fastpool]\nhost_check_period=60");
        path.LogIn();
        path.WakeUpsWithin(2);
        Assert.InRange(path.WakeUpsWithin(3), 8, 11);
    }

    [Fact]
    public void A_query_on_a_connection_that_was_long_idle_has_its_time()
    {
        var path = new TransactionPath(settings: "query_timeout=2");
        var client = path.LogIn();
        path.Elapse(20);
        client.PeerWrite(TransactionPath.SimpleQuery());
        Assert.InRange(SecondsUntilClosed(path, client, 5), 2, 2.4);
    }

    [Theory]
    [InlineData("1000")]
    [InlineData("0")]
    public void A_lower_time_holds_for_those_that_are_idle_already(string before)
    {
        var path = new TransactionPath(settings: "client_idle_timeout=" + before);
        var client = path.LogIn();
        path.Elapse(5);
        path.Set("client_idle_timeout", "10");
        Assert.InRange(SecondsUntilClosed(path, client, 10), 4.9, 6.1);
    }

    [Fact]
    public void Waits_end_to_the_millisecond()
    {
        var path = new TransactionPath(settings: "query_wait_timeout=2");
        var holder = path.LogIn();
        var waiters = Enumerable.Range(0, 7).Select(_ => path.LogIn()).ToArray();
        holder.PeerWrite(TransactionPath.SimpleQuery());
        path.Elapse(0.01);
        var sinceUs = new Dictionary<MemorySocket, long>();
        foreach (var waiter in waiters)
        {
            path.Elapse(0.05);
            waiter.PeerWrite(TransactionPath.SimpleQuery());
            sinceUs[waiter] = path.NowUs;
        }
        while (sinceUs.Count > 0)
        {
            path.Elapse(StepUs / 1_000_000d);
            foreach (var waiter in waiters)
            {
                if (!waiter.IsPoolerClosed || !sinceUs.Remove(waiter, out var since)) continue;
                Assert.InRange(path.NowUs - since, 2_000_000, 2_000_000 + 3 * StepUs);
            }
            Assert.All(sinceUs.Values, since => Assert.True(path.NowUs - since <= 2_000_000 + 3 * StepUs, "a wait is not over"));
        }
    }

    [Theory]
    [InlineData("query_timeout=3\nquery_wait_timeout=0", 3)]
    [InlineData("query_wait_timeout=2", 2)]
    public void A_client_that_waits_for_a_pools_first_server_has_the_times_of_any_waiter(string settings, double seconds)
    {
        var path = new TransactionPath(settings: "server_connect_timeout=100\nclient_login_timeout=50\n" + settings);
        var client = path.Connect("user", "ann", "database", "d");
        path.Elapse(0.001);
        Assert.InRange(SecondsUntilClosed(path, client, 10), seconds - 0.001, seconds + 0.003);
    }

    [Fact]
    public void Free_room_that_the_first_waiter_cannot_use_is_the_next_ones_at_once()
    {
        var path = new TransactionPath(
            settings: "server_connect_timeout=100",
            databases: "d = host=127.0.0.1 max_db_connections=1\ne = host=127.0.0.1\n[users]\nann = max_user_connections=1");
        Work(path, "ann", "e"); // All that ann may have.
        Work(path, "bob", "d"); // All that d may have.
        var busy = path.Server!;
        path.Connect("user", "ann", "database", "d");
        path.Turn();
        path.Connect("user", "eve", "database", "d");
        path.Elapse(0.7); // Both wait. A tick has just been, or is far: turns take no time from here on.
        busy.PeerClose();
        for (var i = 0; i < 5; i++) path.Turn();
        Assert.NotSame(busy, path.Server);
        Assert.Contains("eve", System.Text.Encoding.Latin1.GetString(path.Server!.PeerInput));
    }

    /// <summary>A client that runs a query on a new server.</summary>
    private static void Work(TransactionPath path, string user, string database)
    {
        var client = path.Connect("user", user, "database", database);
        for (var i = 0; i < 10 && client.PeerInput.IsEmpty; i++)
        {
            path.Turn();
            if (path.Server is not null) path.TryWelcomePooler();
        }
        client.PeerWrite(TransactionPath.SimpleQuery());
        for (var i = 0; i < 3; i++) path.Turn();
        Assert.Equal(TransactionPath.SimpleQuery(), path.Server!.PeerInput.ToArray());
    }

    [Theory]
    [InlineData(100)]
    [InlineData(2_000)]
    public void The_next_cancel_request_costs_the_same_however_many_wait(int waiting)
    {
        const int Rounds = 50;
        const int BytesMax = 4_000;
        var path = new TransactionPath(clientsMax: 3_000, settings: "default_pool_size=1\ncancel_wait_timeout=100");
        var client = path.LogIn();
        client.PeerWrite(TransactionPath.SimpleQuery());
        path.Elapse(0.01);
        var key = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(key, path.View.Clients[0].CancelKey);
        for (var i = 0; i < waiting; i++) path.ConnectCancel(key);
        for (var i = 0; i < waiting + 10; i++) path.Turn(); // One is accepted a turn.
        Complete(path);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Rounds; i++) Complete(path);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / Rounds, 1, BytesMax);
    }

    /// <summary>The server has acted on the request that it has: the next is sent.</summary>
    private static void Complete(TransactionPath path)
    {
        var carrier = path.Server!;
        Assert.Equal(16, carrier.PeerInput.Length);
        carrier.PeerClose();
        for (var i = 0; i < 5 && path.Server == carrier; i++) path.Turn();
        Assert.NotSame(carrier, path.Server);
        for (var i = 0; i < 5 && path.Server!.PeerInput.IsEmpty; i++) path.Turn();
    }
}
