using System.Collections.Concurrent;
using FastPool.Core.Settings;

namespace FastPool.Core.Pools;

/// <summary>
/// Which of several hosts a pool connects to next. Round-robin takes the next one each time; <c>disable</c> stays until a
/// connection fails. A host that failed lately is tried last, so that it does not hold up those that live. Any thread.
/// </summary>
public sealed class HostChoice
{
    private ConcurrentDictionary<string, long>? _downUntilUs;
    private int _next;

    /// <summary>All hosts of the list in the order to try them in.</summary>
    public IReadOnlyList<string> Order(IReadOnlyList<string> hosts, LoadBalanceHosts how, long nowUs)
    {
        if (hosts.Count <= 1) return hosts;
        // Pairs: Failed.
        var start = how == LoadBalanceHosts.RoundRobin ? Interlocked.Increment(ref _next) - 1 : Volatile.Read(ref _next);
        var order = new List<string>(hosts.Count);
        for (var i = 0; i < hosts.Count; i++) order.Add(hosts[(int)(((uint)start + (uint)i) % (uint)hosts.Count)]);
        return [.. order.Where(host => !IsDown(host, nowUs)), .. order.Where(host => IsDown(host, nowUs))];
    }

    /// <summary>A connection to the host failed: the others come first for a while, and <c>disable</c> moves on.</summary>
    public void Failed(IReadOnlyList<string> hosts, string host, LoadBalanceHosts how, long untilUs)
    {
        if (hosts.Count <= 1) return;
        // Pairs: IsDown.
        if (Volatile.Read(ref _downUntilUs) is null)
            Interlocked.CompareExchange(ref _downUntilUs, new(concurrencyLevel: 1, capacity: 3), null);
        _downUntilUs![host] = untilUs;
        if (how == LoadBalanceHosts.RoundRobin) return;
        var current = Volatile.Read(ref _next);
        // Pairs: Order. Of several failures of one host the first moves on.
        if (hosts[(int)((uint)current % (uint)hosts.Count)] == host) Interlocked.CompareExchange(ref _next, current + 1, current);
    }

    private bool IsDown(string host, long nowUs) =>
        // Pairs: Failed.
        Volatile.Read(ref _downUntilUs) is { } down && down.TryGetValue(host, out var untilUs) && nowUs < untilUs;
}
