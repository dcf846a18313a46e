using System.Text;

namespace FastPool.Core.Auth;

/// <summary>
/// Unicode's normalization form KC of characters that Unicode 3.2 has. Source: Unicode Standard Annex 15; for Hangul, the
/// standard's chapter 3.12.
/// </summary>
internal static class CompatibilityComposition
{
    private const int SyllableFirst = 0xAC00, LeadFirst = 0x1100, VowelFirst = 0x1161, TailFirst = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TailCount = 28, SyllableCount = LeadCount * VowelCount * TailCount;

    internal static List<int> Of(List<int> points)
    {
        var decomposed = new List<int>(points.Count);
        foreach (var point in points) Decompose(point, decomposed);
        PutMarksInOrder(decomposed);
        return Compose(decomposed);
    }

    private static void Decompose(int point, List<int> output)
    {
        if (point is >= SyllableFirst and < SyllableFirst + SyllableCount)
        {
            var syllable = point - SyllableFirst;
            output.Add(LeadFirst + syllable / (VowelCount * TailCount));
            output.Add(VowelFirst + syllable / TailCount % VowelCount);
            if (syllable % TailCount > 0) output.Add(TailFirst + syllable % TailCount);
            return;
        }

        var run = RunAt(SaslPrepTables.Decompositions, point);
        var place = point - (int)(run >> 32);
        if (run == 0 || place >= (int)(run >> 20 & 0xFFF))
        {
            output.Add(point);
            return;
        }
        var length = (int)(run >> 15 & 0x1F);
        var text = SaslPrepTables.DecompositionText.Slice((int)(run & 0x7FFF) + place * length, length);
        for (var i = 0; i < text.Length; i++)
        {
            var isPair = char.IsHighSurrogate((char)text[i]);
            output.Add(isPair ? new Rune((char)text[i], (char)text[++i]).Value : text[i]);
        }
    }

    /// <summary>Marks behind a character stand in the order of their classes; those of one class keep theirs.</summary>
    private static void PutMarksInOrder(List<int> points)
    {
        var marks = new List<(int Class, int Place, int Point)>();
        for (var i = 0; i <= points.Count; i++)
        {
            var combining = i < points.Count ? ClassOf(points[i]) : 0;
            if (combining > 0)
            {
                marks.Add((combining, i, points[i]));
                continue;
            }
            if (marks.Count > 1)
            {
                marks.Sort(); // By class, then by place: a password of nothing but marks costs no square of its length.
                for (var j = 0; j < marks.Count; j++) points[i - marks.Count + j] = marks[j].Point;
            }
            marks.Clear();
        }
    }

    /// <summary>
    /// Each character is put together with the last starter before it, unless a mark of its own class or above stands between.
    /// </summary>
    private static List<int> Compose(List<int> points)
    {
        var output = new List<int>(points.Count);
        var starter = -1;
        var lastClass = 0;
        foreach (var point in points)
        {
            var combining = ClassOf(point);
            var isBlocked = starter < output.Count - 1 && lastClass >= combining;
            if (starter >= 0 && !isBlocked && TryPair(output[starter], point) is { } composite)
            {
                output[starter] = composite;
                continue;
            }
            if (combining == 0) starter = output.Count;
            lastClass = combining;
            output.Add(point);
        }
        return output;
    }

    private static int? TryPair(int first, int second)
    {
        if (first is >= LeadFirst and < LeadFirst + LeadCount && second is >= VowelFirst and < VowelFirst + VowelCount)
            return SyllableFirst + ((first - LeadFirst) * VowelCount + second - VowelFirst) * TailCount;
        if (first is >= SyllableFirst and < SyllableFirst + SyllableCount && (first - SyllableFirst) % TailCount == 0
            && second is > TailFirst and < TailFirst + TailCount)
            return first + second - TailFirst;

        if (first > char.MaxValue || second > char.MaxValue) return null; // No pair of Unicode 3.2 is from there.
        var pair = (ulong)first << 32 | (ulong)second << 16;
        var found = RunAt(SaslPrepTables.Compositions, pair | char.MaxValue);
        return found >> 16 == pair >> 16 ? (int)(found & char.MaxValue) : null;
    }

    private static int ClassOf(int point)
    {
        var run = RunAt(SaslPrepTables.CombiningClasses, point);
        return run != 0 && point - (int)(run >> 32) < (int)(run >> 8 & 0xFFFFFF) ? (int)(run & 0xFF) : 0;
    }

    /// <summary>The last run that begins at the character or before it; 0: there is none.</summary>
    private static ulong RunAt(ReadOnlySpan<ulong> runs, int point) => RunAt(runs, (ulong)point << 32 | uint.MaxValue);

    private static ulong RunAt(ReadOnlySpan<ulong> runs, ulong limit)
    {
        var at = runs.BinarySearch(limit);
        if (at < 0) at = ~at - 1;
        return at < 0 ? 0 : runs[at];
    }
}
