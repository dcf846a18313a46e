using System.Buffers.Text;

namespace FastPool.Native.Process;

/// <summary>Pages of the program's file and of its libraries that are in memory as on disk: code and constants.</summary>
public static unsafe class ProgramPages
{
    private const int DontNeed = 4;
    private const int ReadBytes = 16 * 1024; // More than a line has.

    /// <summary>
    /// Forgets them all. Those that are used again are mapped again from the kernel's cache of the file, sixteen at a time; those
    /// that are not needed any more do not come back.
    /// <para>
    /// A library that is being loaded looks like these for a moment: the loader maps all of the file to be read, then its
    /// variables over that. So only mappings that were there before other threads ran are given back.
    /// </para>
    /// </summary>
    /// <param name="unchanged">See <see cref="StillUnchanged"/>.</param>
    public static void GiveBack(IEnumerable<(nuint Start, nuint Bytes)> unchanged)
    {
        foreach (var (start, bytes) in unchanged)
            _ = Libc.MAdvise((void*)start, bytes, DontNeed); // One that will not, stays.
    }

    /// <param name="before">Those that were unchanged while one thread ran, so that no library was being loaded.</param>
    /// <param name="now">Those that are.</param>
    public static IEnumerable<(nuint Start, nuint Bytes)> StillUnchanged(
        IEnumerable<(nuint Start, nuint Bytes)> before, IEnumerable<(nuint Start, nuint Bytes)> now) => now.Intersect(before);

    /// <summary>
    /// Mappings that are only read and have no page of their own. A page of its own has been written into, by the loader or by a
    /// debugger, and its content would be lost. That is so too for one which the kernel has put into swap space. Empty where the
    /// system does not tell. The look leaves next to no garbage.
    /// </summary>
    public static List<(nuint Start, nuint Bytes)> Unchanged()
    {
        int fd;
        fixed (byte* path = "/proc/self/smaps\0"u8) fd = Libc.Open(path, 0, 0);
        if (fd < 0) return [];
        var buffer = stackalloc byte[ReadBytes];
        var scan = new Scan([]);
        int read, kept = 0;
        while ((read = Libc.Read(fd, buffer + kept, (nuint)(ReadBytes - kept))) > 0)
        {
            var text = new Span<byte>(buffer, kept + read);
            var rest = scan.Lines(text);
            rest.CopyTo(text);
            kept = rest.Length;
        }
        Libc.Close(fd);
        return scan.Unchanged;
    }

    /// <param name="maps">The text of <c>/proc/self/smaps</c>.</param>
    internal static List<(nuint Start, nuint Bytes)> UnchangedIn(ReadOnlySpan<byte> maps)
    {
        var scan = new Scan([]);
        scan.Lines(maps);
        return scan.Unchanged;
    }

    private struct Scan(List<(nuint Start, nuint Bytes)> unchanged)
    {
        private (nuint Start, nuint Bytes) _mapping;

        internal List<(nuint Start, nuint Bytes)> Unchanged { get; } = unchanged;

        /// <returns>The bytes behind the last whole line.</returns>
        internal ReadOnlySpan<byte> Lines(ReadOnlySpan<byte> text)
        {
            int end;
            while ((end = text.IndexOf((byte)'\n')) >= 0)
            {
                Line(text[..end]);
                text = text[(end + 1)..];
            }
            return text;
        }

        private void Line(ReadOnlySpan<byte> line)
        {
            // The line of a mapping begins with its address, those about it with a capital.
            if (line is [not (>= (byte)'A' and <= (byte)'Z'), ..]) _mapping = ReadOnlyFile(line);
            else if (HasOwnPages(line)) _mapping = default;
            else if (_mapping.Bytes > 0 && line.StartsWith("Swap:"u8)) Unchanged.Add(_mapping); // The last.
        }

        private static bool HasOwnPages(ReadOnlySpan<byte> line) =>
            (line.StartsWith("Anonymous:"u8) || line.StartsWith("Swap:"u8)) && !line.EndsWith(" 0 kB"u8);

        private static (nuint Start, nuint Bytes) ReadOnlyFile(ReadOnlySpan<byte> line)
        {
            var range = Word(ref line);
            var access = Word(ref line);
            if (!access.SequenceEqual("r-xp"u8) && !access.SequenceEqual("r--p"u8)) return default;
            Word(ref line); // Where in the file,
            Word(ref line); // of which device,
            Word(ref line); // under which number.
            return Word(ref line) is [(byte)'/', ..] ? RangeOf(range) : default;
        }

        private static ReadOnlySpan<byte> Word(ref ReadOnlySpan<byte> line)
        {
            line = line.TrimStart((byte)' ');
            var length = line.IndexOf((byte)' ');
            var word = length < 0 ? line : line[..length];
            line = line[word.Length..];
            return word;
        }

        private static (nuint Start, nuint Bytes) RangeOf(ReadOnlySpan<byte> range) =>
            Utf8Parser.TryParse(range, out ulong start, out var length, 'x') && range[length..] is [(byte)'-', .. var behind]
                && Utf8Parser.TryParse(behind, out ulong end, out var rest, 'x') && rest == behind.Length
                && end > start ? ((nuint)start, (nuint)(end - start)) : default;
    }
}
