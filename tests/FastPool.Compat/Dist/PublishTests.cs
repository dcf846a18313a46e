namespace FastPool.Compat.Dist;

/// <summary>
/// dist/publish.sh. Two builds that are equal, and binaries that serve a query by TLS on arm64 and with the libraries of an
/// older Debian, take minutes: they run where FASTPOOL_PUBLISH=1 asks for them. Everywhere it is seen that the script knows its
/// machines.
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
        Checkout.RunAsync(1200, Checkout.Tool("bash"), [Checkout.PathOf("dist", "publish.sh"), .. arguments]);

    [PoolerFact(FastPoolOnly = "is published by a script of its own")]
    public async Task It_says_what_it_makes_and_what_it_does_not()
    {
        var (exit, text) = await RunAsync();
        Assert.Equal((2, true), (exit, text.StartsWith("usage: ", StringComparison.Ordinal)));
        (exit, text) = await RunAsync("-r", "win-x64", "-o", Machine.NewFolder("publish"));
        Assert.Equal((1, "error: win-x64 is not made on this machine"), (exit, text.Trim()));
        (exit, text) = await Checkout.RunAsync(Checkout.Tool("bash"), Checkout.PathOf("dist", "libraries.sh"), "arm64");
        Assert.Equal((2, true), (exit, text.StartsWith("usage: ", StringComparison.Ordinal)));
    }

    [PoolerFact(FastPoolOnly = "is published by a script of its own")]
    public async Task Two_builds_are_equal()
    {
        if (!IsWhole) return;
        var (exit, text) = await RunAsync("-c");
        Assert.True(exit == 0 && text.Contains("both are the same", StringComparison.Ordinal), text);
    }

    /// <summary>A C library that runs no constructors by itself, has its threads in a library apart, and OpenSSL 1.1.1.</summary>
    [PoolerFact(FastPoolOnly = "is published by a script of its own")]
    public async Task It_serves_a_query_by_TLS_with_the_libraries_of_an_older_release()
    {
        if (!IsWhole) return;
        var folder = Machine.NewFolder("publish");
        await Checkout.MustRunAsync(Checkout.Tool("bash"), Checkout.PathOf("dist", "libraries.sh"),
            "amd64", "bullseye", $"{folder}/libraries", "libc6", "libssl1.1");
        var (exit, text) = await RunAsync("-r", "linux-x64", "-t", "-l", $"{folder}/libraries", "-o", folder);
        Assert.True(exit == 0 && text.Contains("tls: OpenSSL 1.1.1", StringComparison.Ordinal), text);
        Assert.Matches(@"a query through linux-x64\n(?s:.*)SSL connection \(protocol: TLSv1\.3", text);
    }

    [PoolerFact(FastPoolOnly = "is published by a script of its own")]
    public async Task It_serves_a_query_by_TLS_on_arm64()
    {
        if (!IsWhole) return;
        var folder = Machine.NewFolder("publish");
        var (exit, text) = await RunAsync("-r", "linux-arm64", "-t", "-o", folder);
        Assert.True(exit == 0 && text.Contains("tls: OpenSSL 3", StringComparison.Ordinal), text);
        Assert.Matches(@"a query through linux-arm64\n(?s:.*)SSL connection \(protocol: TLSv1\.3", text);
        foreach (var build in (string[])["debian", "rpm"])
        {
            await Checkout.MustRunAsync(
                Checkout.Tool("bash"), Checkout.PathOf("dist", build, "build.sh"), "-b", $"{folder}/fastpool", "-o", folder);
        }
        Assert.Single(Directory.GetFiles(folder, "fastpool_*_arm64.deb"));
        Assert.Single(Directory.GetFiles(folder, "fastpool-*.aarch64.rpm"));
    }
}
