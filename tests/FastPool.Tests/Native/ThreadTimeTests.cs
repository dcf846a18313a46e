using FastPool.Native;

namespace FastPool.Tests.Native;

public sealed class ThreadTimeTests
{
    [Fact]
    public void A_thread_that_works_uses_a_processor_and_one_that_sleeps_does_not()
    {
        var before = ThreadTime.CpuUs;
        Assert.True(SpinWait.SpinUntil(() => ThreadTime.CpuUs - before > 20_000, TimeSpan.FromSeconds(60)));
        before = ThreadTime.CpuUs;
        Thread.Sleep(100);
        Assert.InRange(ThreadTime.CpuUs - before, 0, 50_000);
    }
}
