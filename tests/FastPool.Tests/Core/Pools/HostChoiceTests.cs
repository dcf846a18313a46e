using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Tests.Core.Pools;

/// <summary>The order in which the hosts of a list are tried.</summary>
public class HostChoiceTests
{
    private static readonly string[] Hosts = ["a", "b", "c"];

    private readonly HostChoice _choice = new();
    private string _slow = "";
    private string _down = "";

    [Fact]
    public void Round_robin_begins_with_the_next_host_each_time()
    {
        Assert.Equal(["abc", "bca", "cab", "abc"], [Order(), Order(), Order(), Order()]);
    }

    [Fact]
    public void Disable_stays_until_the_host_fails()
    {
        const LoadBalanceHosts How = LoadBalanceHosts.Disable;
        Assert.Equal(["abc", "abc"], [Order(How), Order(How)]);
        Assert.Equal("a", _choice.Preferred(Hosts, How));
        _choice.Failed(Hosts, "a", How);
        Assert.Equal("b", _choice.Preferred(Hosts, How));
        _choice.Failed(Hosts, "a", How); // Two connections of one moment: the second changes nothing.
        Assert.Equal("bca", Order(How));
        _down = "a";
        _choice.Failed(Hosts, "b", How);
        Assert.Equal("cba", Order(How));
    }

    [Fact]
    public void A_host_that_is_silent_or_down_is_tried_last()
    {
        (_slow, _down) = ("a", "b");
        Assert.Equal(["cab", "cab", "cab"], [Order(), Order(), Order()]);
        (_slow, _down) = ("", "");
        Assert.Equal(["abc", "bca"], [Order(), Order()]);
    }

    [Fact]
    public void A_single_host_is_tried_however_often_it_fails()
    {
        string[] single = ["a"];
        _choice.Failed(single, "a", LoadBalanceHosts.Disable);
        Assert.Null(_choice.Preferred(single, LoadBalanceHosts.Disable));
        Assert.Null(_choice.Preferred(Hosts, LoadBalanceHosts.RoundRobin));
        Assert.Equal(single, _choice.Order(single, LoadBalanceHosts.Disable, static _ => HostRank.Down));
    }

    private string Order(LoadBalanceHosts how = LoadBalanceHosts.RoundRobin) =>
        string.Concat(_choice.Order(Hosts, how,
            host => host == _down ? HostRank.Down : host == _slow ? HostRank.Slow : HostRank.Ready));
}
