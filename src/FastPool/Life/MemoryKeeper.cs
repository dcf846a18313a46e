using FastPool.Base;

namespace FastPool.Life;

/// <summary>
/// Gives back what logins, reloads and large messages leave behind. Transactions allocate nothing, so without this the garbage of
/// ten thousand logins would stay resident until ten thousand more (measured: 7,500 bytes an idle client in place of 540). A
/// collection stops the loops for a millisecond or a few, so one that took long is not repeated soon.
/// </summary>
internal sealed class MemoryKeeper
{
    internal const long PeriodUs = 1_000_000;

    private const long GarbageTolerated = 2 * 1024 * 1024;
    private static readonly TimeSpan RestMax = TimeSpan.FromSeconds(10);

    private const int PauseShare = 500; // At most a 500th of the time is spent here.

    private long _allocatedBefore = GC.GetTotalAllocatedBytes();
    private long _givenUpBefore;
    private TimeSpan _restUntil;

    internal void Look()
    {
        var (allocated, givenUp) = (GC.GetTotalAllocatedBytes(), GivenUp.Bytes);
        var now = TimeSpan.FromMilliseconds(Environment.TickCount64);
        if (allocated - _allocatedBefore + givenUp - _givenUpBefore < GarbageTolerated || now < _restUntil) return;
        var pausedBefore = GC.GetTotalPauseDuration();
        Memory.GiveBack();
        var rest = (GC.GetTotalPauseDuration() - pausedBefore) * PauseShare;
        _restUntil = now + (rest < RestMax ? rest : RestMax);
        (_allocatedBefore, _givenUpBefore) = (GC.GetTotalAllocatedBytes(), givenUp);
    }
}
