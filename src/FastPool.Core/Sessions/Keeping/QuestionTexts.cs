using System.Text;
using FastPool.Core.Pools;

namespace FastPool.Core.Sessions;

/// <summary>
/// One loop's questions for the state of a session: their texts, and the custom variables that clients of each pool have set
/// here. Belongs to the loop's thread.
/// </summary>
internal sealed class QuestionTexts(TrackedParameters tracked)
{
    private const int TextsMax = 64;

    private readonly Dictionary<Pool, CustomNames> _names = [];
    private readonly Dictionary<(CustomNames Names, ulong Reported), byte[]> _texts = [];

    /// <summary>The names in a text are asked for from now on.</summary>
    /// <returns>False: the text sets some whose names it does not tell, or there are too many.</returns>
    internal bool TryAddNames(Pool pool, ReadOnlySpan<byte> text)
    {
        var before = NamesOf(pool);
        var now = before.With(text, out var isWhole);
        if (!ReferenceEquals(before, now)) _names[pool] = now;
        return isWhole;
    }

    /// <param name="reported">Tracked variables whose changes the server tells, a bit each.</param>
    /// <param name="isUnreported">The same for one of them.</param>
    internal byte[] TextFor(Pool pool, ulong reported, Func<int, bool> isUnreported)
    {
        var names = NamesOf(pool);
        if (_texts.TryGetValue((names, reported), out var text)) return text;
        if (_texts.Count >= TextsMax) _texts.Clear();
        return _texts[(names, reported)] = Encoding.Latin1.GetBytes(StateQuestion.Build(tracked, names, isUnreported));
    }

    private CustomNames NamesOf(Pool pool) => _names.GetValueOrDefault(pool, CustomNames.None);
}
