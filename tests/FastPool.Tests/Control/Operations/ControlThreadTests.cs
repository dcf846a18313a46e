using FastPool.Base;
using FastPool.Control;
using FastPool.Control.Operations;

namespace FastPool.Tests.Control.Operations;

public sealed class ControlThreadTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Work_runs_in_order_on_one_thread_and_survives_a_failure()
    {
        var log = new MemoryLog();
        using var control = new ControlThread(new SystemClock(), log);
        using var done = new ManualResetEventSlim();
        var names = new List<string?>();
        control.Start();
        control.Post(() => names.Add(Thread.CurrentThread.Name));
        control.Post(static () => throw new InvalidOperationException("broken"));
        control.Post(() => names.Add(Thread.CurrentThread.Name));
        control.Post(done.Set);
        Assert.True(done.Wait(Patience));
        Assert.Equal(["control", "control"], names);
        Assert.Equal(["ERROR control plane: broken"], log.Lines);
    }

    [Fact]
    public void A_timer_goes_off_until_it_is_stopped()
    {
        using var control = new ControlThread(new SystemClock(), new MemoryLog());
        using var done = new CountdownEvent(3);
        ControlTimer? timer = null;
        timer = control.Every(1000, () =>
        {
            if (done.Signal()) timer!.Stop();
        });
        control.Start();
        Assert.True(done.Wait(Patience));
    }

    [Fact]
    public void A_missed_timer_goes_off_once()
    {
        var clock = new HandClock();
        using var control = new ControlThread(clock, new MemoryLog());
        var count = 0;
        control.Every(1000, () => count++);
        clock.Pass(999);
        control.RunPending();
        Assert.Equal(0, count);
        clock.Pass(100_000);
        control.RunPending();
        control.RunPending();
        Assert.Equal(1, count);
    }

    [Fact]
    public void Work_after_the_end_is_dropped()
    {
        var control = new ControlThread(new SystemClock(), new MemoryLog());
        control.Start();
        control.Dispose();
        control.Post(static () => Assert.Fail("ran"));
    }
}
