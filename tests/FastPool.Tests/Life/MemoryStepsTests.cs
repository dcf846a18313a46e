using FastPool.Life;

namespace FastPool.Tests.Life;

/// <summary>When memory is given back: a second is a period.</summary>
public sealed class MemoryStepsTests
{
    private const long Start = 5_000_000;

    private readonly MemorySteps _steps = new(Start);
    private long _bytes = Start;
    private long _spareBytes;
    private long _nativeBytes;
    private int _seconds;
    private TimeSpan _pause = TimeSpan.FromMilliseconds(2);

    private TimeSpan Now => TimeSpan.FromSeconds(_seconds);

    private MemoryStep Next(long allocated = 0)
    {
        _bytes += allocated;
        _seconds++;
        return _steps.Next(_bytes, _spareBytes, _nativeBytes, Now);
    }

    /// <summary>Periods without a byte; what they ask for is done.</summary>
    private MemoryStep[] Rest(int periods) => [.. Enumerable.Range(0, periods).Select(_ => Done(Next()))];

    private MemoryStep Done(MemoryStep step)
    {
        if (step != MemoryStep.GiveBackAll) return step;
        if (_steps.IsWorthACollection(_bytes)) _steps.Collected(_bytes, Now, _pause);
        _steps.Rested(Now);
        return step;
    }

    private void Storm()
    {
        Assert.Equal(MemoryStep.Collect, Next(MemorySteps.GarbageTolerated));
        _steps.Collected(_bytes, Now, _pause);
    }

    /// <summary>Asked once and, when the loops have had their time, all is given back: then nothing more happens.</summary>
    private void GivesBackOnce()
    {
        var steps = Rest(100);
        var asked = Array.IndexOf(steps, MemoryStep.AskForSpare);
        Assert.InRange(asked, 0, MemorySteps.PeriodsToRest);
        Assert.Equal(MemoryStep.GiveBackAll, steps[asked + MemorySteps.PeriodsToGiveBack]);
        Assert.Single(steps, MemoryStep.AskForSpare);
        Assert.Single(steps, MemoryStep.GiveBackAll);
    }

    [Fact]
    public void A_pooler_without_garbage_is_left_alone() =>
        Assert.All(Rest(100), step => Assert.Equal(MemoryStep.None, step));

    [Fact]
    public void A_storm_is_collected_and_when_it_is_over_all_is_given_back()
    {
        Storm();
        Storm();
        Assert.Equal(MemoryStep.None, Next(MemorySteps.BytesAtRest * 2));
        GivesBackOnce();
    }

    [Fact]
    public void Nothing_is_given_back_while_logins_come()
    {
        Storm();
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(MemoryStep.None, Next(MemorySteps.BytesAtRest + 1));
            Assert.Equal(MemoryStep.None, Next());
        }
        GivesBackOnce();
    }

    [Fact]
    public void Logins_between_question_and_answer_begin_it_anew()
    {
        Storm();
        while (Next() != MemoryStep.AskForSpare)
        {
        }
        Assert.Equal(MemoryStep.None, Next(MemorySteps.BytesAtRest * 2));
        GivesBackOnce();
    }

    [Fact]
    public void Spare_memory_that_comes_because_it_was_asked_for_does_not_begin_it_anew()
    {
        Storm();
        while (Next() != MemoryStep.AskForSpare)
        {
        }
        _spareBytes += MemorySteps.BytesAtRest * 2;
        var steps = new[] { Done(Next(MemorySteps.BytesAtRest * 2)) }.Concat(Rest(100)).ToArray();
        Assert.Equal(MemoryStep.GiveBackAll, steps[MemorySteps.PeriodsToGiveBack - 1]);
        Assert.DoesNotContain(MemoryStep.AskForSpare, steps);
    }

    [Theory]
    [InlineData(4, 20)]
    [InlineData(12, 60)]
    [InlineData(50, 60)]
    public void A_little_garbage_is_given_back_once_a_minute_or_sooner_after_a_short_pause(int pauseMs, int seconds)
    {
        _pause = TimeSpan.FromMilliseconds(pauseMs);
        Assert.Equal(MemoryStep.None, Next(MemorySteps.GarbageAtRest - 1));
        Assert.All(Rest(100), step => Assert.Equal(MemoryStep.None, step));
        Assert.Equal(MemoryStep.AskForSpare, Next(1));
        Assert.Contains(MemoryStep.GiveBackAll, Rest(10));
        Assert.False(_steps.IsWorthACollection(_bytes));
        Assert.Equal(MemoryStep.None, Next(MemorySteps.GarbageAtRest));
        Assert.All(Rest(seconds - 15), step => Assert.Equal(MemoryStep.None, step));
        Assert.Contains(MemoryStep.GiveBackAll, Rest(20));
    }

    [Fact]
    public void The_heap_of_the_C_library_has_a_storm_of_its_own()
    {
        _nativeBytes = MemorySteps.NativeTolerated - 1;
        Assert.All(Rest(100), step => Assert.Equal(MemoryStep.None, step));
        _nativeBytes++;
        Assert.False(_steps.IsWorthACollection(_bytes));
        GivesBackOnce();
    }

    [Fact]
    public void After_a_long_pause_there_is_none_for_long()
    {
        Assert.Equal(MemoryStep.Collect, Next(MemorySteps.GarbageTolerated));
        _steps.Collected(_bytes, Now, TimeSpan.FromMilliseconds(16)); // Times 500 is eight seconds.
        for (var i = 0; i < 7; i++) Assert.Equal(MemoryStep.None, Next(MemorySteps.GarbageTolerated));
        Assert.Equal(MemoryStep.Collect, Next());
        _steps.Collected(_bytes, Now, TimeSpan.FromSeconds(1)); // Ten seconds is the most.
        for (var i = 0; i < 9; i++) Assert.Equal(MemoryStep.None, Next(MemorySteps.GarbageTolerated));
        Assert.Equal(MemoryStep.Collect, Next());
    }
}
