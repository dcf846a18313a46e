using System.Runtime.CompilerServices;

namespace FastPool.Tests.Harness;

/// <summary>A source file of src, with the folder that decides what it may use.</summary>
internal sealed record SourceFile(string Path, string Text)
{
    public string Name => System.IO.Path.GetFileName(Path);

    public IEnumerable<(int Number, string Text)> Lines => Text.Split('\n').Select((line, i) => (i + 1, line));

    /// <summary>The code of a line, without comments and the contents of strings.</summary>
    public static string CodeOf(string line)
    {
        var code = System.Text.RegularExpressions.Regex.Replace(line, "\"(?:[^\"\\\\]|\\\\.)*\"", "\"\"");
        var comment = code.IndexOf("//", StringComparison.Ordinal);
        return comment < 0 ? code : code[..comment];
    }
}

/// <summary>src as it lies beside the tests.</summary>
internal static class SourceTree
{
    /// <summary>src itself.</summary>
    public static string Folder { get; } = Find();

    public static IReadOnlyList<SourceFile> Files { get; } = Read();

    public static IEnumerable<SourceFile> In(string folder) =>
        Files.Where(file => file.Path.StartsWith(folder + "/", StringComparison.Ordinal));

    private static string Find([CallerFilePath] string here = "")
    {
        var folder = Path.GetDirectoryName(here)!;
        while (!File.Exists(Path.Combine(folder, "FastPool.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("no src above " + here);
        return Path.Combine(folder, "src");
    }

    private static List<SourceFile> Read() =>
    [
        .. Directory.EnumerateFiles(Folder, "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Folder, path).Replace('\\', '/'))
            .Where(path => !path.Contains("/obj/") && !path.Contains("/bin/"))
            .Select(path => new SourceFile(path, File.ReadAllText(Path.Combine(Folder, path)))),
    ];
}
