using System.Diagnostics;

namespace FastPool.Compat.Harness;

/// <summary>The files of this checkout, and the tools that the machine has for looking at them.</summary>
internal static class Checkout
{
    public static string Root { get; } = FindRoot();

    /// <summary>The name of the ordinary user that runs the pooler.</summary>
    public static string UserName { get; } = FindUserName();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    public static string Read(params string[] parts) => File.ReadAllText(PathOf(parts));

    /// <summary>A program that is not ours. One that is missing is a failure: without it the test has shown nothing.</summary>
    public static string Tool(string name)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Concat(["/usr/bin", "/usr/sbin", "/bin", "/sbin"]);
        return folders.Where(f => f.Length > 0).Select(f => Path.Combine(f, name)).FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException($"This test needs {name}: run perf-scripts/set-up.sh dist");
    }

    /// <summary>Runs a program as the user of the tests, with nothing to read.</summary>
    /// <returns>Its exit code and both of its outputs.</returns>
    public static Task<(int ExitCode, string Text)> RunAsync(string program, params string[] arguments) =>
        RunAsync(120, program, arguments);

    /// <summary>As above, for what may take longer.</summary>
    public static async Task<(int ExitCode, string Text)> RunAsync(int seconds, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:"
            + Environment.GetEnvironmentVariable("PATH");
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["DPKG_COLORS"] = "never";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} still runs after {seconds} s.");
        }

        return (process.ExitCode, await output + await error);
    }

    /// <summary>As above, for a program that has to succeed.</summary>
    public static async Task<string> MustRunAsync(string program, params string[] arguments)
    {
        var (exitCode, text) = await RunAsync(program, arguments);
        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {exitCode}:\n{text}");
        return text;
    }

    /// <summary>Starts the pooler on an ini, sees it listen, and returns all that it said once it has ended.</summary>
    public static async Task<IReadOnlyList<string>> ListensAsync(string ini, string folder)
    {
        await using var pooler = Child.Start(Binary.Path, [ini], folder);
        await Until.TrueAsync(() => pooler.HasExited
            || pooler.Text.Contains("process up", StringComparison.Ordinal), $"{ini} is up", 15, () => pooler.Text);
        Assert.False(pooler.HasExited, $"The pooler ended at once on {ini}:\n{pooler.Text}");
        Assert.Contains(pooler.Lines, line => line.Contains(" LOG listening on ", StringComparison.Ordinal));
        pooler.Signal(Child.SigQuit);
        Assert.Equal(0, await pooler.ExitAsync());
        return pooler.Lines;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "FastPool.sln")))
                return folder.FullName;
        throw new InvalidOperationException("These tests look at files of the checkout and have to run inside it.");
    }

    private static string FindUserName()
    {
        if (Machine.AsUser.Count == 0)
            return Environment.UserName;
        var uid = Machine.AsUser.Single(word => word.StartsWith("--reuid=", StringComparison.Ordinal))["--reuid=".Length..];
        return File.ReadLines("/etc/passwd").Select(line => line.Split(':')).First(row => row[2] == uid)[0];
    }
}
