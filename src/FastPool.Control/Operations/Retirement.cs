using FastPool.Core.Pools;
using Microsoft.Extensions.Logging;

namespace FastPool.Control.Operations;

/// <summary>
/// The end of a process whose connections another has taken over. Connections that it cannot take, since TLS has its keys here
/// and nowhere else, go on here to their next idle moment, are told then, and closed. Control thread.
/// </summary>
internal sealed class Retirement(PoolRegistry registry, LoopWalk walk, IProcessControl process, ControlThread control,
    ILogger log)
{
    private const long LookUs = 20_000;

    /// <summary>Lets go of what the other process has.</summary>
    /// <returns>False when nothing is left here: the process may end.</returns>
    public bool TryBegin()
    {
        var count = 0;
        walk.Each(view => count += view.CountLeftBehind());
        if (count == 0) return false;
        registry.IsShuttingDown = true;
        registry.State.IsRetiring = true;
        walk.Each(static view => view.Retire());
        var left = EndIdle();
        log.Line($"{count} client connections cannot be handed over, {left} of them in a transaction");
        if (left == 0) return false;
        process.Retire();
        ControlTimer? timer = null;
        timer = control.Every(LookUs, () =>
        {
            if (EndIdle() > 0) return;
            timer!.Stop();
            log.Line("the last of them is closed, exiting");
            process.Shutdown(ShutdownMode.Immediate);
        });
        return true;
    }

    private int EndIdle()
    {
        var left = 0;
        walk.Each(view => left += view.EndIdle());
        return left;
    }
}
