using System.Collections.Concurrent;

namespace FastPool.Core.Pools;

/// <summary>
/// Which client holds which cancel key. A login adds, a disconnect removes, a cancel request looks up; none of them is
/// on the way of a transaction.
/// </summary>
public sealed class CancelKeys
{
    private readonly ConcurrentDictionary<ulong, PoolClient> _clients = new(concurrencyLevel: 1, capacity: 31);

    /// <returns>False when the key is taken: draw another.</returns>
    public bool TryAdd(ulong key, PoolClient client) => _clients.TryAdd(key, client);

    public void Remove(ulong key) => _clients.TryRemove(key, out _);

    public PoolClient? Find(ulong key) => _clients.GetValueOrDefault(key);
}
