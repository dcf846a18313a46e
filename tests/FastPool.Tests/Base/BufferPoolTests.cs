using FastPool.Base;

namespace FastPool.Tests.Base;

public sealed class BufferPoolTests
{
    [Theory]
    [InlineData(1, 256)]
    [InlineData(256, 256)]
    [InlineData(257, 512)]
    [InlineData(65_536, 65_536)]
    [InlineData(65_537, 131_072)]
    [InlineData(1_048_576, 1_048_576)]
    [InlineData(1_048_577, 1_114_112)]
    public void A_small_buffer_is_the_next_power_of_two_and_a_large_one_little_more_than_asked(int asked, int given) =>
        Assert.Equal(given, new BufferPool().Rent(asked).Length);

    [Fact]
    public void A_returned_buffer_is_given_out_again()
    {
        var pool = new BufferPool();
        var buffer = pool.Rent(1000);
        pool.Return(buffer);
        Assert.Same(buffer, pool.Rent(600));
        Assert.NotSame(buffer, pool.Rent(600));
    }

    [Fact]
    public void Buffers_of_a_foreign_size_are_not_kept()
    {
        var pool = new BufferPool();
        var odd = new byte[300];
        pool.Return(odd);
        Assert.NotSame(odd, pool.Rent(300));
        var large = pool.Rent(2_000_000);
        pool.Return(large);
        Assert.NotSame(large, pool.Rent(2_000_000));
    }

    [Theory]
    [InlineData(256, 32)]
    [InlineData(8192, 1)]
    [InlineData(16_384, 0)]
    [InlineData(1_048_576, 0)]
    public void At_rest_only_a_few_small_ones_stay(int size, int kept)
    {
        var pool = new BufferPool();
        var crowd = Enumerable.Range(0, 1000).Select(_ => pool.Rent(size)).ToHashSet();
        foreach (var buffer in crowd) pool.Return(buffer);
        pool.GiveBack();
        pool.GiveBack();
        Assert.Equal(kept, Enumerable.Range(0, 1000).Count(_ => crowd.Contains(pool.Rent(size))));
        foreach (var buffer in crowd) pool.Return(buffer);
        Assert.Contains(pool.Rent(size), crowd); // It keeps as before.
    }

    [Fact]
    public void A_crowd_that_leaves_at_once_does_not_leave_its_memory_here()
    {
        const int size = 65_536;
        var pool = new BufferPool();
        var crowd = Enumerable.Range(0, 1000).Select(_ => pool.Rent(size)).ToHashSet();
        foreach (var buffer in crowd) pool.Return(buffer);
        Assert.Equal(8, Enumerable.Range(0, 1000).Count(_ => crowd.Contains(pool.Rent(size))));
    }
}
