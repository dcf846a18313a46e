using System.Diagnostics;

namespace FastPool.Compat.Harness;

/// <summary>Starts a program in a view of the machine of its own: file systems, processes. Only root can make one.</summary>
internal static class OwnView
{
    private static readonly Lazy<string?> Obstacle = new(FindObstacle);

    /// <summary>Why there can be none here; null: there can.</summary>
    public static string? WhyNot => Obstacle.Value;

    /// <summary>The command in front of the program.</summary>
    /// <param name="preparation">Commands of a shell, run as root inside the view.</param>
    /// <param name="user">The user that runs the program then.</param>
    /// <param name="unshare">The namespaces not shared, beside the file systems.</param>
    public static IReadOnlyList<string> Of(string preparation, IReadOnlyList<string> user, params string[] unshare)
    {
        var script = Path.Combine(Machine.NewFolder("view"), "enter");
        File.WriteAllText(script, $"set -e\nmount --make-rprivate /\n{preparation}\nexec {string.Join(' ', user)} \"$@\"\n");
        return ["unshare", "--mount", .. unshare, "sh", script];
    }

    private static string? FindObstacle()
    {
        if (!Environment.IsPrivilegedProcess) return "needs root";
        using var probe =
            Process.Start(
            new ProcessStartInfo("unshare",
            ["--mount", "--pid", "--fork", "--mount-proc", "mount", "-o", "remount,bind,ro", "/"])
            {
                RedirectStandardError =
            true
            })!;
        probe.WaitForExit();
        return probe.ExitCode == 0 ? null : "needs the right to make name spaces";
    }
}

/// <summary>A test that runs the pooler in a view of its own; beside a real PgBouncer where it says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ViewTheoryAttribute : TheoryAttribute
{
    public bool NeedsReference { get; set; }

    public override string? Skip =>
        NeedsReference && Reference.Path is null ? "no PgBouncer on this machine to compare with" : OwnView.WhyNot;
}

/// <inheritdoc cref="ViewTheoryAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ViewFactAttribute : FactAttribute
{
    /// <inheritdoc cref="ViewTheoryAttribute.NeedsReference"/>
    public bool NeedsReference { get; set; }

    public override string? Skip =>
        NeedsReference && Reference.Path is null ? "no PgBouncer on this machine to compare with" : OwnView.WhyNot;
}
