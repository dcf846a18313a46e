using System.Net;
using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Tests.Core.Pools;

/// <summary>Peers behind a name.</summary>
public sealed class PeerDirectoryTests
{
    private const string Main = "[pgbouncer]\npeer_id=auto\n";
    private const string Line = "[databases]\n[peers]\nauto = host=poolers.test port=6543 pool_size=7\n";

    private static PeerDirectory Directory(string text) => new PoolRegistry(Loading.Good(text), 1).Peers;

    private static IEnumerable<IPAddress> Of(params string[] addresses) => addresses.Select(IPAddress.Parse);

    private static string[] All(PeerDirectory peers) =>
        [.. peers.All.Select(static peer => $"{peer.Id} {peer.HostText} {peer.Port} {peer.PoolSize}")];

    [Theory]
    [InlineData("10.0.0.1", 1)]
    [InlineData("10.0.63.255", 16383)]
    [InlineData("10.0.64.0", 16383)]
    [InlineData("10.0.64.1", 1)]
    [InlineData("10.1.2.3", 515)]
    [InlineData("::ffff:10.1.2.3", 515)]
    [InlineData("fd00::1:203", 515)]
    public void An_id_is_the_last_14_bits_of_the_address(string address, int id) =>
        Assert.Equal(id, PeerEntry.IdOf(IPAddress.Parse(address)));

    [Fact]
    public void All_addresses_but_our_own_are_peers()
    {
        var peers = Directory(Main + Line);
        Assert.Equal(0, peers.OwnId);
        Assert.Empty(peers.Learn(Of("10.0.0.3", "10.0.0.1", "10.0.0.2"), static ip => ip.ToString() == "10.0.0.2"));
        Assert.Equal(2, peers.OwnId);
        Assert.Equal(["1 10.0.0.1 6543 7", "3 10.0.0.3 6543 7"], All(peers));
        Assert.Null(peers.Find(2));
        peers.Learn(Of("10.0.0.2", "10.0.0.4"), static ip => ip.ToString() == "10.0.0.2");
        Assert.Equal(["4 10.0.0.4 6543 7"], All(peers));
    }

    [Fact]
    public void One_address_to_listen_on_is_our_own_before_the_name_is_known()
    {
        var peers = Directory(Main + "listen_addr=10.0.0.2\n" + Line);
        Assert.Equal(2, peers.OwnId);
        peers.Learn(Of("10.0.0.1", "10.0.0.2"), static _ => true);
        Assert.Equal(2, peers.OwnId);
        Assert.Equal(["1 10.0.0.1 6543 7"], All(peers));
        Assert.Equal(0, Directory(Main + "listen_addr=0.0.0.0\n" + Line).OwnId);
    }

    [Fact]
    public void Two_with_the_same_id_are_told_and_the_lower_address_is_heard_in_whatever_order_they_come()
    {
        var peers = Directory(Main + "listen_addr=10.0.0.9\n" + Line);
        foreach (var addresses in new[] { Of("10.0.64.1", "10.0.0.1"), Of("10.0.0.1", "10.0.64.1") })
        {
            Assert.Equal((1, "10.0.0.1", "10.0.64.1"), Assert.Single(peers.Learn(addresses, static _ => false)));
            Assert.Equal("10.0.0.1", peers.Find(1)!.HostText);
        }
        Assert.Equal((9, "10.0.0.9", "10.0.64.9"), Assert.Single(peers.Learn(Of("10.0.64.9"), static _ => false)));
        Assert.Null(peers.Find(9));
    }

    [Fact]
    public void Lines_with_numbers_stand_beside_and_are_stronger()
    {
        var peers = Directory("[pgbouncer]\npeer_id=300\n" + Line + "1 = host=other\n2 = host=10.0.0.2\n");
        Assert.Equal(300, peers.OwnId);
        var doubles = peers.Learn(Of("10.0.0.1", "10.0.0.2", "10.0.0.3"), static _ => true);
        Assert.Equal((1, "other", "10.0.0.1"), Assert.Single(doubles));
        Assert.Equal(300, peers.OwnId);
        Assert.Equal(["1 other 6432 ", "2 10.0.0.2 6432 ", "3 10.0.0.3 6543 7"], All(peers));
    }

    [Fact]
    public void A_wrong_id_is_refused_as_before()
    {
        Assert.Contains("ids of peers must be a number", string.Join('\n', Loading.Lines(Loading.Load(
            "[pgbouncer]\n[databases]\n[peers]\nAuto = host=a\n"))), StringComparison.Ordinal);
        Assert.Null(Loading.Load("[pgbouncer]\npeer_id=own\n[databases]\n").Settings);
    }
}
