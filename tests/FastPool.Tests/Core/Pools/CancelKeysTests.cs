using FastPool.Core.Pools;

namespace FastPool.Tests.Core.Pools;

public sealed class CancelKeysTests
{
    private sealed class Client() : PoolClient(0, 0);

    private readonly CancelKeys _keys = new();

    [Fact]
    public void A_key_is_one_clients()
    {
        var (first, second) = (new Client(), new Client());
        Assert.True(_keys.TryGive(7, first));
        Assert.False(_keys.TryGive(7, second));
        Assert.Equal(0ul, second.CancelKey);
        _keys.Remove(second); // It has none.
        Assert.Same(first, _keys.Find(7));
        _keys.Remove(first);
        Assert.Null(_keys.Find(7));
        Assert.True(_keys.TryGive(7, second));
    }

    /// <summary>Keys of a pooler with peers differ in some of their bits alone.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(40)]
    public void Each_is_found_while_others_come_and_go(int shift)
    {
        var random = new Random(1);
        var present = new Dictionary<ulong, Client>();
        for (var i = 0; i < 20_000; i++)
        {
            var key = (ulong)random.Next(3_000) << shift;
            if (present.Remove(key, out var leaver))
            {
                _keys.Remove(leaver);
                Assert.Null(_keys.Find(key));
            }
            else
            {
                present[key] = new Client();
                Assert.True(_keys.TryGive(key, present[key]));
            }
        }
        Assert.All(present, pair => Assert.Same(pair.Value, _keys.Find(pair.Key)));
    }

    [Fact]
    public void The_table_grows_with_a_crowd_and_shrinks_when_it_leaves()
    {
        var random = new Random(2);
        var crowd = Enumerable.Range(0, 10_000).Select(_ => new Client()).ToArray();
        foreach (var client in crowd) Assert.True(_keys.TryGive((ulong)random.NextInt64(), client));
        Assert.Equal(16_384, _keys.TableSize);
        foreach (var client in crowd[10..]) _keys.Remove(client);
        Assert.Equal(CancelKeys.SmallestTable, _keys.TableSize);
        Assert.All(crowd[..10], client => Assert.Same(client, _keys.Find(client.CancelKey)));
    }
}
