using System.Globalization;
using System.IO.Enumeration;
using FastPool.Control.Answers;
using FastPool.Core.Settings;
using FastPool.Native.Process;

namespace FastPool.Life;

/// <summary>The process as the kernel tells of it. Source: proc(5).</summary>
internal static class ProcessReading
{
    private const double TicksPerSecond = 100; // USER_HZ, on every machine that .NET runs on.

    internal static ProcessFigures Read()
    {
        var figures = new ProcessFigures { OpenDescriptors = OpenDescriptors() };
        if (Identity.DescriptorLimit(out var soft, out _) >= 0)
            figures = figures with { MaxDescriptors = (long)Math.Min(soft, long.MaxValue) };
        return TryReadText("/proc/self/stat") is { } stat ? With(figures, stat, TryReadText("/proc/stat")) : figures;
    }

    /// <param name="stat">Of the process: what stands behind its name is numbers.</param>
    /// <param name="machine">/proc/stat, which says when the machine started.</param>
    internal static ProcessFigures With(ProcessFigures figures, string stat, string? machine)
    {
        const int UserTicks = 11;
        const int SystemTicks = 12;
        const int Threads = 17;
        const int StartTicks = 19;
        const int VirtualBytes = 20;
        const int ResidentPages = 21;
        var fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length <= ResidentPages) return figures;
        return figures with
        {
            CpuSeconds = (Number(fields[UserTicks]) + Number(fields[SystemTicks])) / TicksPerSecond,
            Threads = Number(fields[Threads]),
            StartSeconds = BootSeconds(machine) is { } boot ? boot + (Number(fields[StartTicks]) / TicksPerSecond) : 0,
            VirtualBytes = Number(fields[VirtualBytes]),
            ResidentBytes = Number(fields[ResidentPages]) * Environment.SystemPageSize,
        };
    }

    private static long? BootSeconds(string? machine)
    {
        const string Key = "btime ";
        foreach (var line in (machine ?? "").Split('\n'))
            if (line.StartsWith(Key, StringComparison.Ordinal)) return Number(line[Key.Length..]);
        return null;
    }

    private static long Number(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>As the kernel counts them; else as they are listed, without an object for each of them.</summary>
    private static long OpenDescriptors()
    {
        if (Native.Process.OpenDescriptors.Count() is > 0 and var count) return count;
        try
        {
            return new FileSystemEnumerable<bool>("/proc/self/fd", static (ref FileSystemEntry _) => true).LongCount();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static string? TryReadText(string path) =>
        new DiskFileReader().TryRead(path, out var content, out _) ? ByteText.Of(content) : null;
}
