using FastPool.Core.Pools;
using FastPool.Core.Settings;

namespace FastPool.Tests.Core.Pools;

/// <summary>The order in which the hosts of a list are tried.</summary>
public class HostChoiceTests
{
    private static readonly string[] Hosts = ["a", "b", "c"];

    private readonly HostChoice _choice = new();

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
        _choice.Failed(Hosts, "a", How, untilUs: 100);
        _choice.Failed(Hosts, "a", How, untilUs: 100); // Two connections of one moment: the second changes nothing.
        Assert.Equal("bca", Order(How));
        Assert.Equal("bca", Order(How, nowUs: 100));
        _choice.Failed(Hosts, "b", How, untilUs: 200);
        Assert.Equal("cab", Order(How, nowUs: 150));
    }

    [Fact]
    public void A_host_that_failed_lately_is_tried_last()
    {
        _choice.Failed(Hosts, "b", LoadBalanceHosts.RoundRobin, untilUs: 100);
        Assert.Equal(["acb", "cab", "cab"], [Order(), Order(), Order()]);
        Assert.Equal(["abc", "bca"], [Order(nowUs: 100), Order(nowUs: 100)]);
    }

    [Fact]
    public void A_single_host_is_tried_however_often_it_fails()
    {
        string[] single = ["a"];
        _choice.Failed(single, "a", LoadBalanceHosts.Disable, untilUs: 100);
        Assert.Equal(single, _choice.Order(single, LoadBalanceHosts.Disable, nowUs: 0));
    }

    private string Order(LoadBalanceHosts how = LoadBalanceHosts.RoundRobin, long nowUs = 0) =>
        string.Concat(_choice.Order(Hosts, how, nowUs));
}
