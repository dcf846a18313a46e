namespace FastPool.Compat.Dist;

/// <summary>
/// dist/publish.sh. Two builds that are equal, and a binary for arm64 that serves a query, take minutes: they run where
/// FASTPOOL_PUBLISH=1 asks for them. Everywhere it is seen that the script knows its machines.
/// </summary>
public sealed class PublishTests
{
    private static bool IsWhole => Environment.GetEnvironmentVariable("FASTPOOL_PUBLISH") == "1";

    /// <summary>A build by the Dockerfile fails where a file is missing, and no engine may be there to tell.</summary>
    [PoolerFact(FastPoolOnly = "has an image of its own")]
    public void The_image_is_built_of_what_is_published()
    {
        var copied = Checkout.Read("dist", "Dockerfile").Split('\n')
            .Where(static line => line.StartsWith("COPY ", StringComparison.Ordinal)
                && !line.Contains("--", StringComparison.Ordinal))
            .SelectMany(static line => line.Split(' ')[1..^1]).Order(StringComparer.Ordinal);
        var published = Checkout.Read("dist", "publish.sh").Split("archive HEAD ")[1].Split(" |")[0].Split(' ')
            .Order(StringComparer.Ordinal);
        Assert.Equal(published, copied);
        Assert.Contains(".editorconfig", published); // Without it warnings are errors that are none here.
    }

    private static Task<(int ExitCode, string Text)> RunAsync(params string[] arguments) =>
        Checkout.RunAsync(Checkout.Tool("bash"), [Checkout.PathOf("dist", "publish.sh"), .. arguments]);

    [PoolerFact(FastPoolOnly = "is published by a script of its own")]
    public async Task It_says_what_it_makes_and_what_it_does_not()
    {
        var (exit, text) = await RunAsync();
        Assert.Equal((2, true), (exit, text.StartsWith("usage: ", StringComparison.Ordinal)));
        (exit, text) = await RunAsync("-r", "win-x64", "-o", Machine.NewFolder("publish"));
        Assert.Equal((1, "error: win-x64 is not made on this machine"), (exit, text.Trim()));
        if (!IsWhole) return;

        (exit, text) = await RunAsync("-c");
        Assert.True(exit == 0 && text.Contains("both are the same", StringComparison.Ordinal), text);
        var folder = Machine.NewFolder("publish");
        (exit, text) = await RunAsync("-r", "linux-arm64", "-t", "-o", folder);
        Assert.True(exit == 0 && text.Contains("a query through linux-arm64", StringComparison.Ordinal), text);
        foreach (var build in (string[])["debian", "rpm"])
        {
            await Checkout.MustRunAsync(
                Checkout.Tool("bash"), Checkout.PathOf("dist", build, "build.sh"), "-b", $"{folder}/fastpool", "-o", folder);
        }
        Assert.Single(Directory.GetFiles(folder, "fastpool_*_arm64.deb"));
        Assert.Single(Directory.GetFiles(folder, "fastpool-*.aarch64.rpm"));
    }
}
