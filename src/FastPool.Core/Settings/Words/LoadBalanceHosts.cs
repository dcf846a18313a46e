namespace FastPool.Core.Settings;

/// <summary>How a list of hosts is used: the next host for every connection, or the same one until it fails.</summary>
public enum LoadBalanceHosts
{
    RoundRobin,
    Disable,
}

/// <summary>The words of load_balance_hosts.</summary>
public static class LoadBalanceHostsWords
{
    public static WordTable<LoadBalanceHosts> Words { get; } = new(
        ("disable", LoadBalanceHosts.Disable),
        ("round-robin", LoadBalanceHosts.RoundRobin));
}
