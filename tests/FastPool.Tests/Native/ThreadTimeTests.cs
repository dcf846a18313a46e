using FastPool.Native;

namespace FastPool.Tests.Native;

public sealed class ThreadTimeTests
{
    [Theory]
    [InlineData("12345678 2000000 17\n", 14_345)]
    [InlineData("1000 0 1\n", 1)]
    public void Time_on_a_processor_and_waits_for_one_are_added(string line, long us)
    {
        Assert.True(ThreadTime.TryRead(System.Text.Encoding.ASCII.GetBytes(line), out var read));
        Assert.Equal(us, read);
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
    public void A_thread_that_works_wants_a_processor()
    {
        var before = ThreadTime.WantedUs;
        var cpu = ThreadTime.CpuUs;
        while (ThreadTime.CpuUs - cpu < 20_000) Thread.SpinWait(1_000);
        Assert.InRange(ThreadTime.WantedUs - before, 10_000, long.MaxValue);
    }
}
