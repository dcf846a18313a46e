using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>
/// The duty of process 1 to the others: the children of processes that have ended become its own, and stay in the process
/// table until it takes note of their ends. A helper of PAM has a thread that waits for it, so only a child that is found dead
/// twice in a row is an orphan.
/// </summary>
internal sealed class OrphanKeeper
{
    internal const long PeriodUs = 1_000_000;

    private const int FirstProcess = 1;

    private int _found;

    internal static bool IsNeeded => Identity.Pid == FirstProcess;

    internal void Look()
    {
        var ended = Child.FindEnded();
        if (ended > 0 && ended == _found)
        {
            _ = Child.Wait(ended);
            ended = Child.FindEnded();
        }

        _found = ended;
    }
}
