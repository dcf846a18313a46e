namespace FastPool.Core.Pools;

/// <summary>
/// Which client holds which cancel key. A login adds, a disconnect removes, a cancel request looks up; none of them is
/// on the way of a transaction. The clients themselves are the chains of the table, and it shrinks when they leave. Any thread.
/// </summary>
public sealed class CancelKeys
{
    internal const int SmallestTable = 32;

    private const int EmptyShare = 4; // A table that is used by less than a fourth is halved.
    private const ulong Spread = 0x9E37_79B9_7F4A_7C15; // Keys with a peer's number are alike in some bits.

    private readonly Lock _lock = new();
    private PoolClient?[] _chains = new PoolClient?[SmallestTable];
    private int _count;

    /// <summary>How many chains there are.</summary>
    internal int TableSize => _chains.Length;

    /// <summary>The client's key becomes that one.</summary>
    /// <returns>False when the key is taken: draw another.</returns>
    public bool TryGive(ulong key, PoolClient client)
    {
        lock (_lock)
        {
            if (FindIn(_chains, key) is not null) return false;
            if (_count == _chains.Length) Resize(_chains.Length * 2);
            client.CancelKey = key;
            Put(client, _chains);
            _count++;
            return true;
        }
    }

    /// <summary>Nobody finds it any more; one that has no key here stays away.</summary>
    public void Remove(PoolClient client)
    {
        lock (_lock)
        {
            ref var place = ref ChainOf(client.CancelKey, _chains);
            while (place is not null && place != client) place = ref place.NextOfKeys;
            if (place is null) return;
            place = client.NextOfKeys;
            client.NextOfKeys = null;
            _count--;
            if (_chains.Length > SmallestTable && _count < _chains.Length / EmptyShare) Resize(_chains.Length / 2);
        }
    }

    public PoolClient? Find(ulong key)
    {
        lock (_lock)
        {
            return FindIn(_chains, key);
        }
    }

    private static PoolClient? FindIn(PoolClient?[] chains, ulong key)
    {
        var client = ChainOf(key, chains);
        while (client is not null && client.CancelKey != key) client = client.NextOfKeys;
        return client;
    }

    /// <summary>
    /// The number of chains is a power of two. All bits of the key have a part in the upper ones of the product.
    /// </summary>
    private static ref PoolClient? ChainOf(ulong key, PoolClient?[] chains) =>
        ref chains[(int)((key * Spread) >> 32) & (chains.Length - 1)];

    private static void Put(PoolClient client, PoolClient?[] chains)
    {
        ref var chain = ref ChainOf(client.CancelKey, chains);
        client.NextOfKeys = chain;
        chain = client;
    }

    private void Resize(int size)
    {
        var chains = new PoolClient?[size];
        foreach (var first in _chains)
        {
            for (var client = first; client is not null;)
            {
                var next = client.NextOfKeys;
                Put(client, chains);
                client = next;
            }
        }
        _chains = chains;
    }
}
