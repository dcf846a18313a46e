namespace FastPool.Base;

/// <summary>
/// Descriptors that clients and servers leave alone, so that console, metrics, logs and files have some when everything else is
/// taken. The kernel gives out the lowest free number, so a number tells how many are taken. Set by the control thread, read by
/// the loops; a stale value does no harm.
/// </summary>
public sealed class DescriptorReserve
{
    /// <summary>Of the limit, one part in so many is kept, up to <see cref="KeptMax"/>.</summary>
    private const ulong Part = 8;

    private const ulong KeptMax = 64;

    /// <summary>With fewer descriptors nothing is kept: there would be none left to serve with.</summary>
    private const ulong LeastLimit = 48;

    private volatile int _keptFrom = int.MaxValue;
    private volatile int _lastFrom = int.MaxValue;
    private volatile bool _isInUse;

    /// <summary>At some time a new connection got one of the descriptors that are kept.</summary>
    public bool IsInUse => _isInUse;

    /// <param name="limit">The process's limit of open descriptors.</param>
    public void SetLimit(ulong limit)
    {
        limit = Math.Min(limit, int.MaxValue);
        var kept = limit < LeastLimit ? 0 : Math.Min(limit / Part, KeptMax);
        (_keptFrom, _lastFrom) = ((int)(limit - kept), (int)(limit - (kept / 2)));
    }

    /// <summary>Only the console may have it.</summary>
    public bool IsKept(int descriptor) => descriptor >= _keptFrom;

    /// <summary>No new connection may have it.</summary>
    public bool IsOfTheLast(int descriptor) => descriptor >= _lastFrom;

    /// <summary>A new connection, which may turn out to want the console, got a kept one.</summary>
    public void NoteUse() => _isInUse = true;

    public override string ToString() => $"{_keptFrom} are in use, the rest is kept for the console, metrics and logs";
}
