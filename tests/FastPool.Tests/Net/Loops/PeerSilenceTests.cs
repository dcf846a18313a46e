using FastPool.Native;
using FastPool.Net;

namespace FastPool.Tests.Net.Loops;

/// <summary>When a peer that owes acknowledgements counts as gone.</summary>
public sealed class PeerSilenceTests
{
    private const long LimitMs = 20_000;

    /// <summary>The time of the look that finds it gone, milliseconds; null: none does.</summary>
    private static long? FoundAt(Func<long, (long HeardMs, int Retries, int Probes)> peer)
    {
        var silence = default(PeerSilence);
        for (var ms = 1_000L; ms < 600_000; ms += 3_000)
        {
            var (heardMs, retries, probes) = peer(ms);
            if (silence.IsOver(new TcpHealth(true, 1, heardMs, retries, probes), ms * 1_000, LimitMs * 1_000)) return ms;
        }
        return null;
    }

    /// <summary>The kernel asks after 200 ms, 400 ms and so on, up to two minutes.</summary>
    private static int Asked(long ms) => Asks(ms).Count();

    private static IEnumerable<long> Asks(long ms)
    {
        for (long atMs = 200, stepMs = 200; atMs <= ms; stepMs = Math.Min(2 * stepMs, 120_000), atMs += stepMs)
            yield return atMs;
    }

    [Fact]
    public void One_that_answers_nothing_is_gone_after_the_limit() =>
        Assert.InRange(FoundAt(static ms => (ms, Asked(ms), 0))!.Value, LimitMs, LimitMs + 4_000);

    [Fact]
    public void One_whose_window_is_shut_and_that_answers_each_probe_lives() =>
        Assert.Null(FoundAt(static ms => (ms - Asks(ms).Last(), Asked(ms), 0)));

    [Fact]
    public void One_lost_probe_is_no_death_and_two_are() => Assert.Multiple(
        static () => Assert.Null(FoundAt(static ms => (ms, 0, 1))),
        static () => Assert.InRange(FoundAt(static ms => (ms, 0, Asked(ms)))!.Value, LimitMs, LimitMs + 4_000));

    [Fact]
    public void Data_sent_after_a_long_silence_has_the_whole_time() =>
        Assert.InRange(FoundAt(static ms => (3_600_000 + ms, Asked(ms), 0))!.Value, LimitMs, LimitMs + 4_000);
}
