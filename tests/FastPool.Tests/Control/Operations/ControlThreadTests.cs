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
    public void Timers_that_are_due_at_nearly_the_same_time_go_off_together()
    {
        var clock = new HandClock();
        using var control = new ControlThread(clock, new MemoryLog());
        var gone = new List<string>();
        control.Every(1_000_000, () => gone.Add("a"));
        clock.Pass(1_500);
        control.Every(1_000_000, () => gone.Add("b"));
        control.Every(2_000_000, () => gone.Add("c"));
        clock.Pass(998_500);
        control.RunPending();
        Assert.Equal(["a", "b"], gone);
        clock.Pass(1_000_000);
        control.RunPending();
        Assert.Equal(["a", "b", "a", "b", "c"], gone);
    }

    [Fact]
    public void Work_that_was_posted_before_the_end_is_done()
    {
        var control = new ControlThread(new SystemClock(), new MemoryLog());
        var count = 0;
        for (var i = 0; i < 100; i++) control.Post(() => count++);
        control.Start();
        control.Dispose();
        Assert.Equal(100, count);
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
