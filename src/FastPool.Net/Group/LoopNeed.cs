namespace FastPool.Net;

/// <summary>
/// How many loops the load needs. Few clients on many loops are dear: each turn has fewer events to share its system calls, each
/// event wakes another thread, and servers move between them. So more loops come into use where those in use are full, and they
/// rest again where fewer would do. Between the two is a gap, so that nothing goes back and forth.
/// <para>
/// Full is a loop by the time for which it had a processor (<see cref="ClientBalance.LoadOf"/>). It may have waited for one
/// longer than that, on a machine that is full: more loops do not help it.
/// </para>
/// <para>
/// Clients that can be handed over later count by the load alone. Those that cannot are spread as they come
/// (<see cref="ClientAcceptor"/>), because a mistake could not be mended: a loop has room for some, whatever they will do.
/// </para>
/// </summary>
internal sealed class LoopNeed(SharedParts shared)
{
    /// <summary>Thousandths of the time, for a loop: with more than that, it is full.</summary>
    internal const int FullLoad = 600;

    /// <summary>So much is to be given to each loop, when their number changes.</summary>
    internal const int UsualLoad = 400;

    private const int UsualBound = BoundClients.Most / 2;

    /// <summary>Fewer loops have done for so many seconds, before the others rest.</summary>
    internal const int PatienceSeconds = 5;

    private int _used;
    private int _quietSeconds;
    private int _most;

    /// <summary>Once a second, on the first loop: that is always in use.</summary>
    internal void Tick()
    {
        var used = shared.LoopsInUse.Count;
        var (load, bound) = (shared.Loads.Total, shared.Bound.Total);
        var least = shared.LoopsInUse.Least;
        if (used != _used) (_used, _quietSeconds, _most) = (used, 0, 0);
        if (load > FullLoad * used || bound > BoundClients.Most * used)
        {
            var wanted = Math.Max(Parts(load, UsualLoad), Parts(bound, BoundClients.Most));
            shared.LoopsInUse.TryChange(used, Math.Max(used + 1, wanted));
            return;
        }
        var needed = Math.Max(least, Math.Max(Parts(load, UsualLoad), Parts(bound, UsualBound)));
        if (used < least)
        {
            shared.LoopsInUse.TryChange(used, least); // A reload has raised it.
            return;
        }
        if (needed >= used)
        {
            (_quietSeconds, _most) = (0, 0);
            return;
        }
        _most = Math.Max(_most, needed);
        if (++_quietSeconds >= PatienceSeconds) shared.LoopsInUse.TryChange(used, _most);
    }

    private static int Parts(int whole, int part) => (whole + part - 1) / part;
}
