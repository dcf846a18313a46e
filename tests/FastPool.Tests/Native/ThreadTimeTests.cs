using FastPool.Native;

namespace FastPool.Tests.Native;

public sealed class ThreadTimeTests
{
    [Theory]
    [InlineData("12345678 2000000 17\n", 12_345, 2_000)]
    [InlineData("1000 0 1\n", 1, 0)]
    public void Time_on_a_processor_and_waits_for_one_are_told(string line, long ranUs, long waitedUs)
    {
        Assert.True(ThreadTime.TryRead(System.Text.Encoding.ASCII.GetBytes(line), out var times));
        Assert.Equal((ranUs, waitedUs), times);
    }

    [Theory]
    [InlineData("0 0 0\n")] // The kernel keeps no such statistics.
    [InlineData("")]
    [InlineData("12345678")]
    [InlineData("12345678 ")]
    [InlineData("12345678 x")]
    [InlineData("-")]
    public void A_line_of_another_kind_tells_nothing(string line) =>
        Assert.False(ThreadTime.TryRead(System.Text.Encoding.ASCII.GetBytes(line), out _));

    [Fact]
    public void A_thread_that_works_has_a_processor_and_one_that_sleeps_neither_has_one_nor_waits()
    {
        var (before, _) = ThreadTime.Times;
        var cpu = ThreadTime.CpuUs;
        while (ThreadTime.CpuUs - cpu < 20_000) Thread.SpinWait(1_000);
        var then = ThreadTime.Times;
        Assert.InRange(then.RanUs - before, 10_000, long.MaxValue);
        Thread.Sleep(1_000);
        var now = ThreadTime.Times;
        Assert.InRange(now.RanUs + now.WaitedUs - then.RanUs - then.WaitedUs, 0, 900_000);
    }
}
