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
    internal bool TryAddNames(Pool pool, ReadOnlySpan<byte> text) =>
        TryAddNames(pool, text, out var parameters) && parameters == 0;

    /// <inheritdoc cref="TryAddNames(Pool, ReadOnlySpan{byte})"/>
    /// <param name="parameters">Those of the text's parameters that are names, a bit each from 1 on.</param>
    internal bool TryAddNames(Pool pool, ReadOnlySpan<byte> text, out ulong parameters)
    {
        var before = NamesOf(pool);
        var now = before.With(text, out var isWhole, out parameters);
        if (!ReferenceEquals(before, now)) _names[pool] = now;
        return isWhole;
    }

    /// <param name="value">Of a parameter that is a name: it is asked for from now on.</param>
    /// <returns>False: it cannot be asked for, or there are too many.</returns>
    internal bool TryAddName(Pool pool, ReadOnlySpan<byte> value)
    {
        var before = NamesOf(pool);
        var now = before.WithName(value, out var isWhole);
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

    internal CustomNames NamesOf(Pool pool) => _names.GetValueOrDefault(pool, CustomNames.None);
}
