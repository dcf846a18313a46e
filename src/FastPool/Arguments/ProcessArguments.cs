using FastPool.Core.Settings;

namespace FastPool.Arguments;

/// <summary>The arguments of this process, argv[0] first, byte for byte.</summary>
public static class ProcessArguments
{
    /// <summary>
    /// From the kernel, because .NET decodes what is not always UTF-8; from .NET where /proc is not mounted.
    /// </summary>
    public static IReadOnlyList<string> Read()
    {
        if (new DiskFileReader().TryRead("/proc/self/cmdline", out var content, out _) && content.Length > 0)
        {
            return Split(ByteText.Of(content));
        }

        return [.. Environment.GetCommandLineArgs().Select(ByteText.FromNative)];
    }

    /// <summary>Each argument ends with a NUL, so an empty argument counts too.</summary>
    internal static string[] Split(string content) =>
        (content.EndsWith('\0') ? content[..^1] : content).Split('\0');
}
