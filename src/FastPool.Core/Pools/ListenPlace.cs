namespace FastPool.Core.Pools;

/// <summary>
/// The one place in a pool for its listening connection, which takes notifications for all clients that listen. Any thread.
/// </summary>
public sealed class ListenPlace
{
    private object? _holder;
    private int _cuts;

    /// <summary>The one that has it; null: nobody.</summary>
    public object? Holder => Volatile.Read(ref _holder); // Pairs: TryTake, TryGiveBack.

    /// <summary>
    /// Clients of which notifications are about to come from another connection than before, or for which channels are being
    /// added. While there are any, the listening connection may not stand still.
    /// </summary>
    public int CutsUnderWay => Volatile.Read(ref _cuts); // Pairs: BeginCut, EndCut.

    public void BeginCut() => Interlocked.Increment(ref _cuts);

    public void EndCut() => Interlocked.Decrement(ref _cuts);

    /// <returns>False: another has it.</returns>
    internal bool TryTake(object holder) => Interlocked.CompareExchange(ref _holder, holder, null) is null; // Pairs: Holder.

    /// <returns>False: it has not been this one's.</returns>
    internal bool TryGiveBack(object holder) =>
        Interlocked.CompareExchange(ref _holder, null, holder) == holder; // Pairs: Holder.
}
