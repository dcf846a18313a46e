namespace FastPool.Compat.Harness;

/// <summary>
/// A PgBouncer of the machine, for tests that run one thing on both and compare: FASTPOOL_REFERENCE, else Debian's.
/// </summary>
internal static class Reference
{
    public static string? Path { get; } = Find();

    /// <summary>Runs it on PgBouncer and on the binary under test; both must show the same.</summary>
    public static async Task SameAsync<T>(Func<string, Task<T>> observe)
    {
        var expected = await observe(Path!);
        Assert.Equal(expected, await observe(Binary.Path));
    }

    private static string? Find()
    {
        var named = Environment.GetEnvironmentVariable("FASTPOOL_REFERENCE");
        var path = string.IsNullOrEmpty(named) ? "/usr/sbin/pgbouncer" : named;
        return File.Exists(path) ? path : null;
    }
}

/// <summary>A test that needs a real PgBouncer beside the binary under test.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ReferenceFactAttribute : FactAttribute
{
    /// <summary>The test does what only root may.</summary>
    public bool IsForRoot { get; set; }

    public override string? Skip => Reference.Path is null ? "no PgBouncer on this machine to compare with"
        : IsForRoot && !Environment.IsPrivilegedProcess ? "needs root" : null;
}

/// <inheritdoc cref="ReferenceFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ReferenceTheoryAttribute : TheoryAttribute
{
    public override string? Skip => Reference.Path is null ? "no PgBouncer on this machine to compare with" : null;
}
