using FastPool.Base;

namespace FastPool.Tests.Base;

public sealed class DescriptorReserveTests
{
    [Theory]
    [InlineData(40, 40, 40)]
    [InlineData(60, 53, 57)]
    [InlineData(1024, 960, 992)]
    [InlineData(ulong.MaxValue, int.MaxValue - 64, int.MaxValue - 32)]
    public void Of_the_limit_an_eighth_is_kept_and_64_at_most(ulong limit, int kept, int last)
    {
        var reserve = new DescriptorReserve();
        Assert.False(reserve.IsKept(int.MaxValue - 1));
        reserve.SetLimit(limit);
        Assert.False(reserve.IsKept(kept - 1));
        Assert.True(reserve.IsKept(kept));
        Assert.False(reserve.IsOfTheLast(last - 1));
        Assert.True(reserve.IsOfTheLast(last));
    }
}
