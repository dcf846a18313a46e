using FastPool.Core.Settings;

namespace FastPool.Core.Pools;

/// <summary>
/// Which of several hosts a pool connects to next. Round-robin takes the next one each time; <c>disable</c> stays until a
/// connection fails. A host that is silent or down is tried last, so that it does not hold up those that live. Any thread.
/// </summary>
public sealed class HostChoice
{
    private int _next;

    /// <summary>All hosts of the list in the order to try them in.</summary>
    public IReadOnlyList<string> Order(IReadOnlyList<string> hosts, LoadBalanceHosts how, Func<string, HostRank> rank)
    {
        if (hosts.Count <= 1) return hosts;
        // Pairs: Failed.
        var start = how == LoadBalanceHosts.RoundRobin ? Interlocked.Increment(ref _next) - 1 : Volatile.Read(ref _next);
        var order = new List<string>(hosts.Count);
        for (var i = 0; i < hosts.Count; i++) order.Add(hosts[(int)(((uint)start + (uint)i) % (uint)hosts.Count)]);
        return [.. order.OrderBy(rank)];
    }

    /// <summary>The host that <c>disable</c> stays at; null: none is preferred.</summary>
    public string? Preferred(IReadOnlyList<string> hosts, LoadBalanceHosts how) =>
        hosts.Count <= 1 || how == LoadBalanceHosts.RoundRobin ? null
        : hosts[(int)((uint)Volatile.Read(ref _next) % (uint)hosts.Count)]; // Pairs: Failed.

    /// <summary>No connection to the host can be had: <c>disable</c> moves on.</summary>
    public void Failed(IReadOnlyList<string> hosts, string host, LoadBalanceHosts how)
    {
        if (hosts.Count <= 1 || how == LoadBalanceHosts.RoundRobin) return;
        var current = Volatile.Read(ref _next);
        // Pairs: Order. Of several failures of one host the first moves on.
        if (hosts[(int)((uint)current % (uint)hosts.Count)] == host) Interlocked.CompareExchange(ref _next, current + 1, current);
    }
}
