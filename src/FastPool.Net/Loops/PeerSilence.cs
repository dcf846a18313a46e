using FastPool.Native;

namespace FastPool.Net;

/// <summary>
/// One look after the other at a peer that owes acknowledgements. It is gone when it has given none for so long, though it was
/// asked again at least twice: one that keeps its window shut answers, and may be asked rarely.
/// </summary>
internal struct PeerSilence
{
    private const int UnansweredLeast = 2;

    private long _sinceUs;
    private int _retries;

    /// <summary>The last look, so that those that are looked at no more can be forgotten.</summary>
    internal long LookedUs { get; private set; }

    /// <summary>Looks again.</summary>
    /// <param name="limitUs">So long it may be silent.</param>
    internal bool IsOver(in TcpHealth health, long nowUs, long limitUs)
    {
        var isFirst = LookedUs == 0;
        LookedUs = nowUs;
        if (isFirst || health.HeardMs * 1_000 < nowUs - _sinceUs)
        {
            (_sinceUs, _retries) = (nowUs, health.Retries);
            return false;
        }
        return nowUs - _sinceUs >= limitUs
            && (health.Retries - _retries >= UnansweredLeast || health.Probes >= UnansweredLeast);
    }
}
