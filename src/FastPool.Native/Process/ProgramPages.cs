using System.Globalization;

namespace FastPool.Native.Process;

/// <summary>Pages of the program's file and of its libraries that are in memory as on disk: code and constants.</summary>
public static unsafe class ProgramPages
{
    private const int DontNeed = 4;

    /// <summary>
    /// Forgets them all. Those that are used again are mapped again from the kernel's cache of the file, sixteen at a time; those
    /// that only the start needed are not.
    /// <para>
    /// A library that is being loaded looks like these for a moment: the loader maps all of the file to be read, then its
    /// variables over that. So only mappings that were there before other threads ran are given back.
    /// </para>
    /// </summary>
    /// <param name="before">Those that were unchanged while one thread ran, so that no library was being loaded.</param>
    /// <param name="maps">The lines of <c>/proc/self/smaps</c> by now.</param>
    public static void GiveBack(IReadOnlyList<(nuint Start, nuint Bytes)> before, IReadOnlyList<string> maps)
    {
        foreach (var (start, bytes) in StillUnchanged(before, maps))
            _ = Libc.MAdvise((void*)start, bytes, DontNeed); // One that will not, stays.
    }

    internal static IEnumerable<(nuint Start, nuint Bytes)> StillUnchanged(
        IReadOnlyList<(nuint Start, nuint Bytes)> before, IReadOnlyList<string> maps) => Unchanged(maps).Intersect(before);

    /// <summary>
    /// Mappings that are only read and have no page of their own. A page of its own has been written into, by the loader or by a
    /// debugger, and its content would be lost. That is so too for one which the kernel has put into swap space.
    /// </summary>
    /// <param name="maps">The lines of <c>/proc/self/smaps</c>.</param>
    public static List<(nuint Start, nuint Bytes)> Unchanged(IReadOnlyList<string> maps)
    {
        List<(nuint, nuint)> unchanged = [];
        (nuint Start, nuint Bytes) mapping = default;
        foreach (var line in maps)
        {
            // The line of a mapping begins with its address, those about it with a capital.
            if (line is [not (>= 'A' and <= 'Z'), ..]) mapping = ReadOnlyFile(line);
            else if (HasOwnPages(line)) mapping = default;
            else if (mapping.Bytes > 0 && line.StartsWith("Swap:", StringComparison.Ordinal)) unchanged.Add(mapping); // The last.
        }
        return unchanged;
    }

    private static bool HasOwnPages(string line) =>
        (line.StartsWith("Anonymous:", StringComparison.Ordinal) || line.StartsWith("Swap:", StringComparison.Ordinal))
            && !line.EndsWith(" 0 kB", StringComparison.Ordinal);

    private static (nuint Start, nuint Bytes) ReadOnlyFile(string line) =>
        line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var range, "r-xp" or "r--p", _, _, _, ['/', ..], ..]
            ? RangeOf(range) : default;

    private static (nuint Start, nuint Bytes) RangeOf(string range) =>
        range.Split('-') is [var first, var last] && TryReadAddress(first, out var start) && TryReadAddress(last, out var end)
            && end > start ? (start, end - start) : default;

    private static bool TryReadAddress(string text, out nuint address) =>
        nuint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out address);
}
