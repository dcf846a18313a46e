namespace FastPool.Net;

/// <summary>
/// Bytes of results that are held for slow clients, over all loops (result_buffer_total). They are taken and given back many at
/// a time, and only for clients that are slow.
/// </summary>
internal sealed class ResultBudget
{
    private long _taken;

    internal long Taken => Interlocked.Read(ref _taken);

    /// <param name="most">All together. Bytes that were taken under a larger bound stay taken.</param>
    /// <returns>False: so many are not left, and none is taken.</returns>
    internal bool TryTake(int bytes, long most)
    {
        if (Interlocked.Add(ref _taken, bytes) <= most) return true;
        GiveBack(bytes);
        return false;
    }

    internal void Take(int bytes) => Interlocked.Add(ref _taken, bytes);

    internal void GiveBack(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
