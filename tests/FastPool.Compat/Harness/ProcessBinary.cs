namespace FastPool.Compat.Harness;

/// <summary>The published binary: FASTPOOL_BINARY, else out/fastpool in a directory above the tests.</summary>
public static class ProcessBinary
{
    public static string FullPath { get; } = Find();

    private static string Find()
    {
        var named = Environment.GetEnvironmentVariable("FASTPOOL_BINARY");
        if (!string.IsNullOrEmpty(named))
        {
            return File.Exists(named) ? named
                : throw new FileNotFoundException($"FASTPOOL_BINARY names {named}, which is not there");
        }

        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            var candidate = Path.Combine(directory.FullName, "out", "fastpool");
            if (File.Exists(candidate)) return candidate;
        }

        throw new FileNotFoundException(
            "no published binary: dotnet publish src/FastPool -c Release -o out, or set FASTPOOL_BINARY");
    }
}
