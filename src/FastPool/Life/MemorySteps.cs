namespace FastPool.Life;

/// <summary>The work of <see cref="MemoryKeeper"/> that is due.</summary>
internal enum MemoryStep
{
    None,

    /// <summary>There is enough garbage.</summary>
    Collect,

    /// <summary>It is over: spare memory is asked for, see <see cref="FastPool.Base.MemoryRest"/>.</summary>
    AskForSpare,

    /// <summary>It is there: everything that is not needed goes.</summary>
    GiveBackAll,
}

/// <summary>
/// The moments at which memory is given back. While much is going on it is only collected, as soon as there is enough garbage. A
/// collection stops the loops for a millisecond or a few, so one that took long is not repeated soon. Once nothing more has come
/// for some periods, all that is not needed any more goes back, once.
/// </summary>
internal sealed class MemorySteps(long bytes)
{
    internal const long GarbageTolerated = 2 * 1024 * 1024;

    /// <summary>Not worth more than a 5,000th of the time, but once a minute.</summary>
    internal const long GarbageAtRest = 512 * 1024;

    /// <summary>With more than that in a period the pooler is not at rest.</summary>
    internal const long BytesAtRest = 256 * 1024;

    /// <summary>The C library's, which keeps what is free in the midst of its heap.</summary>
    internal const long NativeTolerated = 8 * 1024 * 1024;

    internal const int PeriodsToRest = 3;

    /// <summary>Each loop has had a tick by then.</summary>
    internal const int PeriodsToGiveBack = 2;

    private const int PauseShare = 500; // At most a 500th of the time is spent here.
    private const int PauseShareAtRest = 5_000;

    private static readonly TimeSpan PauseBetweenMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenSmall = TimeSpan.FromMinutes(1);

    private long _nativeBefore;
    private long _nativeSeen;
    private long _bytesBefore = bytes;
    private long _bytesSeen = bytes;
    private long _spareSeen;
    private bool _hasStormed;
    private int _restingPeriods;
    private int _askedInPeriod; // 0: nobody has been asked.
    private TimeSpan _notBefore;
    private TimeSpan _noSmallBefore;
    private TimeSpan _lastPause;

    /// <summary>Called once a period.</summary>
    /// <param name="bytes">
    /// That were allocated, or have become garbage after a long time, since the process began.
    /// </param>
    /// <param name="spareBytes">Those of them that were given back because they had been asked for.</param>
    /// <param name="nativeBytes">That the C library has had back since then.</param>
    internal MemoryStep Next(long bytes, long spareBytes, long nativeBytes, TimeSpan now)
    {
        _nativeSeen = nativeBytes;
        var byOthers = bytes - _bytesSeen - (spareBytes - _spareSeen); // Spare memory comes because it was asked for.
        _restingPeriods = byOthers <= BytesAtRest ? _restingPeriods + 1 : 0;
        (_bytesSeen, _spareSeen) = (bytes, spareBytes);
        if (_restingPeriods == 0) _askedInPeriod = 0;
        if (now < _notBefore) return MemoryStep.None;
        var garbage = bytes - _bytesBefore;
        if (garbage >= GarbageTolerated) return MemoryStep.Collect;
        var isWorthIt = _hasStormed || _askedInPeriod > 0 || nativeBytes - _nativeBefore >= NativeTolerated
            || (garbage >= GarbageAtRest && now >= _noSmallBefore);
        if (!isWorthIt || _restingPeriods < PeriodsToRest) return MemoryStep.None;
        if (_askedInPeriod > 0)
            return _restingPeriods < _askedInPeriod + PeriodsToGiveBack ? MemoryStep.None : MemoryStep.GiveBackAll;
        _askedInPeriod = _restingPeriods;
        return MemoryStep.AskForSpare;
    }

    /// <summary>There is so much garbage that all threads may stop for it.</summary>
    internal bool IsWorthACollection(long bytes) => bytes - _bytesBefore >= GarbageAtRest / 2;

    /// <param name="bytes">As for <see cref="Next"/>, by now.</param>
    /// <param name="pause">So long the loops have stood still.</param>
    internal void Collected(long bytes, TimeSpan now, TimeSpan pause)
    {
        var notBefore = pause * PauseShare;
        _notBefore = now + (notBefore < PauseBetweenMax ? notBefore : PauseBetweenMax);
        _bytesBefore = _bytesSeen = bytes;
        _lastPause = pause;
        _hasStormed = true;
    }

    /// <summary>All has been given back.</summary>
    internal void Rested(TimeSpan now)
    {
        _hasStormed = false;
        _askedInPeriod = 0;
        _nativeBefore = _nativeSeen;
        var noSmallBefore = _lastPause * PauseShareAtRest;
        _noSmallBefore = now + (noSmallBefore < BetweenSmall ? noSmallBefore : BetweenSmall);
    }
}
