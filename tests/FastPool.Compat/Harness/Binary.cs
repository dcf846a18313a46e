namespace FastPool.Compat.Harness;

/// <summary>The published binary under test: FASTPOOL_BINARY, else out/fastpool of this checkout.</summary>
internal static class Binary
{
    private static readonly Lazy<(string Path, string VersionText)> Found = new(Find);

    /// <summary>A copy in a folder that the ordinary user can read.</summary>
    public static string Path => Found.Value.Path;

    public static bool IsFastPool => Found.Value.VersionText.Contains("FastPool", StringComparison.OrdinalIgnoreCase);

    /// <summary>The version of PgBouncer that the binary is, or says to be.</summary>
    public static Version Version =>
        Version.TryParse(Found.Value.VersionText.Split('\n')[0].Split(' ')[^1].Trim(), out var version) ? version
            : new Version(0, 0);

    /// <summary>The SQLSTATE of a login that is refused: PgBouncer has one for all of them.</summary>
    public static string State(string ofPostgreSQL) => IsFastPool ? ofPostgreSQL : "08P01";

    /// <summary>The words that came with 1.26, and those that stood there before.</summary>
    public static T Since126<T>(T newer, T older) => Version >= new Version(1, 26) ? newer : older;

    /// <summary>
    /// Why a test is left out for this binary, or null. A missing binary leaves nothing out: the tests then say so.
    /// </summary>
    public static string? WhyNot(string? since, string? fastPoolOnly)
    {
        try
        {
            if (fastPoolOnly is not null && !IsFastPool)
                return $"PgBouncer differs: {fastPoolOnly}";
            return since is not null && Version < Version.Parse(since) ? $"came with PgBouncer {since}; this is {Version}" : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static (string, string) Find()
    {
        var path = Environment.GetEnvironmentVariable("FASTPOOL_BINARY");
        if (string.IsNullOrEmpty(path))
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "FastPool.sln")))
                folder = folder.Parent;
            path = folder is null ? "out/fastpool" : System.IO.Path.Combine(folder.FullName, "out", "fastpool");
        }

        if (!File.Exists(path))
            throw new InvalidOperationException(
                $"There is no binary to test at {path}: run 'dotnet publish src/FastPool -c Release -o out', or set FASTPOOL_BINARY.");
        var copy = System.IO.Path.Combine(Machine.Folder, "pooler");
        File.Copy(path, copy, overwrite: true);
        File.SetUnixFileMode(copy, (UnixFileMode)0b111_101_101);
        var (_, text) = Child.RunAsync(copy, ["-V"]).GetAwaiter().GetResult();
        return (copy, text);
    }
}

/// <summary>A test of the binary; says which binaries it is not for.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PoolerFactAttribute : FactAttribute
{
    /// <summary>The version of PgBouncer that brought the behaviour.</summary>
    public string? Since { get; set; }

    /// <summary>The way of PgBouncer; set where FastPool differs by intent.</summary>
    public string? FastPoolOnly { get; set; }

    public override string? Skip => Binary.WhyNot(Since, FastPoolOnly);
}

/// <inheritdoc cref="PoolerFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PoolerTheoryAttribute : TheoryAttribute
{
    /// <inheritdoc cref="PoolerFactAttribute.Since"/>
    public string? Since { get; set; }

    /// <inheritdoc cref="PoolerFactAttribute.FastPoolOnly"/>
    public string? FastPoolOnly { get; set; }

    public override string? Skip => Binary.WhyNot(Since, FastPoolOnly);
}

/// <summary>Runs a theory with one loop and with two, each with the given further arguments; a PgBouncer has one loop.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class LoopsAttribute(params object[] rest) : Xunit.Sdk.DataAttribute
{
    public override IEnumerable<object[]> GetData(System.Reflection.MethodInfo testMethod)
    {
        yield return [1, .. rest];
        if (Binary.WhyNot(null, "") is null)
            yield return [2, .. rest];
    }
}
