using Xunit.Abstractions;

namespace FastPool.Compat.Streams;

/// <summary>
/// Recorded streams of clients, played to a PgBouncer of this machine and to the binary under test. The replies are the same,
/// byte for byte, but for what must differ: cancel keys, the version of the server, the order of the variables in the welcome.
/// Where Debian's 1.18 and 1.25.2 differ, the stream says what 1.25.2 answers, and that the older one answers otherwise.
/// </summary>
public class DifferentialTests(ITestOutputHelper output)
{
    private static readonly Version Newest = new(1, 25);

    public static TheoryData<string> Names => [.. RecordedStreams.All.Select(stream => stream.Name)];

    [ReferenceTheory, MemberData(nameof(Names))]
    public async Task The_replies_are_PgBouncers(string name)
    {
        var stream = RecordedStreams.All.Single(stream => stream.Name == name);
        var actual = await PlayAsync(Binary.Path, stream);
        foreach (var line in actual) output.WriteLine(line.Length > 300 ? line[..300] : line);
        if (stream.Expected is { } expected)
        {
            Assert.Equal(expected, actual);
            // Else the row is out of date.
            if (ReferenceVersion() < Newest) Assert.NotEqual(expected, await PlayAsync(Reference.Path!, stream));
            return;
        }

        Assert.Equal(await PlayAsync(Reference.Path!, stream), actual);
    }

    private static async Task<List<string>> PlayAsync(string program, RecordedStream stream)
    {
        var bytes = stream.Bytes;
        await using var pooler = await Pooler.StartAsync(1, file =>
        {
            file.Own["show_as"] = "1.25"; // The words of the streams.
            file.Program = program;
            file["ignore_startup_parameters"] = "extra_float_digits";
            file["default_pool_size"] = "1";
            if (program != Reference.Path) file["max_prepared_statements"] = "0"; // 1.18 has no such thing.
        });
        await pooler.ScalarAsync("select 1"); // The first server's login is over: what the pool knows is the same.
        await using var client = await RawClient.ConnectAsync(pooler.Port);
        await client.SendAsync(stream.EndsAlone ? bytes : [.. bytes, .. Wire.Terminate]);
        var lines = new List<string>();
        if (bytes.AsSpan().StartsWith(Wire.Untyped(Wire.SslRequest))
            || bytes.AsSpan().StartsWith(Wire.Untyped(Wire.GssEncRequest))) await ReadAnswersAsync(client, lines);
        while (await client.ReadAsync(20) is { } message) lines.Add(Normal(MessageText.Show(message)));
        lines.Add("closed");
        return SortVariables(lines);
    }

    /// <summary>One byte a request for encryption, before any message.</summary>
    private static async Task ReadAnswersAsync(RawClient client, List<string> lines)
    {
        while (await client.PeekAsync() == 'N')
        {
            await client.BytesAsync(1);
            lines.Add("N");
        }
    }

    private static string Normal(string line) =>
        line.StartsWith("S server_version=", StringComparison.Ordinal) ? "S server_version=*" : line;

    /// <summary>Variables that come one behind the other are put in order.</summary>
    private static List<string> SortVariables(List<string> lines)
    {
        for (var start = 0; start < lines.Count; start++)
        {
            var end = start;
            while (end < lines.Count && lines[end].StartsWith("S ", StringComparison.Ordinal)) end++;
            lines.Sort(start, end - start, StringComparer.Ordinal);
            start = end;
        }

        return lines;
    }

    private static Version ReferenceVersion()
    {
        var (_, text) = Child.RunAsync(Reference.Path!, ["-V"]).GetAwaiter().GetResult();
        return Version.Parse(text.Split('\n')[0].Split(' ')[^1].Trim());
    }
}
