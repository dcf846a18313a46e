using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FastPool.Compat.Pooling;

/// <summary>
/// Cancel requests that reach another pooler of the group than the one whose client they are for. Setting: peer_id, section
/// [peers]. Debian's PgBouncer is too old to be a peer, so its part is played by sockets that check each byte.
/// </summary>
public class PeerTests
{
    [PoolerTheory(Since = "1.21.0"), Loops]
    public async Task A_cancel_that_reaches_the_wrong_pooler_is_passed_on_to_the_right_one(int loops)
    {
        await using var first = await Pooler.StartAsync(loops, f => f["peer_id"] = "1");
        await using var second = await Pooler.StartAsync(loops, f =>
        {
            f["peer_id"] = "2";
            f.Peers["1"] = $"host=127.0.0.1 port={first.Port}";
        });
        await using var client = await first.RawAsync();
        Assert.Equal((1, 0, 3), (client.CancelKey[1], client.CancelKey[2], client.CancelKey[7] & 3));
        await SleepAsync(client);
        await CancelAsync(second.Port, client.CancelKey);
        Assert.StartsWith("ERROR/57014", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
        await second.LineAsync($": peer-1@127.0.0.1:{first.Port} new connection to server (from 127.0.0.1:");
        await second.LineAsync($": peer-1@127.0.0.1:{first.Port} closing because: successfully sent cancel request (age=0s)");
        var peerPools = await second.ConsoleAsync("SHOW PEER_POOLS");
        Assert.Equal("1 0 0 0 0", string.Join(' ', Assert.Single(peerPools.Rows)));
        Assert.Equal($"1 127.0.0.1 {first.Port} 5",
            string.Join(' ', Assert.Single((await second.ConsoleAsync("SHOW PEERS")).Rows)));
        Assert.Equal("1", (await client.QueryAsync("select 1")).Rows[0][0]);
    }

    [PoolerTheory(Since = "1.21.0"), Loops]
    public async Task Peers_over_unix_sockets_and_by_name_find_each_other(int loops)
    {
        await using var first = await Pooler.StartAsync(loops, f => f["peer_id"] = "513");
        foreach (var host in new[] { first.Folder, "localhost" })
        {
            await using var second = await Pooler.StartAsync(loops, f =>
            {
                f["peer_id"] = "2";
                f.Peers["513"] = $"host={host} port={first.Port}";
            });
            await using var client = await first.RawAsync();
            Assert.Equal((1, 2), (client.CancelKey[1], client.CancelKey[2])); // Low byte first.
            await SleepAsync(client);
            await CancelAsync(second.Port, client.CancelKey);
            Assert.StartsWith("ERROR/57014", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
        }
    }

    [PoolerTheory(Since = "1.21.0"), Loops]
    public async Task A_peer_gets_the_key_as_it_came_with_one_hop_less_and_the_requester_waits_for_it(int loops)
    {
        using var peer = Listen();
        await using var pooler = await StartWithPeerAsync(loops, peer);
        byte[] key = [0x64, 9, 0, 0x1f, 0x1d, 0xa1, 0xeb, 0xdf];
        await using var requester = await RawClient.ConnectAsync(pooler.Port);
        await requester.SendAsync(Wire.Untyped(Wire.CancelRequest, key));
        using (var carrier = await peer.AcceptSocketAsync())
        {
            var bytes = new byte[16];
            await using var stream = new NetworkStream(carrier);
            await stream.ReadExactlyAsync(bytes);
            Assert.Equal(Wire.Untyped(Wire.CancelRequest, [.. key[..7], 0xde]), bytes);
            var pools = await pooler.ConsoleAsync("SHOW PEER_POOLS");
            Assert.Equal("9 1 0 1 0", string.Join(' ', Assert.Single(pools.Rows)));
            Assert.Contains((await pooler.ConsoleAsync("SHOW CLIENTS")).Rows, row => row[4] == "active_cancel_req");
        }

        Assert.Null(await requester.BytesAsync(1));
    }

    [PoolerTheory(Since = "1.21.0"), Loops]
    public async Task A_key_that_may_not_be_passed_on_or_has_no_peer_is_closed_without_a_word(int loops)
    {
        using var peer = Listen();
        await using var pooler = await StartWithPeerAsync(loops, peer);
        await CancelAsync(pooler.Port, [0x64, 9, 0, 1, 2, 3, 4, 0xdc]);
        await pooler.LineAsync("closing because: failed to forward cancel request because its TTL was exhausted (age");
        await CancelAsync(pooler.Port, [0x64, 8, 0, 1, 2, 3, 4, 0xdf]);
        await pooler.LineAsync("closing because: could not find peer to forward request to (age");
        await CancelAsync(pooler.Port, [0x64, 5, 0, 1, 2, 3, 4, 0xdd]); // Our own id: nobody has that key.
        await pooler.LineAsync("closing because: failed cancel request (age");
        Assert.False(peer.Pending());
    }

    [PoolerTheory(Since = "1.21.0"), Loops]
    public async Task Wrongly_routed_peers_bounce_a_key_three_times_at_most(int loops)
    {
        var (portOne, portTwo) = (Machine.FreePort(), Machine.FreePort());
        await using var one = await Pooler.StartAsync(loops, f =>
        {
            f.Port = portOne;
            f["peer_id"] = "1";
            f.Peers["3"] = $"host=127.0.0.1 port={portTwo}";
        });
        await using var two = await Pooler.StartAsync(loops, f =>
        {
            f.Port = portTwo;
            f["peer_id"] = "2";
            f.Peers["3"] = $"host=127.0.0.1 port={portOne}";
        });
        await CancelAsync(one.Port, [0x64, 3, 0, 1, 2, 3, 4, 0xdf]);
        await two.LineAsync("failed to forward cancel request because its TTL was exhausted");
        await Task.WhenAll(one.LineAsync("successfully sent cancel request"), two.LineAsync("successfully sent cancel request"));
        // Twice passed on: each a line of the requester's and of the carrier's.
        await Until.TrueAsync(() => Count(one, "successfully sent cancel request") >= 2 * 2
            && Count(two, "successfully sent cancel request") >= 2, "all are told");
        Assert.Equal(2 * 2, Count(one, "successfully sent cancel request"));
        Assert.Equal(2, Count(two, "successfully sent cancel request"));
    }

    [PoolerTheory(Since = "1.21.0"), Loops]
    public async Task Requests_beyond_the_pool_size_of_a_peer_wait_and_give_up_after_cancel_wait_timeout(int loops)
    {
        using var peer = Listen();
        await using var pooler = await StartWithPeerAsync(loops, peer, "pool_size=1", f => f["cancel_wait_timeout"] = "2");
        await using var first = await SendCancelAsync(pooler.Port);
        using var carrier = await peer.AcceptSocketAsync();
        await using var second = await SendCancelAsync(pooler.Port);
        await using var third = await SendCancelAsync(pooler.Port);
        await Until.TrueAsync(async () =>
            (await pooler.ConsoleAsync("SHOW PEER_POOLS")).Rows[0] is ["9", "1", "2", "1", "0"], "one is sent, two wait");
        carrier.Dispose();
        Assert.Null(await first.BytesAsync(1));
        using var next = await peer.AcceptSocketAsync(); // At once, in order of arrival.
        Assert.Null(await third.BytesAsync(1));
        await pooler.LineAsync("closing because: cancel_wait_timeout (age");
        next.Dispose();
        Assert.Null(await second.BytesAsync(1));
    }

    [PoolerTheory(Since = "1.21.0"), Loops]
    public async Task A_peer_that_is_down_is_tried_again(int loops)
    {
        var port = Machine.FreePort();
        await using var pooler = await Pooler.StartAsync(loops, f =>
        {
            f["peer_id"] = "5";
            f.Peers["9"] = $"host=127.0.0.1 port={port}";
        });
        await using var requester = await SendCancelAsync(pooler.Port);
        await pooler.LineAsync($": peer-9@127.0.0.1:{port} closing because: connect failed (age");
        using var peer = new TcpListener(IPAddress.Loopback, port);
        peer.Start();
        (await peer.AcceptSocketAsync()).Dispose();
        Assert.Null(await requester.BytesAsync(1));
    }

    [PoolerTheory(Since = "1.21.0"), Loops]
    public async Task A_peer_that_a_reload_takes_away_takes_its_requests_along(int loops)
    {
        using var peer = Listen();
        await using var pooler = await StartWithPeerAsync(loops, peer);
        await using var requester = await SendCancelAsync(pooler.Port);
        using var carrier = await peer.AcceptSocketAsync();
        pooler.Rewrite(f => f.Peers.Clear());
        await pooler.ConsoleAsync("RELOAD");
        await pooler.LineAsync("closing because: peer removed (age");
        Assert.Empty((await pooler.ConsoleAsync("SHOW PEER_POOLS")).Rows);
    }

    [PoolerTheory(Since = "1.21.0"), Loops]
    public async Task A_requester_that_does_not_wait_is_served_all_the_same(int loops)
    {
        await using var pooler = await Pooler.StartAsync(loops);
        await using var client = await pooler.RawAsync();
        await SleepAsync(client);
        using (var hasty = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            await hasty.ConnectAsync(IPAddress.Loopback, pooler.Port);
            hasty.Send(Wire.Untyped(Wire.CancelRequest, client.CancelKey));
        }

        Assert.StartsWith("ERROR/57014", (await client.ReplyAsync()).ErrorText, StringComparison.Ordinal);
    }

    /// <summary>Returns when PostgreSQL runs the query: a cancel before that finds nothing to cancel.</summary>
    private static async Task SleepAsync(RawClient client)
    {
        var mark = Guid.NewGuid().ToString("N");
        await client.SendAsync(Wire.Query($"select pg_sleep(30) /* {mark} */"));
        var server = await Postgres.SharedAsync();
        await Until.TrueAsync(async () =>
            await server.BackendCountAsync($"wait_event = 'PgSleep' and query like '%{mark}%'") > 0, "the sleep runs");
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private static Task<Pooler> StartWithPeerAsync(int loops, TcpListener peer, string more = "",
        Action<PoolerFile>? change = null) => Pooler.StartAsync(loops, f =>
    {
        f["peer_id"] = "5";
        f.Peers["9"] =
            string.Create(CultureInfo.InvariantCulture, $"host=127.0.0.1 port={((IPEndPoint)peer.LocalEndpoint).Port} {more}");
        change?.Invoke(f);
    });

    private static async Task<RawClient> SendCancelAsync(int port)
    {
        var requester = await RawClient.ConnectAsync(port);
        await requester.SendAsync(Wire.Untyped(Wire.CancelRequest, [0x64, 9, 0, 1, 2, 3, 4, 0xdf]));
        return requester;
    }

    private static async Task CancelAsync(int port, byte[] key)
    {
        await using var requester = await RawClient.ConnectAsync(port);
        await requester.SendAsync(Wire.Untyped(Wire.CancelRequest, key));
        Assert.Null(await requester.BytesAsync(1));
    }

    private static int Count(Pooler pooler, string text) =>
        pooler.Process.Lines.Count(line => line.Contains(text, StringComparison.Ordinal));
}
