using FastPool.Base;
using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>
/// Gives back what logins, reloads and large messages leave behind, when <see cref="MemorySteps"/> says so. Transactions allocate
/// nothing, so without this the garbage of ten thousand logins would stay resident until ten thousand more (measured: 7,500 bytes
/// an idle client in place of 540).
/// </summary>
/// <param name="ofStart">See <see cref="Memory.OfStart"/>.</param>
internal sealed class MemoryKeeper(IReadOnlyList<(nuint Start, nuint Bytes)> ofStart)
{
    internal const long PeriodUs = 1_000_000;

    private readonly MemorySteps _steps = new(Bytes());

    private static long Bytes() => GC.GetTotalAllocatedBytes() + GivenUp.Bytes;

    internal void Look()
    {
        var now = TimeSpan.FromMilliseconds(Environment.TickCount64);
        var step = _steps.Next(Bytes(), GivenUp.SpareBytes, GivenUp.NativeBytes, now);
        switch (step)
        {
            case MemoryStep.None: return;
            case MemoryStep.AskForSpare:
                MemoryRest.Begin();
                return;
        }
        if (step == MemoryStep.Collect || _steps.IsWorthACollection(Bytes()))
        {
            var pausedBefore = GC.GetTotalPauseDuration();
            Memory.GiveBack();
            _steps.Collected(Bytes(), now, GC.GetTotalPauseDuration() - pausedBefore);
        }
        if (step == MemoryStep.Collect) return;
        NativeHeap.GiveBack();
        Memory.GiveBackProgram(ofStart); // Last: a collection reads how all code is unwound.
        _steps.Rested(now);
    }
}
